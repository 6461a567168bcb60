"""
One repository: how it is asked, what it is, and which branches of it count as production.

`Repository.ask` is the only way to git during a collection: every answer is stored before anybody reads it.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from soc2ev import ticket_keys
from soc2ev.errors import CollectError, TamperedError
from soc2ev.sources.git import closed, parse, streams

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from soc2ev.fetch import Answer, Fetch
    from soc2ev.model import Json

_LOCAL = "refs/heads/"
_REMOTE = "refs/remotes/"
_ORIGIN = "refs/remotes/origin/"
_FORMAT = "".join(f"%({field})%00" for field in (*streams.REFS, *streams.TAGS))


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository on this machine under the name that the configuration gives it."""

    fetch: Fetch
    name: str
    path: Path
    projects: Sequence[str] | None = None
    """Projects of the ticket systems; empty when they name none, None when there is no ticket system."""

    def ask(
        self,
        stream: str,
        role: str,
        arguments: tuple[str, ...],
        *,
        branch: str | None = None,
        facts: Mapping[str, Json] | None = None,
        stdin: bytes | None = None,
        ok: Collection[int] = (0,),
        count: Callable[[bytes], int] | None = None,
        settings: tuple[str, ...] = (),
        cached_graph: bool = False,
    ) -> Answer:
        """
        Run git with those arguments and store what it prints; CollectError for an exit code not in `ok`.

        `role` says which question of the stream this is, `facts` is what reading the answer again needs
        beside it. `settings` and `cached_graph` are as in `closed.command_line`.
        """
        try:
            return self.fetch.command(
                closed.command_line(*arguments, settings=settings, cached_graph=cached_graph),
                source="git",
                stream=self.stream(stream, branch),
                cwd=self.path,
                request={"repository": self.name, "branch": branch, "role": role, **(facts or {})},
                stdin=stdin,
                ok=ok,
                count=count,
                environment=closed.environment(self.path),
            )
        except CollectError as problem:
            # The pinned settings fill the message's room for the command: name what matters instead.
            command = next(part for part in arguments if not part.startswith("-"))
            says = problem.message.partition("` ")[2] or problem.message
            raise CollectError(f"`git {command}` in {self.path} {says}", hint=problem.hint) from problem

    def mention(self, commit: bytes) -> None:
        """Tell the ticket system of the keys in the message of a commit object, where one is configured."""
        if self.projects is not None:
            message = commit.partition(b"\n\n")[2].decode("utf-8", "replace")
            self.fetch.mention("ticket", ticket_keys.find(message, self.projects))

    def stream(self, stream: str, branch: str | None = None) -> str:
        """The full name of a stream of this repository, or of one of its branches."""
        return ":".join(["git", self.name, *([] if branch is None else [branch]), stream])


@dataclass(frozen=True, slots=True)
class Facts:
    """What a repository is, as git said when asked."""

    shallow: bool
    bare: bool
    object_format: str
    refs: Mapping[str, str]
    """Object ids by full ref name."""
    targets: Mapping[str, str]
    """What symbolic refs point to, by full name; `HEAD` too unless it is detached."""
    warnings: tuple[str, ...]
    """What git complained about while it listed the refs: then the list is not whole."""


@dataclass(frozen=True, slots=True)
class Branch:
    """A production branch by the name that streams and rows carry."""

    name: str
    ref: str | None
    """Its full name; None when the repository has no commit at all yet."""


def inspect(repository: Repository, version: str) -> Facts:
    """
    What the repository is; CollectError when the folder holds none, TamperedError when git is not
    understood.
    """
    asked = ("rev-parse", "--is-shallow-repository", "--is-bare-repository", "--show-object-format")
    about = repository.ask("repository", "facts", asked, facts={"git_version": version}, count=lambda _body: 1)
    shallow, bare, object_format = streams.facts(about.body)
    listing = repository.ask(
        "repository",
        "refs",
        ("for-each-ref", f"--format={_FORMAT}"),
        count=lambda body: body.count(b"\0") // streams.REF_WIDTH,
    )
    head = repository.ask("repository", "head", ("symbolic-ref", "--quiet", "HEAD"), ok=(0, 1))
    records = [[parse.name(part) for part in record] for record in parse.fields(listing.body, streams.REF_WIDTH)]
    targets = {record[0]: record[1] for record in records if record[1]}
    if head.status == 0:
        targets["HEAD"] = parse.name(head.body.rstrip(b"\n"))
    warnings = tuple(listing.stderr.splitlines()[:5])
    return Facts(shallow, bare, object_format, {row[0]: row[2] for row in records}, targets, warnings)


