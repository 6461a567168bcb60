"""
Real git repositories for tests, made by git itself.

`Repository.make` writes a history with `git fast-import` in one process; `Repository.raw` stores a commit object byte
for byte, for commits that no tool would make. `collect` runs the git source over a configuration with a real vault.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from soc2ev import config, period
from soc2ev.fetch import Fetch
from soc2ev.sources import git
from soc2ev.vault import Vault, writer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from soc2ev.model import Coverage, EvidenceItem

ENVIRONMENT = {
    "PATH": os.environ.get("PATH", os.defpath),
    "LC_ALL": "C",
    "TZ": "UTC",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_AUTHOR_NAME": "Ann Author",
    "GIT_AUTHOR_EMAIL": "ann@example.com",
    "GIT_COMMITTER_NAME": "Carl Committer",
    "GIT_COMMITTER_EMAIL": "carl@example.com",
}


@dataclass(frozen=True)
class Change:
    """A commit to make: parents and name are names of this kind, `at` is seconds since 1970 (UTC)."""

    name: str
    parents: Sequence[str] = ()
    at: int = 1_760_000_000
    message: str = ""
    author: str = "Ann Author <ann@example.com>"
    committer: str = "Carl Committer <carl@example.com>"
    files: Mapping[str, str] = field(default_factory=dict)
    zone: str = "+0000"
    authored: int | None = None


@dataclass
class Collection:
    """What one run of the git source claimed, said and stored."""

    coverages: dict[str, Coverage]
    said: list[str]
    stored: list[tuple[EvidenceItem, bytes]]

    def rows(self, table: str) -> list[dict[str, Any]]:
        """The rows of a table read from the stored bodies; each body's count is checked on the way."""
        found = []
        streams = {stream.name: stream for stream in git.STREAMS}
        for item, body in self.stored:
            stream = streams.get(item.stream.rpartition(":")[2])
            rows = [] if stream is None else list(stream.rows(item, body))
            assert (item.count or 0) == len(rows), f"{item.stream} counts {item.count}, rows are {len(rows)}"
            found += [dict(row) for name, row in rows if name == table]
        return found

    def of(self, stream: str, branch: str = "main", repository: str = "acme/api") -> Coverage:
        """The coverage of that stream of a branch."""
        return self.coverages[f"git:{repository}:{branch}:{stream}"]

    @property
    def incomplete(self) -> dict[str, str]:
        """Reasons by the last parts of the names of the streams that are not complete."""
        found = {name.rpartition(":")[2]: claim.reason or "" for name, claim in self.coverages.items()}
        return {name: reason for name, reason in found.items() if reason}


ONE = "sources: {git: [{path: repo, repository: acme/api}]}\n"


def collect(
    folder: Path, more: str = ONE, *, months: str = "2025-10", now: str = "2025-11-20T12:00:00Z", path: str = ""
) -> Collection:
    """
    Run the git source in that folder for a period, at an instant, with that configuration below the common head.

    Runs in one folder share its vault, so that later ones remember the earlier ones. `path` (ending in a colon)
    is searched for programs first.
    """
    file = folder / "soc2ev.yaml"
    file.write_text("version: 1\norganisation: Example Co\n" + more, encoding="utf-8")
    said: list[str] = []
    clock = datetime.fromisoformat(now).astimezone(UTC)
    with writer(folder / "vault", origin="soc2ev/example/evidence", now=lambda: clock, tool="tests 1") as vault:
        fetch = Fetch(vault, say=said.append, environment={"PATH": path + ENVIRONMENT["PATH"]})
        claims = [fetch.state(one) for one in git.collect(fetch, config.load(file), period.parse(months))]
        run = vault.run
    read = Vault.open(folder / "vault")
    stored = [(item, read.read(item.digest)) for item in read.items(run=run)]
    assert len(claims) == len({claim.stream for claim in claims})
    return Collection({claim.stream: claim for claim in claims}, said, stored)


