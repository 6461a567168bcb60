"""
How a repository is governed when it is collected: rules, environments, people, switches.

Each question fails alone: what is refused leaves its own stream incomplete and is named there. The last question also
carries what became of the others, so that the tables can tell a setting that is off from one that nobody may see.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from soc2ev.errors import CollectError
from soc2ev.model import Json
from soc2ev.sources.github import bypasses, documents, overrides, strict
from soc2ev.sources.github.access import UNKNOWN, Access, is_refused
from soc2ev.sources.github.claims import Tallies, Tally, explain
from soc2ev.sources.github.rules import Rules

if TYPE_CHECKING:
    from soc2ev.fetch import Answer
    from soc2ev.period import Period
    from soc2ev.sources.github.opening import Opening

T = TypeVar("T")
_Task = Callable[[], None]
_Conclusion = Callable[[], None]
"""What an answer means, to be noted in the order of the questions."""
_WORKFLOW = {name: name for name in ("default_workflow_permissions", "can_approve_pull_request_reviews")}
_RETENTION = {
    "days": "artifact_and_log_retention_days",
    "maximum_allowed_days": "artifact_and_log_retention_maximum_days",
}
_SCANNING = {"state": "code_scanning_default_setup"}
_QUESTIONS = (
    ("workflow permissions", "/actions/permissions/workflow", _WORKFLOW),
    ("retention", "/actions/permissions/artifact-and-log-retention", _RETENTION),
    ("code scanning", "/code-scanning/default-setup", _SCANNING),
)
"""Capability, path, and the settings by the members of the answer. The first tells whether the token administers."""
_NOT_OFFERED = ("retention", "code scanning")
"""What older servers do not have, and what has to be licensed."""
_KEYS = "deploy_key_with_write"
_ENOUGH = 100
"""Days of retention that leave time to collect a quarter after it has ended."""
_COUNTED = ("artifact_and_log_retention_days", "artifact_and_log_retention_maximum_days")
_STREAMS = {
    "activity": "activity",
    "commits": "commits",
    "pull requests": "pull-requests",
    "checks": "checks",
    "deployments": "deployments",
}
"""Capabilities that the population's own streams tell, and the stream."""