def version(fetch: Fetch, folder: Path) -> str:
    """The version of git, asked in that folder; CollectError when there is no git, or one too old."""
    try:
        answer = fetch.command(
            ["git", "--version"],
            source="git",
            stream="git:version",
            cwd=folder,
            request={"role": "version"},
            environment=closed.discovering(),
        )
    except CollectError as problem:
        raise CollectError(
            f"git could not be run: {problem.message}",
            hint="install git 2.30 or newer; `git --version` should work",
        ) from problem
    found = re.match(r"git version (\d+)\.(\d+)(\S*)", answer.body.decode("ascii", "replace"))
    if found is None:
        raise CollectError("`git --version` says something unknown", hint="install git 2.30 or newer")
    if (int(found[1]), int(found[2])) < closed.OLDEST:
        raise CollectError(f"git {found[1]}.{found[2]} is too old", hint="install git 2.30 or newer")
    return f"{found[1]}.{found[2]}{found[3]}"


def default_branch(facts: Facts) -> str:
    """
    The name of the default branch: what origin's HEAD points to, else what HEAD points to.

    CollectError when HEAD is detached and no remote says anything: a guess would be a population of chance.
    """
    remote = facts.targets.get(_ORIGIN + "HEAD", "")
    if remote.startswith(_ORIGIN):
        return remote.removeprefix(_ORIGIN)
    if facts.targets.get("HEAD", "").startswith(_LOCAL):
        return facts.targets["HEAD"].removeprefix(_LOCAL)
    raise CollectError(
        "HEAD is detached and no remote says which branch is the default",
        hint="name the production branches in the configuration: scope: [{repository: ..., branches: [...]}]",
    )


def find_branch(facts: Facts, wanted: str) -> Branch:
    """
    The branch of that name: a local one, else origin's, else one named with its remote (`origin/main`).

    Refs are only ever used by their full names, so a tag of the same name or a name like an option changes
    nothing. CollectError with the closest names when there is none; a branch without ref when nothing was
    ever committed.
    """
    for prefix in (_LOCAL, _ORIGIN, _REMOTE):
        if prefix + wanted in facts.refs:
            return Branch(wanted, prefix + wanted)
    if not facts.refs and facts.targets.get("HEAD") == _LOCAL + wanted:
        return Branch(wanted, None)
    raise CollectError(f"there is no branch {wanted!r}", hint=_closest(facts, wanted))


def staleness(repository: Repository, facts: Facts, branch: Branch, before: int) -> tuple[str | None, str | None]:
    """
    (reason, warning) from comparing a local branch with what was last fetched of it.

    The reason says that origin's has commits dated before that second which the local one lacks; the
    warning says that the local one has commits which origin's lacks. None for what does not apply.
    """
    theirs = facts.refs.get(_ORIGIN + branch.name)
    ours = facts.refs.get(_LOCAL + branch.name)
    if branch.ref != _LOCAL + branch.name or theirs is None or ours is None or ours == theirs:
        return None, None
    limit = f"--min-age={before - 1}"  # git compares with <=
    count = ("rev-list", "--count")
    lacks = repository.ask("heads", "behind", (*count, limit, theirs, "--not", ours), branch=branch.name)
    leads = repository.ask("heads", "ahead", (*count, ours, "--not", theirs), branch=branch.name)
    behind, ahead = parse.number(lacks.body), parse.number(leads.body)
    remote = f"origin/{branch.name}, as last fetched,"
    reason = f"{remote} has {behind} commit(s) that {branch.name} lacks: run `git pull`, then collect again"
    warning = f"{branch.name} has {ahead} commit(s) that {remote} lacks"
    return reason if behind else None, warning if ahead else None


def in_scope(scope: Collection[tuple[str, tuple[str, ...]]]) -> list[str | None]:
    """
    The branches of those (repository glob, branches) entries in order, once each; None is the default
    branch.
    """
    wanted: dict[str | None, None] = {}
    for _glob, branches in scope:
        wanted.update(dict.fromkeys(branches or (None,)))
    return list(wanted)


def explain(problem: CollectError | TamperedError) -> str:
    """A refusal as the reason of a coverage."""
    return " ".join(part for part in (problem.message, problem.hint and f"({problem.hint})") if part)


def _closest(facts: Facts, wanted: str) -> str:
    names = [
        ref.removeprefix(_LOCAL).removeprefix(_REMOTE)
        for ref in facts.refs
        if ref.startswith((_LOCAL, _REMOTE)) and ref not in facts.targets
    ]
    close = difflib.get_close_matches(wanted, names, n=3, cutoff=0.5) or sorted(names)[:5]
    return f"existing branches: {', '.join(close)}" if close else "the repository has no branches"
