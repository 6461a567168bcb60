"""The rules on the production refs of a repository: rulesets of every level and classic protection."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING
from urllib.parse import quote

from soc2ev.errors import AccessError, CollectError
from soc2ev.model import Json
from soc2ev.sources.github.access import NEEDS, UNKNOWN, Access, is_refused
from soc2ev.sources.github.claims import Repository, Tally, explain
from soc2ev.sources.github.governance import ACTIVE, asked_of, is_gone, is_protected, is_unprotected, protection_rows
from soc2ev.sources.github.rule_versions import reaches

if TYPE_CHECKING:
    from soc2ev.fetch import Answer
    from soc2ev.period import Period
    from soc2ev.sources.github.host import Host

Bound = Mapping[str, frozenset[int] | None]
"""The rulesets on each production ref; None for a ref where that could not be read."""
_ODD = (AttributeError, KeyError, TypeError, ValueError)
_HISTORY = "ruleset history"
_RENAMED = "if it was renamed, put its new name into `branches` of the scope"
_CLOCKS = timedelta(seconds=5)
"""What two answers about one instant may differ by."""


@dataclass(frozen=True, slots=True)
class _Listed:
    """A ruleset of the list that may bind branches."""

    number: int
    level: str
    source: str
    enforced: bool
    name: str
    changed_at: datetime | None
    """When it was last changed, after it was made; None when never or not told."""


class Rules:
    """The rules of one repository as they are now, and what rulesets had been that were changed since."""

    def __init__(self, host: Host, repository: Repository, period: Period, tally: Tally, access: Access) -> None:
        self.host, self.repository, self.period, self.tally, self.access = host, repository, period, tally, access
        self.passable: list[str] = []
        """Refs whose classic protection somebody can bypass, or may: it could not be read."""
        self.bound: Bound = {}
        self._listed: list[_Listed] = []
        self._told: dict[int, list[Json]] = {}
        """The rules that bind some ref, by ruleset."""
        tally.expected = 0

    def effective(self) -> None:
        """Which rulesets bind the refs; what is missing is told to the tally."""
        self.bound = {ref: self._effective(ref) for ref in self.repository.branches}

    def survey(self) -> None:
        """
        All rulesets for branches; what is missing is told to the tally.

        One that binds nothing now may have done so until it was switched off.
        """
        try:
            for page in self.host.walk(
                f"{self.repository.path}/rulesets",
                params={"includes_parents": "true", "per_page": "100"},
                stream=self._stream,
                asked=self._asked("rulesets"),
            ):
                self._obtained(page)
                self._listed += _rulesets(self.host.fetch.json(page))
        except _ODD as problem:
            self.tally.lacks(f"the list of rulesets is not understood: {problem!r}"[:300])
        except CollectError as problem:
            self.access.failed(self.tally, "rules", problem, "the list of rulesets")

    @property
    def judged(self) -> Bound:
        """
        The refs of which the ledger of rulesets may tell: those that one binds, and all where that may have changed.

        What no longer binds a ref may have been bypassed while it did: a ruleset was changed lately, or is for the
        default branch, which may have been one of the refs before it was renamed.
        """
        begins = self.period.start
        changed = any(one.changed_at is not None and one.changed_at > begins for one in self._listed)
        if self.repository.default not in self.repository.branches:
            changed = changed or any(one.enforced for one in self._listed)
        return {ref: (found or None) if changed else found for ref, found in self.bound.items()}

    def read(self) -> None:
        """The rulesets that bind the refs, and classic protection; what is missing is told to the tally."""
        if not all(found is None or found for found in self.bound.values()):
            self._idle()
        self._versions()
        self._contradictions()
        bound = self.bound
        numbers = {number for found in bound.values() for number in found or ()}
        for number in sorted(numbers):
            self._ruleset(number, [ref for ref, found in bound.items() if number in (found or ())])
        for ref, found in bound.items():
            self._protection(ref, bound=found is None or bool(found))

    def _effective(self, ref: str) -> frozenset[int] | None:
        """The rulesets of every level that bind a ref: GitHub leaves out those that are not enforced."""
        found: set[int] = set()
        told: dict[int, list[Json]] = {}
        try:
            for page in self.host.walk(
                f"{self.repository.path}/rules/branches/{quote(ref, safe='')}",
                params={"per_page": "100"},
                stream=self._stream,
                asked=self._asked("effective", ref=ref),
            ):
                for rule in self.host.fetch.json(page):
                    found.add(int(rule["ruleset_id"]))
                    told.setdefault(int(rule["ruleset_id"]), []).append(rule)
        except _ODD as problem:
            self.tally.lacks(f"the rules of {ref} are not understood: {problem!r}"[:300])
            return None
        except CollectError as problem:
            self.access.failed(self.tally, "rules", problem, f"the rules of {ref}")
            return None
        self.access.saw("rules")
        self._told |= told
        return frozenset(found)

    def _idle(self) -> None:
        """Where no ruleset binds a ref: those that exist and are not enforced, for the reader."""
        if idle := [one.name for one in self._listed if not one.enforced]:
            self.tally.details["not enforced"] = idle

    def _contradictions(self) -> None:
        """What the list of rulesets and the rules of the refs say against one another is told to the tally."""
        known = {one.number for one in self._listed}
        for ref, found in self.bound.items():
            if unlisted := sorted((found or frozenset()) - known):
                self.tally.lacks(f"ruleset {unlisted[0]} binds {ref} and is not in the list of rulesets; collect again")
        unbound = [ref for ref, found in self.bound.items() if found is not None and not found]
        for one in self._listed if unbound else ():
            if one.enforced:
                self._deny(one, unbound)

    def _deny(self, one: _Listed, unbound: Sequence[str]) -> None:
        """An enforced ruleset whose own conditions reach a ref that is said to have no rules."""
        try:
            value = self.host.fetch.json(self._get(f"/rulesets/{one.number}", self._asked("conditions")))
            about = {"default": self.repository.default, "current": self.repository.current}
            reached: Sequence[str] = [
                ref for ref in unbound if value["rules"] and reaches(value.get("conditions"), about, ref)
            ]
        except _ODD as problem:
            reached = unbound
            self.tally.lacks(f"ruleset {one.number} is not understood: {problem!r}"[:300])
        except CollectError as problem:
            reached = unbound
            self.access.failed(self.tally, "rules", problem, f"ruleset {one.number}")
        else:
            for ref in reached:
                self.tally.lacks(f"{one.name} reaches {ref}, and GitHub names none of its rules there; collect again")
        # A ref that may have rules after all has bypasses to ask for.
        self.bound = {**self.bound, **dict.fromkeys(reached)}

    def _versions(self) -> None:
        """
        What rulesets had been in the period that were changed since it began.

        A refusal is no gap: what was asked at a merge is then not known of them, and said so for each change. Any other
        failure is one.
        """
        for one in self._listed:
            if one.changed_at is None or one.changed_at <= self.period.start or one.level not in _OWNERS:
                continue
            try:
                self._history(one, one.changed_at)
            except CollectError as problem:
                if is_refused(problem):
                    self.access.refused(_HISTORY, problem)
                else:
                    self.access.failed(self.tally, _HISTORY, problem, f"the history of {one.name}")
                self.tally.details.setdefault("history not visible", []).append(one.name)
            except _ODD as problem:
                self.access.missed(_HISTORY, f"the answer is not understood: {problem!r}"[:300], UNKNOWN)
                self.tally.lacks(f"the history of {one.name} is not understood: {problem!r}"[:300])
            else:
                self.access.saw(_HISTORY)

    def _history(self, one: _Listed, changed_at: datetime) -> None:
        """The versions that were in force since the period began; the one that is in force now was read already."""
        path = f"{_OWNERS[one.level]}/{one.source}/rulesets/{one.number}/history"
        asked = self._asked("ruleset history", ruleset=one.number)
        versions: list[tuple[datetime, str, int]] = []
        for page in self.host.walk(path, params={"per_page": "100"}, stream=self._stream, asked=asked):
            versions += [_version(row) for row in self.host.fetch.json(page)]
        versions.sort()
        if not versions or abs(versions[-1][0] - changed_at) > _CLOCKS:
            return  # The newest one is not what was read: whatever these are, they do not lead up to it.
        for (_, _, number), (until, text, _) in pairwise(versions):
            if until > self.period.start:
                told = {"refs": list(self.repository.branches), "default": self.repository.default, "until": text}
                more = {"ruleset": one.number, "version": number, "current": self.repository.current, **told}
                answer = self.host.get(
                    f"{path}/{number}", stream=self._stream, asked=self._asked("ruleset version", **more)
                )
                self._obtained(answer)

    def _ruleset(self, number: int, refs: list[str]) -> None:
        self._expect(len(refs))
        try:
            answer = self._get(f"/rulesets/{number}", self._asked("ruleset", refs=refs))
            value = self.host.fetch.json(answer)
        except CollectError as problem:
            self.access.failed(self.tally, "rules", problem, f"ruleset {number}")
            return
        try:
            enforced, odd = value["enforcement"] == ACTIVE, _difference(self._told.get(number, ()), value["rules"])
        except _ODD as problem:
            self.tally.lacks(f"ruleset {number} is not understood: {problem!r}"[:300])
            return
        if not enforced:
            self.tally.lacks(f"ruleset {number} was switched off while the rules were read; collect again")
        if odd:
            self.tally.lacks(f"ruleset {number} {odd}; collect again")
        if "bypass_actors" in value:
            self.access.saw("bypass actors")
        else:
            self.access.missed("bypass actors", "GitHub shows them only to those who may edit the ruleset")

    def _protection(self, ref: str, *, bound: bool) -> None:
        """Classic protection; where it is refused, what everybody may see of the branch tells whether there is any."""
        place = f"/branches/{quote(ref, safe='')}"
        refusal = CollectError(f"{place}/protection answered 404, as it does without {NEEDS['protection']}")
        try:
            answer = self._get(f"{place}/protection", self._asked("protection", ref=ref, bound=bound), accept=(404,))
            told = self.host.fetch.json(answer)
            if is_gone(told):
                self.tally.lacks(f"there is no branch {ref} now, so nobody can see its protection; {_RENAMED}")
                return
            if "message" not in told or is_unprotected(told):
                self._expect(0 if "message" in told and bound else 1)
                self.access.saw("protection")
                rows = protection_rows({"repository": self.repository.name, "ref": ref, "bound": bound}, told)
                self.passable += [ref for _, row in rows if row["bypass"]]
                return
        except AccessError as problem:
            refusal = problem
        except (CollectError, *_ODD) as problem:
            odd = problem if isinstance(problem, CollectError) else CollectError(f"it is not understood: {problem!r}")
            self.access.failed(self.tally, "protection", odd, f"the protection of {ref}")
            # It may be there and overridden: the audit log tells.
            self.passable.append(ref)
            return
        self._refused(ref, place, refusal, bound=bound)

    def _refused(self, ref: str, place: str, refusal: CollectError, *, bound: bool) -> None:
        """Nobody may see the protection of a branch: a gap, unless everybody may see that it has none."""
        self.access.missed("protection", explain(refusal)[:500])
        try:
            answer = self._get(place, self._asked("branch", ref=ref, bound=bound))
        except CollectError as problem:
            self.tally.failed(problem, f"the protection of {ref}")
            return
        self._expect(answer.item.count or 0)
        if is_protected(self.host.fetch.json(answer)):
            self.tally.denied = True
            self.tally.lacks(f"{ref} is protected, and nobody without {NEEDS['protection']} may see how: {refusal}")

    def _get(self, path: str, asked: Mapping[str, Json], accept: Collection[int] = ()) -> Answer:
        answer = self.host.get(self.repository.path + path, stream=self._stream, asked=asked, accept=accept)
        self.tally.fetched += answer.item.count or 0
        return answer

    def _obtained(self, answer: Answer) -> None:
        """Rows that nothing had announced."""
        self.tally.add(expected=answer.item.count or 0, fetched=answer.item.count or 0)

    def _expect(self, more: int) -> None:
        self.tally.expected = (self.tally.expected or 0) + more

    def _asked(self, role: str, **more: Json) -> dict[str, Json]:
        return {"repository": self.repository.name, "role": role, **more}

    @property
    def _stream(self) -> str:
        return self.repository.stream(self.tally.stream)


_DATES = ("created_at", "updated_at")
_OWNERS = {"Repository": "/repos", "Organization": "/orgs"}
"""Where the history of a ruleset of that level stands; that of an enterprise is not for others to read."""


def _rulesets(rows: Json) -> Iterator[_Listed]:
    """Those for branches: others are for tags and pushes."""
    for one in rows:
        if one.get("target", "branch") == "branch":
            enforced = one["enforcement"] == ACTIVE
            name = f"{one['name']} ({one['enforcement']})"
            yield _Listed(int(one["id"]), one.get("source_type", ""), one["source"], enforced, name, _changed(one))


def _difference(bound: Sequence[Json], shown: Sequence[Json]) -> str:
    """
    What the rules that bind a ref and those that the ruleset itself shows say against one another; empty for nothing.

    Both tell what a rule asks for; one that binds without telling that is compared by its kind alone.
    """
    if lacking := sorted({rule["type"] for rule in bound} - {rule["type"] for rule in shown}):
        return f"binds by {lacking[0]} and does not show that rule"
    told = [rule for rule in bound if rule.get("parameters")]
    same = [rule for rule in shown if rule["type"] in {one["type"] for one in told}]
    there, here = asked_of({"rules": told}), asked_of({"rules": same})
    odd = sorted(name for name in there if there[name] != here[name])
    return f"shows other {odd[0]} than the rules of the branch" if odd else ""


def _changed(row: Json) -> datetime | None:
    made, changed = (row.get(name) for name in _DATES)
    if changed is None:
        return None
    at = datetime.fromisoformat(changed)
    return None if made is not None and at - datetime.fromisoformat(made) <= _CLOCKS else at


def _version(row: Json) -> tuple[datetime, str, int]:
    """When it began, in two forms, and its number."""
    return datetime.fromisoformat(row["updated_at"]), row["updated_at"], int(row["version_id"])
