"""Search over issues, as far as collectors of pull requests use it, with the limit that makes it no population."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from tests.fakes.github.access import Viewer
from tests.fakes.github.world import PullRequest

LIMIT = 1000
"""Results that a search ever gives; the page after them is refused with 422."""


def pulls(viewer: Viewer, query: str) -> list[PullRequest]:
    """Merged or open pull requests by `repo:`, `org:`, `is:`, `base:`, `author:`, `merged:` and `updated:` qualifiers."""
    terms = dict(re.findall(r"(repo|org|base|author|merged|updated):(\S+)", query))
    edge = viewer.world.now - viewer.world.index_lag
    found = []
    for repository in viewer.world.repositories.values():
        if not viewer.sees(repository) or terms.get("repo", repository.full_name) != repository.full_name:
            continue
        if terms.get("org", repository.owner.login) != repository.owner.login:
            continue
        found += [pull for pull in repository.pulls.values() if _matches(pull, query, terms, edge)]
    return found


def _matches(pull: PullRequest, query: str, terms: dict[str, str], edge: datetime) -> bool:
    merged = pull.merged_at
    return (
        (merged is None or merged <= edge)
        and ("is:merged" not in query or merged is not None)
        and ("is:open" not in query or pull.state == "OPEN")
        and terms.get("base", pull.base_ref) == pull.base_ref
        and ("author" not in terms or (pull.author is not None and pull.author.login == terms["author"]))
        and ("merged" not in terms or (merged is not None and _within(merged, terms["merged"])))
        and ("updated" not in terms or _within(pull.updated_at, terms["updated"]))
    )


def _within(at: datetime, words: str) -> bool:
    low, dots, high = words.partition("..")
    if dots:
        return (low == "*" or at >= _read(low)) and (high == "*" or at < _after(high))
    for sign in (">=", "<=", ">", "<"):
        if words.startswith(sign):
            edge = _read(words.removeprefix(sign))
            later = _after(words.removeprefix(sign))
            return {">=": at >= edge, "<=": at < later, ">": at >= later, "<": at < edge}[sign]
    return _read(words) <= at < _after(words)


def _read(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _after(text: str) -> datetime:
    # A day includes its last second; a moment includes itself.
    return _read(text) + (timedelta(days=1) if len(text) == len("2026-01-01") else timedelta(seconds=1))