class Governance:
    """The governance of one repository."""

    def __init__(self, opening: Opening, period: Period, tallies: Tallies, *, ledger: bool) -> None:
        """With `ledger` the bypasses are read too."""
        self.opening, self.host, self.repository = opening, opening.host, opening.repository
        self.period, self.tallies, self.ledger = period, tallies, ledger
        self.access = Access()
        self.unseen: list[str] = []
        self.found: dict[str, Json] = {}
        """Settings that were told so far."""
        self._may_begin, self._begun, self._ended = threading.Event(), threading.Event(), threading.Event()

    def begin(self) -> None:
        """Let `read` ask: the chains on which most depends have begun."""
        self._may_begin.set()

    def around(self, chains: Sequence[_Task]) -> None:
        """Ask the last question beside these chains; its answer is stored after them, with what they came to."""

        def run() -> None:
            try:
                self.host.fetch.together(chains)
            finally:
                self.opening.close()
                self.begin()
                self._begun.set()
                self._ended.set()

        tasks: list[_Task] = [run, partial(self._behind, self._ask_last)]
        self.host.fetch.together(tasks)

    def read(self) -> None:
        """
        All but the last question, beside the population's own streams; what is missing is told to the tallies.

        Before `begin` only what nobody else wants to ask in the meantime: the first answers leave places free.
        """
        alone = (self._switches, self._environments, self._permissions)
        tasks: list[_Task] = [self._rules, *(partial(self._behind, one) for one in alone)]
        self.host.fetch.together(tasks)

    def _behind(self, ask: Callable[[], T]) -> T:
        """Let it ask when nobody else wants to, and not before the chains have begun: nothing depends on it."""
        self._begun.wait()
        return self._quietly(ask)

    def _quietly(self, ask: Callable[[], T]) -> T:
        with self.host.fetch.behind():
            return ask()

    def _switches(self) -> None:
        asked: list[Callable[[], _Conclusion]] = [partial(self._ask, *one) for one in _QUESTIONS]
        # What an answer means may depend on the one before.
        asking = [partial(self._behind, one) for one in (*asked, self._keys)]
        for conclude in self.host.fetch.together(asking, in_turn=True):
            conclude()
        self._warn()

    def _rules(self) -> None:
        rules = Rules(self.host, self.repository, self.period, self.tallies["settings:rules"], self.access)
        try:
            self.host.fetch.together(
                [partial(self._quietly, one) for one in (rules.effective, rules.survey)], in_turn=True
            )
        finally:
            self._may_begin.wait()
            self._begun.set()
        rules.read()
        if self.ledger:
            tally = self.tallies["rule-suites"]
            if rules.passable and not overrides.read(self.host, self.repository, self.period, tally, self.access):
                tally.details["without a ledger"] = rules.passable
            bypasses.read(self.host, self.repository, self.period, rules.judged, tally, self.access)

    def _became(self) -> dict[str, Json]:
        """What became of all other questions, once they have been asked."""
        self._ended.wait()
        if self.ledger:
            self._note_streams()
        else:
            for capability in (*_STREAMS, "rule suites"):
                self.access.missed(capability, "not asked again: nothing changed since it was collected", UNKNOWN)
        return {"unseen": self.unseen, "seen": self.access.told}

    def _ask(self, capability: str, path: str, values: Mapping[str, str]) -> _Conclusion:
        """A few settings of one answer."""
        try:
            answer = self._get(path, {"role": "values", "values": dict(values)})
        except CollectError as problem:
            return partial(self._unseen, capability, problem, values.values())
        return partial(self._seen, capability, values, self.host.fetch.json(answer))

    def _seen(self, capability: str, values: Mapping[str, str], told: Json) -> None:
        self.found |= {name: told[member] for member, name in values.items()}
        self.access.saw(capability)
        if untold := [name for name in values.values() if _is_untold(name, self.found[name])]:
            self._settings.lacks(f"GitHub does not tell {', '.join(untold)}")

    def _unseen(self, capability: str, problem: CollectError, names: Iterable[str]) -> None:
        """
        Settings that were not told: a gap, unless the repository does not have them.

        To somebody who administers the repository a refusal says that it has not: Enterprise Server without the
        endpoint answers 404, a repository without a licence for code scanning 403.
        """
        self.unseen += names
        if capability in _NOT_OFFERED and is_refused(problem) and self.access.administers:
            self.access.missed(capability, f"not offered here: {problem.message}"[:500], UNKNOWN)
            self._settings.details.setdefault("not offered", []).extend(names)
            return
        self.access.failed(self._settings, capability, problem, capability)
        self._settings.details.setdefault("not_visible", {}).update(dict.fromkeys(names, explain(problem)[:500]))

    def _keys(self) -> _Conclusion:
        """The deploy keys that can write; each is a setting of its own."""
        try:
            for page in self._pages("/keys", self._settings, {"role": "keys"}):
                self._settings.add(fetched=page.item.count or 0)
        except CollectError as problem:
            return partial(self._unseen, "deploy keys", problem, [_KEYS])
        return partial(self.access.saw, "deploy keys")

    def _warn(self) -> None:
        """When GitHub deletes the checks of the period's first day, where that leaves little time to collect them."""
        days = self.found.get("artifact_and_log_retention_days")
        if isinstance(days, int) and 0 < days < _ENOUGH:
            ends = self.period.start + timedelta(days=days)
            kept = f"GitHub keeps checks and logs of {self.repository.name} for {days} days"
            first = f"those of {self.period.start:%Y-%m-%d} are deleted on {ends:%Y-%m-%d}"
            self._settings.details["warnings"] = [f"{kept}: {first}; collect at least monthly"]

    def _environments(self) -> None:
        tally = self.tallies["settings:environments"]
        try:
            for page in self._pages("/environments", tally, {"role": "environments"}):
                tally.fetched += page.item.count or 0
                tally.expected = strict.number(self.host.fetch.json(page)["total_count"])
        except (KeyError, TypeError) as problem:
            tally.lacks(f"the list of environments is not understood: {problem!r}"[:300])
        except CollectError as problem:
            self.access.failed(tally, "environments", problem, "environments")
        else:
            self.access.saw("environments")

    def _permissions(self) -> None:
        tally = self.tallies["settings:permissions"]
        try:
            for page in self._pages("/collaborators", tally, {"role": "collaborators"}, affiliation="all"):
                tally.fetched += page.item.count or 0
        except CollectError as problem:
            self.access.failed(tally, "collaborators", problem, "collaborators")
        else:
            self.access.saw("collaborators")
            if not tally.fetched:
                tally.lacks("GitHub lists nobody who may do anything here, and somebody owns it; collect again")

    def _note_streams(self) -> None:
        """Whether the population's own streams were visible."""
        for capability, stream in _STREAMS.items():
            tally = self.tallies[stream]
            if tally.denied:
                self.access.missed(capability, "; ".join(tally.reasons)[:500])
            elif tally.reasons:
                self.access.missed(capability, "; ".join(tally.reasons)[:500], UNKNOWN)
            else:
                self.access.saw(capability)

    def _ask_last(self) -> None:
        seen = self.tallies["settings:capabilities"]
        asked: dict[str, Json] = {"repository": self.repository.name, "role": "settings"}
        stream, variables = self.repository.stream(self._settings.stream), self.repository.variables
        try:
            answer = self.opening.settings(stream, asked, self._became)
            if answer is None:
                answer = self.host.query(documents.SETTINGS, variables, stream=stream, asked=asked, later=self._became)
        except CollectError as problem:
            self._ended.wait()
            self._settings.failed(problem, "settings")
            seen.failed(problem, "what was visible could not be noted")
            return
        self._settings.add(fetched=answer.item.count or 0)
        seen.fetched = len(self.access.found)

    def _get(self, path: str, asked: Mapping[str, Json]) -> Answer:
        found = {"repository": self.repository.name, **asked}
        stream = self.repository.stream(self._settings.stream)
        answer = self.host.get(self.repository.path + path, stream=stream, asked=found)
        self._settings.add(fetched=answer.item.count or 0)
        return answer

    def _pages(self, path: str, tally: Tally, asked: Mapping[str, Json], **params: str) -> Iterator[Answer]:
        return self.host.walk(
            self.repository.path + path,
            params={**params, "per_page": "100"},
            stream=self.repository.stream(tally.stream),
            asked={"repository": self.repository.name, **asked},
        )

    @property
    def _settings(self) -> Tally:
        return self.tallies["settings:settings"]


def _is_untold(name: str, value: Json) -> bool:
    """Whether that is no single value of the kind that the setting has."""
    return isinstance(value, dict | list | None) or (name in _COUNTED and isinstance(value, bool))