class Repository:
    """A git repository in a folder, with the commands that tests need."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.shas: dict[str, str] = {}

    @classmethod
    def init(cls, path: Path, *, bare: bool = False, object_format: str = "sha1", branch: str = "main") -> Repository:
        """An empty repository whose unborn branch has that name."""
        path.mkdir(parents=True, exist_ok=True)
        made = cls(path)
        made.git("init", "-q", f"--object-format={object_format}", "-b", branch, *(["--bare"] if bare else []))
        return made

    def git(self, *arguments: str, stdin: bytes | None = None, **variables: str) -> str:
        """What git printed, without the last line feed; fails the test when git does."""
        return self.git_bytes(*arguments, stdin=stdin, **variables).decode("utf-8", "replace").removesuffix("\n")

    def git_bytes(self, *arguments: str, stdin: bytes | None = None, **variables: str) -> bytes:
        """What git printed."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.path,
            env={**ENVIRONMENT, **variables},
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, f"git {arguments}: {done.stderr.decode('utf-8', 'replace')}"
        return done.stdout

    def make(self, changes: Iterable[Change], **branches: str) -> dict[str, str]:
        """
        Make the commits, oldest first, and set `branches` (name=commit; `main` to the last one when none is given).

        Returns ids by name; names made earlier may be parents.
        """
        wanted = list(changes)
        marks = {change.name: number for number, change in enumerate(wanted, 1)}
        script = b"".join(self._script(change, marks) for change in wanted)
        self.git(
            "fast-import",
            "--quiet",
            "--force",
            "--date-format=raw-permissive",
            "--export-marks=.marks",
            stdin=script,
        )
        lines = dict(line.split() for line in (self.path / ".marks").read_text().splitlines())
        (self.path / ".marks").unlink()
        self.shas.update({name: lines[f":{mark}"] for name, mark in marks.items()})
        self.git("update-ref", "-d", "refs/made/here")
        for branch, name in (branches or {"main": wanted[-1].name}).items():
            self.branch(branch, name)
        return self.shas

    def branch(self, name: str, at: str) -> None:
        """Set a branch to a commit, by its name or id."""
        self.git("update-ref", f"refs/heads/{name}", self.shas.get(at, at))

    def ref(self, name: str, at: str) -> None:
        """Set any ref by its full name."""
        self.git("update-ref", name, self.shas.get(at, at))

    def raw(self, content: bytes, *, name: str | None = None) -> str:
        """Store those bytes as a commit object, however wrong they are."""
        arguments = ("hash-object", "-t", "commit", "-w", "--stdin", "--literally")
        sha = self.git(*arguments, stdin=content)
        if name is not None:
            self.shas[name] = sha
        return sha

    def empty_tree(self) -> str:
        """The id of the tree without files, which is then in the repository."""
        return self.git("hash-object", "-t", "tree", "-w", "--stdin", stdin=b"")

    def _script(self, change: Change, marks: Mapping[str, int]) -> bytes:
        message = (change.message or f"change {change.name}\n").encode()
        authored = change.at if change.authored is None else change.authored
        lines = [
            "reset refs/made/here" if not change.parents else "",
            "commit refs/made/here",
            f"mark :{marks[change.name]}",
            f"author {change.author} {authored} {change.zone}",
            f"committer {change.committer} {change.at} {change.zone}",
            f"data {len(message)}",
        ]
        script = "\n".join(line for line in lines if line).encode() + b"\n" + message + b"\n"
        for word, parent in zip(["from", *["merge"] * len(change.parents)], change.parents, strict=False):
            script += f"{word} {f':{marks[parent]}' if parent in marks else self.shas.get(parent, parent)}\n".encode()
        files = change.files or {f"{change.name}.txt": change.name}
        for path, content in files.items():
            raw = content.encode()
            script += f"M 100644 inline {_quoted(path)}\ndata {len(raw)}\n".encode() + raw + b"\n"
        return script + b"\n"


def _quoted(path: str) -> str:
    """A path as fast-import takes it: C-style quotes when it starts with a quote or holds a line feed."""
    if path.startswith('"') or "\n" in path:
        return '"' + path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    return path
