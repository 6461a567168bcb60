"""
What a production ref held at the period's start and end, and how many commits lie between.

The record of moves decides. Without it the merged requests do, or the dates that clients set: the basis says which.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from soc2ev.errors import AccessError, CollectError
from soc2ev.fetch import PageTooLargeError
from soc2ev.model import Json
from soc2ev.sources.github import ref_documents, streams
from soc2ev.sources.github.claims import Repository, Tally
from soc2ev.sources.github.refusals import FlawedError

if TYPE_CHECKING:
    from soc2ev.fetch import GraphAnswer
    from soc2ev.period import Period
    from soc2ev.sources.github.along import Along
    from soc2ev.sources.github.host import Host
    from soc2ev.sources.github.merged import Merged
    from soc2ev.sources.github.moves import Line

_ODD = (AttributeError, LookupError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class Heads:
    """The boundaries of a ref's period."""

    ref: str
    start: str | None
    end: str | None
    commits: int | None
    """Commits reachable from the end and not from the start; None when GitHub did not tell."""
    below: str | None
    """A commit that both have, from which on everything is old: the start itself unless it was removed."""
    answer: GraphAnswer | None = field(default=None, compare=False, repr=False)
    """What holds the newest commits of the end as well; None where these have to be asked for."""

    @property
    def described(self) -> dict[str, Json]:
        """For the details of a coverage."""
        return {"start": self.start, "end": self.end, "commits": self.commits}


@dataclass(frozen=True, slots=True)
class _Edges:
    start: str | None
    end: str | None
    start_basis: str
    end_basis: str


def determine(
    host: Host, repository: Repository, line: Line, index: Iterable[Merged], period: Period, tally: Tally, along: Along
) -> Heads | None:
    """The heads of a ref; None, with the reason in the tally, when they cannot be had; `along` is asked along."""
    try:
        edges = _from_record(repository, line, host, period) if line.known else _estimated(host, repository, line, index, period)  # noqa: E501  # fmt: skip
        found = _counted(host, repository, line, edges, period, tally, along)
    except CollectError as problem:
        tally.failed(problem, line.ref)
        return None
    except _ODD as problem:
        tally.lacks(f"{line.ref}: an answer is not understood: {problem!r}"[:300])
        return None
    if not line.known:
        tally.lacks(
            f"{line.ref}: its heads are estimated from {edges.end_basis}, since no record of its moves can be had"
        )
    tally.details.setdefault("heads", {})[line.ref] = {
        **found.described,
        "start_basis": edges.start_basis,
        "end_basis": edges.end_basis,
    }
    return found


def _from_record(repository: Repository, line: Line, host: Host, period: Period) -> _Edges:
    tip = repository.tip if line.ref == repository.default or line.moves else _tip(host, repository, line.ref)
    start, end = line.held(period.start, tip), line.held(period.end, tip)
    return _Edges(start, end, *("activity" if one else "nothing" for one in (start, end)))


def _ask(
    host: Host, repository: Repository, document: str, variables: Mapping[str, Json], asked: Mapping[str, Json]
) -> GraphAnswer:
    """One question, once more where it is said to be too large: it cannot be split."""
    ask = partial(host.query, document, {**repository.variables, **variables})
    try:
        return ask(stream=repository.stream("heads"), asked=asked)
    except PageTooLargeError:
        return ask(stream=repository.stream("heads"), asked=asked)


def _tip(host: Host, repository: Repository, ref: str) -> str | None:
    """What a branch that never moved holds; CollectError when there is no such branch."""
    asked = {"repository": repository.name, "role": "tip", "ref": ref}
    variables = {"ref": f"refs/heads/{ref}", "start": None, "end": None, "before": False, "now": False}
    answer = _ask(host, repository, ref_documents.HEADS, variables, asked)
    found = answer.data["repository"]["ref"]
    if found is None:
        raise CollectError("there is no such branch", hint="check `branches` in the scope")
    tip: str = found["target"]["oid"]
    return tip


