"""
Who changed the registers, when, and who reviewed that: from git, when the folder lies in a work tree.

Not to be in git is a fact about the registers and no failure to collect them; a shortened clone is one.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from soc2ev.errors import CollectError
from soc2ev.model import Column, Coverage, EvidenceItem, Json, Stream, Table
from soc2ev.sources.registers.files import stated
from soc2ev.sources.registers.reading import printable
from soc2ev.sources.registers.worktree import Git

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from soc2ev.fetch import Fetch
    from soc2ev.period import Period
    from soc2ev.sources.registers.folder import Folder

NAME = "registers:history"
_SHOWN = 50
_COMMIT = re.compile(r"/([0-9a-f]{40}|[0-9a-f]{64})")

_FIELDS = 6
"""As many as `worktree.FORMAT` has, the commit itself included."""

CHANGES = Table(
    "register_changes",
    "One row for each file of the registers folder in each commit that touched it.",
    (
        Column("file", "TEXT", "file below the registers folder", required=True),
        Column("commit_sha", "TEXT", "the commit", required=True),
        Column("merge", "BOOLEAN", "whether the commit merged others; then it repeats what it brought in"),
        Column("author", "TEXT", "author as git tells it, which anybody can write"),
        Column("committer", "TEXT", "committer as git tells it, which anybody can write"),
        Column(
            "committed_at",
            "TIMESTAMP",
            "committer date, by that machine's clock; NULL when it is none",
        ),
        Column("reviewers", "TEXT[]", "Reviewed-by and Approved-by of the commit's message"),
    ),
    ("file", "commit_sha"),
)
UNCOMMITTED = Table(
    "register_uncommitted",
    "One row for each file of the registers folder that differs from the last commit or is not kept in git.",
    (
        Column("file", "TEXT", "file or folder below the registers folder", required=True),
        Column(
            "state",
            "TEXT",
            "the two letters of git-status(1): `??` unknown to git, `!!` ignored",
            required=True,
        ),
    ),
    ("file",),
)


class Change(NamedTuple):
    """A commit of the log and the files that it touched."""

    sha: str
    parents: tuple[str, ...]
    author: str
    committer: str
    committed_at: datetime | None
    reviewers: tuple[str, ...]
    files: tuple[str, ...]


def collect(fetch: Fetch, folder: Folder, period: Period) -> Coverage:
    """
    Store the history of the folder and what is not committed.

    A folder that no git work tree holds is a fact and no failure: complete, with `versioned` false. A clone
    that was cut short is incomplete, because the history before the cut is unknown.
    """
    if not any((place / ".git").exists() for place in (folder.path, *folder.path.parents)):
        return _unversioned(period, folder, uncommitted=[])
    git = Git(fetch, folder, stream=NAME)
    shallow, prefix = _standing(git.run("rev-parse", "--is-shallow-repository", "--show-prefix").body)
    uncommitted = [file for file, _ in _states(git.status(prefix).body, prefix)]
    head = git.run("rev-parse", "--verify", "--quiet", "HEAD", ok=(0, 1))
    if head.status:
        return _unversioned(period, folder, uncommitted=uncommitted)
    expected = int(git.run("rev-list", "--count", "--full-history", "HEAD", "--", ".").body)
    fetched = len(list(_changes(git.log(count=_touched).body)))
    cut = ["the clone is shallow, so older history is unknown (use `fetch-depth: 0`)"] if shallow else []
    if expected != fetched:
        cut.append(f"git counts {expected} commits and lists {fetched}")
    if uncommitted:
        fetch.say(f"registers: {len(uncommitted)} files differ from the last commit")
    details = {"versioned": True, "head": head.body.decode().strip(), **_told(uncommitted)}
    return stated(NAME, period, folder, expected=expected, fetched=fetched, problems=cut, details=details)


def _unversioned(period: Period, folder: Folder, *, uncommitted: list[str]) -> Coverage:
    details = {"versioned": False, **_told(uncommitted)}
    return stated(NAME, period, folder, expected=0, fetched=0, problems=(), details=details)


def _told(uncommitted: list[str]) -> dict[str, Json]:
    return {
        "uncommitted": len(uncommitted),
        "uncommitted_files": [printable(file) for file in uncommitted[:_SHOWN]],
    }


def _text(raw: bytes) -> str:
    """Git's bytes as text that can be stored: what is no UTF-8 is shown escaped."""
    return raw.decode("utf-8", "backslashreplace")


def _standing(body: bytes) -> tuple[bool, str]:
    """Whether the clone is shallow, and the folder's path from the top of the work tree."""
    shallow, _, prefix = _text(body).partition("\n")
    if shallow not in ("true", "false"):
        raise CollectError("git does not tell whether the clone is shallow", hint="git 2.31 or newer is needed")
    return shallow == "true", prefix.removesuffix("\n")


def _changes(body: bytes) -> Iterator[Change]:
    """The commits of a stored log. CollectError when it has another shape."""
    parts = _text(body).split("\0")
    at = 0
    while at < len(parts) - 1:
        match = _COMMIT.fullmatch(parts[at])
        fields = parts[at + 1 : at + _FIELDS]
        if match is None or len(fields) < _FIELDS - 1:
            raise CollectError(
                "the stored log of the registers has an unknown shape", hint="git 2.31 or newer is needed"
            )
        at += _FIELDS
        begin = at
        while at < len(parts) - 1 and not parts[at].startswith("/"):
            at += 1
        yield _change(match[1], fields, parts[begin:at])


def _touched(body: bytes) -> int:
    """Rows that a stored log gives."""
    return sum(len(change.files) for change in _changes(body))


def _change(sha: str, fields: list[str], files: list[str]) -> Change:
    parents, author, committer, seconds, reviewers = fields
    # Git puts a line feed between a commit and its first file, also with -z.
    named = [files[0].removeprefix("\n"), *files[1:]] if files else []
    people = tuple(one.strip() for one in reviewers.split("\x1f") if one.strip())
    return Change(sha, tuple(parents.split()), author, committer, _instant(seconds), people, tuple(filter(None, named)))


def _instant(seconds: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _states(body: bytes, prefix: str) -> Iterator[tuple[str, str]]:
    """(file below the folder, two letters) for each entry of a stored status."""
    for entry in _text(body).split("\0"):
        if entry:
            yield entry[3:].removeprefix(prefix) or ".", entry[:2]


def _rows(item: EvidenceItem, body: bytes) -> Iterator[tuple[str, Mapping[str, Json]]]:
    if item.request.get("what") == "log" and item.response.get("exit") == 0:
        for change in _changes(body):
            yield from _of_change(change)
    if item.request.get("what") == "status" and item.response.get("exit") == 0:
        for file, state in _states(body, str(item.request["prefix"])):
            yield UNCOMMITTED.name, {"file": file, "state": state}


def _of_change(change: Change) -> Iterator[tuple[str, Mapping[str, Json]]]:
    for file in change.files:
        yield (
            CHANGES.name,
            {
                "file": file,
                "commit_sha": change.sha,
                "merge": len(change.parents) > 1,
                "author": change.author,
                "committer": change.committer,
                "committed_at": change.committed_at,
                "reviewers": list(change.reviewers),
            },
        )


STREAM = Stream("history", (CHANGES, UNCOMMITTED), _rows, snapshot=True)
