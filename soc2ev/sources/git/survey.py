"""
A first look at a folder, for setting up: whether it is a repository, its name, how its team works.

Nothing of it is evidence: git is asked directly and nothing is stored. The same closed settings apply.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from soc2ev import ticket_keys
from soc2ev.errors import CollectError
from soc2ev.sources.git import closed, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_LOOKED_AT = 500
_PULL_REQUEST = re.compile(r"\(#[1-9][0-9]*\)|\bMerge pull request #[1-9][0-9]*")
_REMOTE = re.compile(r"(?:[a-z+]+://[^/]+/|(?:[^@/\s]+@)?[^/:\s]{2,}:(?!//))/*([^?#]+)", re.IGNORECASE)
_REMOTE_HEAD = "refs/remotes/origin/HEAD"


@dataclass(frozen=True, slots=True)
class Survey:
    """What a folder looks like; without a repository everything but `is_repository` is empty."""

    is_repository: bool
    root: Path | None = None
    """The top of the working tree, or the bare repository itself."""
    remote: str | None = None
    """`owner/name` from origin's address, without host and credentials; None without such an address."""
    default_branch: str | None = None
    """None when HEAD is detached and no remote says which it is."""
    branches: tuple[str, ...] = ()
    """Local branches by name."""
    tags: int = 0
    ticket_prefixes: Mapping[str, int] = field(default_factory=dict)
    """How many of the commits looked at name a ticket with that prefix, the most frequent first."""
    commits_looked_at: int = 0
    """The last commits of the default branch, at most 500."""
    pull_request_share: float | None = None
    """Share of them with `(#123)` or `Merge pull request #123`; None when there is no commit."""
    shallow: bool = False
    bare: bool = False


def survey(path: Path) -> Survey:
    """
    Look at the repository that holds that folder, or one above it.

    CollectError when there is no git, or when a repository cannot be read.
    """
    bare_answer = _git(path, "rev-parse", "--is-bare-repository", fails=True) if path.is_dir() else None
    if bare_answer is None:
        return Survey(is_repository=False)
    bare = bare_answer.strip() == b"true"
    where = "--absolute-git-dir" if bare else "--show-toplevel"
    default = _default_branch(path)
    messages = _messages(path, default)
    return Survey(
        is_repository=True,
        root=Path(os.fsdecode(_must(path, "rev-parse", where).removesuffix(b"\n"))),
        remote=name_of(_text(_git(path, "config", "--get", "remote.origin.url", fails=True))),
        default_branch=default,
        branches=tuple(_lines(_must(path, "for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads"))),
        tags=len(_lines(_must(path, "for-each-ref", "--format=%(refname)", "refs/tags"))),
        ticket_prefixes=ticket_prefixes(messages),
        commits_looked_at=len(messages),
        pull_request_share=pull_request_share(messages),
        shallow=_must(path, "rev-parse", "--is-shallow-repository").strip() == b"true",
        bare=bare,
    )


def name_of(address: str) -> str | None:
    """`owner/name` (with all groups) of a remote's address, without host and credentials; None for a path."""
    found = _REMOTE.fullmatch(address.strip())
    if found is None or address.lower().startswith("file:"):
        return None
    name = found[1].rstrip("/").removesuffix(".git")
    return name if re.fullmatch(r"[\w.~-]+(/[\w.~-]+)+", name) else None


def ticket_prefixes(messages: Iterable[str]) -> dict[str, int]:
    """How many messages hold a ticket key with each prefix, most frequent first; no look-alikes."""
    found: Counter[str] = Counter()
    for message in messages:
        found.update({key.rpartition("-")[0] for key in ticket_keys.find(message)})
    return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))


def pull_request_share(messages: list[str]) -> float | None:
    """The share of messages whose first line names a pull request as GitHub does; None without any."""
    if not messages:
        return None
    return sum(bool(_PULL_REQUEST.search(message.partition("\n")[0])) for message in messages) / len(messages)


def _default_branch(path: Path) -> str | None:
    remote = _text(_git(path, "symbolic-ref", "--quiet", _REMOTE_HEAD, fails=True))
    here = _text(_git(path, "symbolic-ref", "--quiet", "HEAD", fails=True))
    return remote.removeprefix("refs/remotes/origin/") or here.removeprefix("refs/heads/") or None


def _messages(path: Path, default: str | None) -> list[str]:
    """The last messages of the default branch (HEAD's without one); none when it is unborn."""
    for ref in ("HEAD",) if default is None else (f"refs/heads/{default}", f"refs/remotes/origin/{default}"):
        log = ("log", f"--max-count={_LOOKED_AT}", "--encoding=UTF-8", "--format=%B%x00", ref, "--")
        body = _git(path, *log, fails=True)
        if body is not None:
            return [parse.text(message).lstrip("\n") for message in body.split(b"\0")[:-1]]
    return []


def _lines(body: bytes) -> list[str]:
    return [parse.name(line) for line in body.splitlines()]


def _text(body: bytes | None) -> str:
    return "" if body is None else parse.name(body.removesuffix(b"\n"))


def _must(path: Path, *arguments: str) -> bytes:
    return _git(path, *arguments) or b""


def _git(path: Path, *arguments: str, fails: bool = False) -> bytes | None:
    """What git printed; None when it failed and that `fails` is an answer too."""
    search = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC", **closed.discovering()}
    try:
        argv = closed.command_line(*arguments)
        done = subprocess.run(argv, cwd=path, env=search, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    except OSError as problem:
        hint = "install git 2.30 or newer; `git --version` should work"
        raise CollectError(f"git could not be run: {problem.strerror}", hint=hint) from None
    if done.returncode == 0:
        return done.stdout
    if fails:
        return None
    says = parse.text(done.stderr).strip().partition("\n")[0][:300]
    raise CollectError(f"`git {arguments[0]}` in {path} failed: {says}", hint="run `git fsck` there")
