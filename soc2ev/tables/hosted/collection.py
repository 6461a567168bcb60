"""
One collection of one repository from GitHub, as the tables hold it: its graph, its moves, its pull requests.

Months of a year are several collections; nothing of one is read with the eyes of another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from soc2ev.tables.hosted import moves
from soc2ev.tables.hosted.graph import Graph
from soc2ev.tables.hosted.requests import Requests, account

if TYPE_CHECKING:
    from soc2ev.model import Coverage, Json
    from soc2ev.period import Period
    from soc2ev.tables.engine import Engine


@dataclass(slots=True)
class RefMoves:
    """What happened to one production ref."""

    ref: str
    moves: list[moves.Move]
    tip: str | None
    names: tuple[str, ...]
    """What it was called in the span, the present name first."""
    young: frozenset[str] = frozenset()
    """Commits that the ref surely did not hold before the period, and what it held then; empty when that is unsure."""
    unexplained: list[str] = field(default_factory=list)
    """Commits that reached the ref and that no move brought."""
    problems: list[str] = field(default_factory=list)


class Collection:
    """What one run collected about one repository for one span of time."""

    def __init__(self, engine: Engine, repository: str, run: str, coverages: Mapping[str, Coverage]) -> None:
        """`coverages` are those of the run's streams, by the last part of their names."""
        self.repository, self.run, self.coverages = repository, run, coverages
        self.requests = Requests(engine, repository, run)
        self.landings = self._landings()
        self.graph, self.messages = self._graph()
        self.wider = self._wider()
        """The graph with what deployed commits build on, which need not be of any production ref."""

    @property
    def period(self) -> Period:
        """The span that it was asked for."""
        return next(iter(self.coverages.values())).period

    def complete(self, stream: str) -> bool:
        """Whether that stream was collected whole."""
        return stream in self.coverages and self.coverages[stream].complete

    def refs(self) -> Iterator[RefMoves]:
        """Each production ref with its moves in the span, oldest first."""
        rows = self._records()
        heads = {row["ref"]: row for row in self.requests.rows("github_heads")}
        for ref in sorted(heads):
            names = (ref, *self._old_names(ref))
            yield self._ref(names, heads[ref], moves.continued(rows, names))

    def _records(self) -> dict[str, list[Mapping[str, Json]]]:
        """The server's records of moves, by ref."""
        rows = defaultdict(list)
        for row in self.requests.rows("github_ref_updates"):
            rows[row["ref"]].append(row)
        return rows

    def _old_names(self, ref: str) -> list[str]:
        entry = self.coverages.get("activity")
        told = entry.details.get("renamed_from", {}) if entry else {}
        return list(told.get(ref, ()))

    def _ref(self, names: tuple[str, ...], head: Mapping[str, Json], rows: list[Mapping[str, Json]]) -> RefMoves:
        ref = names[0]
        graph, start, end = self.graph, head["start_sha"], head["end_sha"]
        # A branch that was reset to before the start went on from there; how it got from the one to the other is old.
        before = graph.reach([start, head["below_sha"]])
        found = list(moves.within(moves.recorded(rows), self.period.start, self.period.end))
        if not self.complete("activity"):
            merged = self.requests.rows("github_merged_index", "merge_sha is not null")
            named = {row["merge_sha"]: row["merged_at"] for row in merged}
            line = moves.inferred(graph, end, start, self.landings, self.messages.get, named)
            known = {move.after: move for move in found}
            found = [known.get(move.after, move) for move in line if move.after not in before]
        # A production branch that was cut from another in the period begins with what that one held.
        elsewhere = self._elsewhere(names, start, found)
        taken = moves.share_out(graph, found, before | elsewhere)
        found = [move for move in found if move.before is not None or move.brought]
        moves.name_requests(graph, found, self.landings, names)
        reached = graph.known(graph.reach([end], stop=before.__contains__))
        problems = [*self._uncounted(ref, head["commits"], len(reached)), *self._unlanded(names, taken | before)]
        young = frozenset() if problems or not self.complete("commits") else self._young(names, reached, start)
        return RefMoves(ref, found, end, names, young, sorted(reached - taken - elsewhere), problems)

    def _elsewhere(self, names: tuple[str, ...], start: str | None, found: list[moves.Move]) -> set[str]:
        """What the other production branches held when this one was made in the span; nothing otherwise."""
        if start is not None or not found or found[0].before is not None:
            return set()
        rows, entry = self._records(), self.coverages.get("activity")
        later = entry.details.get("goes_on_from", {}) if entry else {}
        held = [
            moves.held(
                moves.continued(rows, (row["ref"], *self._old_names(row["ref"]))),
                found[0].at,
                None if row["ref"] in later else row["start_sha"],
            )
            for row in self.requests.rows("github_heads")
            if row["ref"] not in names
        ]
        return self.graph.reach(held)

    def _young(self, names: tuple[str, ...], gained: set[str], start: str | None) -> frozenset[str]:
        """A request has the commits that its base had not when it was merged, which was in the period."""
        landed = {
            one.number
            for several in self.landings.values()
            for one in several
            if one.base_ref in names and one.merged_at and self.period.start <= one.merged_at < self.period.end
        }
        rows = self.requests.rows("github_pull_request_commits")
        own = {row["sha"] for row in rows if row["number"] in landed}
        return frozenset(gained | own | ({start} if start else set()))

    @staticmethod
    def _uncounted(ref: str, expected: int | None, known: int) -> Iterator[str]:
        if expected is not None and known != expected:
            yield f"{known} of the {expected} commits that GitHub counts on {ref} are known"

    def _unlanded(self, names: tuple[str, ...], held: set[str]) -> Iterator[str]:
        """Pull requests that were merged into the ref in the span, and that the ref never held."""
        everyone = [one for landed in self.landings.values() for one in landed]
        lost = [
            one.number
            for one in everyone
            if one.base_ref in names
            and one.merge_sha not in held
            and one.merged_at
            and self.period.start <= one.merged_at < self.period.end
        ]
        if lost:
            yield f"no move of {names[0]} brought these merged pull requests: {_numbered(lost)}"

    def _landings(self) -> dict[str, list[moves.Landing]]:
        """Pull requests by the commit that landed them."""
        messages: dict[int, list[tuple[int, str]]] = defaultdict(list)
        for row in self.requests.rows("github_pull_request_commits"):
            messages[row["number"]].append((row["position"], row["message"] or ""))
        found: dict[str, list[moves.Landing]] = defaultdict(list)
        for row in self.requests.rows("github_pull_requests", "merge_sha is not null"):
            landing = moves.Landing(
                number=row["number"],
                merge_sha=row["merge_sha"],
                merged_at=row["merged_at"],
                base_ref=row["base_ref"] or "",
                messages=tuple(text for _, text in sorted(messages[row["number"]])),
                merger=account(row, "merger"),
                evidence=row["evidence"],
            )
            found[row["merge_sha"]].append(landing)
        return dict(found)

    def _graph(self) -> tuple[Graph, dict[str, str]]:
        parents: dict[str, tuple[str, ...]] = {}
        messages: dict[str, str] = {}
        for table in ("github_pull_request_commits", "github_commits"):
            for row in self.requests.rows(table):
                parents[row["sha"]] = tuple(row["parents"] or ())
                messages[row["sha"]] = row["message"] or ""
        for row in self.requests.rows("github_pull_requests", "merge_sha is not null and merge_parents is not null"):
            parents.setdefault(row["merge_sha"], tuple(row["merge_parents"]))
        return Graph(parents), messages

    def _wider(self) -> Graph:
        deployed = {row["sha"]: tuple(row["parents"] or ()) for row in self.requests.rows("github_parents")}
        return self.graph.with_more(deployed)


def _numbered(numbers: list[int]) -> str:
    shown = ", ".join(f"#{number}" for number in sorted(numbers)[:10])
    return shown + (f" and {len(numbers) - 10} more" if len(numbers) > 10 else "")  # noqa: PLR2004  what fits a line