def _estimated(host: Host, repository: Repository, line: Line, index: Iterable[Merged], period: Period) -> _Edges:
    """Heads without a record of moves: the last request merged before each edge, else the last commit dated before."""
    landed = sorted((one.merged_at, one.merge_sha) for one in index if one.base in line.names and one.merge_sha)
    start = next((sha for at, sha in reversed(landed) if at < period.start), None)
    end = next((sha for at, sha in reversed(landed) if at < period.end), None)
    if start and end:
        return _Edges(start, end, "pull requests", "pull requests")
    dated = _dated(host, repository, line.ref, period)
    bases = "pull requests" if end else "commit dates" if dated[1] else "nothing"
    return _Edges(dated[0], end or dated[1], "commit dates" if dated[0] else "nothing", bases)


def _dated(host: Host, repository: Repository, ref: str, period: Period) -> tuple[str | None, str | None]:
    asked = {"repository": repository.name, "role": "dated", "ref": ref}
    variables = {"ref": f"refs/heads/{ref}", "start": period.start.isoformat(), "end": period.end.isoformat()}
    answer = _ask(host, repository, ref_documents.DATED, variables, asked)
    found = answer.data["repository"]["ref"]
    if found is None:
        raise CollectError("there is no such branch", hint="check `branches` in the scope")
    nodes = [found["target"][name]["nodes"] for name in ("start", "end")]
    return nodes[0][0]["oid"] if nodes[0] else None, nodes[1][0]["oid"] if nodes[1] else None


def _counted(
    host: Host, repository: Repository, line: Line, edges: _Edges, period: Period, tally: Tally, along: Along
) -> Heads:
    """The heads with GitHub's count of the commits between them."""
    start, end = edges.start, edges.end
    below, ahead = start, None
    if start and end and start != end and (line.rewritten(period) or not line.known):
        ahead, below = _compared(host, repository, start, end, tally)
    asked: dict[str, Json] = {
        "repository": repository.name,
        "role": "heads",
        "ref": line.ref,
        "start": start,
        "end": end,
    }
    asked |= {"start_basis": edges.start_basis, "end_basis": edges.end_basis}
    asked |= {} if ahead is None else {"ahead_by": ahead, "below": below}
    variables = {"ref": f"refs/heads/{line.ref}", "start": start, "end": end, "before": bool(start), "now": bool(end)}
    begun = _with_history(host, repository, variables, asked, along) if end and end != start else None
    answer = begun or _ask(host, repository, ref_documents.HEADS, variables, asked)
    tally.fetched += 1
    commits = streams.between(answer.data["repository"]) if ahead is None else ahead
    if commits is None:
        tally.lacks(f"{line.ref}: GitHub does not know {start or end} any more, or does not count its history")
    return Heads(line.ref, start, end, commits, below, begun)


def _with_history(
    host: Host, repository: Repository, variables: Mapping[str, Json], asked: Mapping[str, Json], along: Along
) -> GraphAnswer | None:
    """The question with the newest commits of the end; None where the heads have to be asked for by themselves."""
    document, more = along.question()
    told = {**repository.variables, **variables, **more, "first": host.sizes.of("history")}
    try:
        answer = host.query(document, told, stream=repository.stream("heads"), asked=asked)
    except (AccessError, FlawedError):
        raise
    except CollectError:
        return None
    if more:
        along.take(answer)
    return answer


def _compared(host: Host, repository: Repository, start: str, end: str, tally: Tally) -> tuple[int | None, str | None]:
    """How far the end is ahead of the start, and what both have, where one need not descend from the other."""
    asked = {"repository": repository.name, "role": "compare"}
    try:
        answer = host.get(
            f"{repository.path}/compare/{start}...{end}",
            params={"per_page": "1"},
            stream=repository.stream("heads"),
            asked=asked,
        )
        found = host.fetch.json(answer)
        return int(found["ahead_by"]), str(found["merge_base_commit"]["sha"])
    except (KeyError, TypeError, ValueError) as problem:
        tally.lacks(f"the comparison of {start[:12]} and {end[:12]} is not understood: {problem!r}")
    except CollectError as problem:
        tally.failed(problem, f"the comparison of {start[:12]} and {end[:12]}")
    return None, start
