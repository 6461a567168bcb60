"""Rows of the standard tables from a case and its judgement."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from soc2ev.tables import commit_text

if TYPE_CHECKING:
    from soc2ev.model import Json
    from soc2ev.tables.facts.evidence import Change
    from soc2ev.tables.facts.judge import Judgement
    from soc2ev.tables.hosted.collection import RefMoves
    from soc2ev.tables.hosted.gather import Case

_NO_DATE = "unknown: the server's record of ref updates was not obtained, and no pull request landed it"


def change_row(case: Case, judged: Judgement, url: str | None) -> dict[str, Json]:
    """The row of `changes`; `url` is where the repository can be looked at."""
    change, move = case.change, case.move
    requests = change.requests
    at, basis = _time(case)
    return {
        "item": change.item,
        "repository": change.repository,
        "ref": change.ref,
        "sha": change.sha,
        "integration": change.integration,
        "integration_basis": move.basis,
        "integrated_at": at,
        "integrated_at_basis": basis,
        "pull_request": move.numbers[0] if move.numbers else None,
        "pull_request_basis": "the merge commit that GitHub records for it" if move.numbers else None,
        "pull_requests": [str(number) for number in move.numbers],
        "title": _title(change),
        "url": _url(change, url),
        "commits": sorted(move.brought),
        "tickets": [link.key for link in change.tickets.links],
        "makers": list(judged.makers),
        "approvers": list(judged.approvers),
        "claimed_reviewers": [],
        "kinds": None if change.kinds is None else list(change.kinds),
        "reverts": list(change.reverts),
        "cherry_picked_from": _copies(change),
        "paths_changed": None if case.paths is None else len(case.paths),
        "flags": sorted({*judged.flags, *_flags(case, len(requests))}),
        "releases": [],
        "evidence": sorted(case.evidence),
    }


def fact_row(case: Case, judged: Judgement) -> dict[str, Json]:
    """The row of `change_facts`."""
    return {"item": case.change.item, **judged.row, "evidence": sorted(case.evidence)}


def fate_rows(
    repository: str, ref: RefMoves, items: Mapping[int, str], outside: Mapping[int, str]
) -> Iterator[Mapping[str, Json]]:
    """The fate of each commit; `items` and `outside` are by the move's place."""
    for place, move in enumerate(ref.moves):
        for sha in move.brought:
            row = {"repository": repository, "ref": ref.ref, "sha": sha}
            if place in outside:
                yield row | {"fate": "outside", "reason": outside[place]}
            else:
                yield row | {"item": items[place], "fate": "in a change"}
    for sha in ref.unexplained:
        why = "it lies on the branch, and no recorded move of the branch brought it"
        yield {"repository": repository, "ref": ref.ref, "sha": sha, "fate": "unexplained", "reason": why}


def _time(case: Case) -> tuple[Json, str]:
    if case.move.recorded:
        return case.move.at, "the server's record of the ref update"
    if case.move.at is not None:
        return case.move.at, "when the pull request was merged, by the server's record of it"
    landed = next((one for one in case.change.commits if one.sha == case.change.sha), None)
    if landed is not None and landed.committed_at is not None:
        return landed.committed_at, "committer date, set by the client that made the commit"
    return None, _NO_DATE


def _title(change: Change) -> str:
    if len(change.requests) == 1:
        return change.requests[0].title
    if change.requests:
        return "; ".join(f"#{one.number} {one.title}" for one in change.requests)
    landed = [one for one in change.commits if one.sha == change.sha] or list(change.commits)
    return commit_text.title(landed[0].message) if landed else f"{change.ref} was moved to {change.sha[:12]}"


def _url(change: Change, url: str | None) -> str | None:
    if url is None:
        return None
    return f"{url}/pull/{change.requests[0].number}" if change.requests else f"{url}/commit/{change.sha}"


def _copies(change: Change) -> list[str]:
    found: Iterable[str] = (sha for one in change.commits for sha in commit_text.cherry_picked_from(one.message))
    return list(dict.fromkeys(found))


def _flags(case: Case, requests: int) -> Iterator[str]:
    change, move = case.change, case.move
    landed = next((one for one in change.commits if one.sha == change.sha), None)
    raised = {
        "MERGE_COMMIT": landed is not None and len(landed.parents) > 1,
        "REVERT": bool(change.reverts),
        "CHERRY_PICK": bool(_copies(change)),
        "NO_TICKET_NAMED": not change.tickets.links,
        "MOVE_NOT_RECORDED": not move.recorded,
        "PULL_REQUEST_MISSING": len(move.numbers) != requests,
        "MERGED_BY_PUSH": move.integration == "direct_push" and bool(move.numbers),
        "SEVERAL_PULL_REQUESTS": len(move.numbers) > 1,
        "NOTHING_BROUGHT": not move.brought,
    }
    yield from (flag for flag, up in raised.items() if up)
