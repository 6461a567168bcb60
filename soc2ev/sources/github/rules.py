"""The rules on the production refs of a repository: rulesets of every level and classic protection."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote

from soc2ev.errors import AccessError, CollectError
from soc2ev.model import Json
from soc2ev.sources.github.access import NEEDS, Access
from soc2ev.sources.github.claims import Repository, Tally, explain
from soc2ev.sources.github.governance import ACTIVE, is_protected, is_unprotected, protection_rows

if TYPE_CHECKING:
    from soc2ev.fetch import Answer
    from soc2ev.sources.github.host import Host

Bound = Mapping[str, frozenset[int] | None]
"""The rulesets on each production ref; None for a ref where that could not be read."""
_ODD = (AttributeError, KeyError, TypeError, ValueError)


class Rules:
    """The rules of one repository as they are now."""

    def __init__(self, host: Host, repository: Repository, tally: Tally, access: Access) -> None:
        self.host, self.repository, self.tally, self.access = host, repository, tally, access
        self.passable: list[str] = []
        """Refs whose classic protection somebody can bypass."""
        tally.expected = 0

    def effective(self) -> Bound:
        """Which rulesets bind the refs; what is missing is told to the tally."""
        return {ref: self._effective(ref) for ref in self.repository.branches}

    def read(self, bound: Bound) -> None:
        """The rulesets that bind the refs, and classic protection; what is missing is told to the tally."""
        if not all(found is None or found for found in bound.values()):
            self._idle()
        numbers = {number for found in bound.values() for number in found or ()}
        for number in sorted(numbers):
            self._ruleset(number, [ref for ref, found in bound.items() if number in (found or ())])
        for ref, found in bound.items():
            self._protection(ref, bound=found is None or bool(found))

    def _effective(self, ref: str) -> frozenset[int] | None:
        """The rulesets of every level that bind a ref: GitHub leaves out those that are not enforced."""
        found: set[int] = set()
        try:
            for page in self.host.walk(
                f"{self.repository.path}/rules/branches/{quote(ref, safe='')}",
                params={"per_page": "100"},
                stream=self._stream,
                asked=self._asked("effective", ref=ref),
            ):
                found |= {int(rule["ruleset_id"]) for rule in self.host.fetch.json(page)}
        except _ODD as problem:
            self.tally.lacks(f"the rules of {ref} are not understood: {problem!r}"[:300])
            return None
        except CollectError as problem:
            self.access.failed(self.tally, "rules", problem, f"the rules of {ref}")
            return None
        self.access.saw("rules")
        return frozenset(found)

    def _idle(self) -> None:
        """Where no ruleset binds a ref: those that exist and are not enforced, for the reader."""
        idle: list[str] = []
        try:
            for page in self.host.walk(
                f"{self.repository.path}/rulesets",
                params={"includes_parents": "true", "per_page": "100"},
                stream=self._stream,
                asked=self._asked("rulesets"),
            ):
                idle += [
                    f"{one['name']} ({one['enforcement']})"
                    for one in self.host.fetch.json(page)
                    if one["enforcement"] != ACTIVE
                ]
        except (CollectError, *_ODD) as problem:
            self.tally.details["warnings"] = [f"rulesets that are not enforced could not be listed: {problem}"[:300]]
        if idle:
            self.tally.details["not enforced"] = idle

    def _ruleset(self, number: int, refs: list[str]) -> None:
        self._expect(len(refs))
        try:
            answer = self._get(f"/rulesets/{number}", self._asked("ruleset", refs=refs))
            value = self.host.fetch.json(answer)
        except CollectError as problem:
            self.access.failed(self.tally, "rules", problem, f"ruleset {number}")
            return
        if value["enforcement"] != ACTIVE:
            self.tally.lacks(f"ruleset {number} was switched off while the rules were read; collect again")
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
            if "message" not in told or is_unprotected(told):
                self._expect(0 if "message" in told and bound else 1)
                self.access.saw("protection")
                rows = protection_rows({"repository": self.repository.name, "ref": ref, "bound": bound}, told)
                self.passable += [ref for _, row in rows if row["bypass"]]
                return
        except AccessError as problem:
            refusal = problem
        except CollectError as problem:
            self.access.failed(self.tally, "protection", problem, f"the protection of {ref}")
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

    def _expect(self, more: int) -> None:
        self.tally.expected = (self.tally.expected or 0) + more

    def _asked(self, role: str, **more: Json) -> dict[str, Json]:
        return {"repository": self.repository.name, "role": role, **more}

    @property
    def _stream(self) -> str:
        return self.repository.stream(self.tally.stream)
