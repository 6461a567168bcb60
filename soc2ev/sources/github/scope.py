"""
Which repositories a collection is about, and what GitHub says of each before anything else is asked.

Names come from the scope of the configuration; a glob is answered by the list of its owner's repositories. The same
question asks for everything that would show a change, so that an unchanged repository costs nothing more.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from soc2ev.errors import CollectError
from soc2ev.model import Json
from soc2ev.sources.github import documents
from soc2ev.sources.github.claims import Repository, Tally
from soc2ev.sources.github.host import Host
from soc2ev.sources.github.moves import instant
from soc2ev.sources.github.refusals import AbsentError
from soc2ev.sources.github.streams import globbed

if TYPE_CHECKING:
    from soc2ev.config import Settings
    from soc2ev.fetch import GraphAnswer

STREAM = "github:repositories"
_GLOB = "*?["


def wanted(settings: Settings) -> list[str]:
    """The names and globs of the scope that GitHub is asked for: those with an owner."""
    return list(dict.fromkeys(entry.repository for entry in settings.config.scope if "/" in entry.repository))


def is_glob(name: str) -> bool:
    """Whether it is a pattern rather than a name."""
    return any(letter in name for letter in _GLOB)


@dataclass
class Found:
    """The repositories of one collection, and what became of each name."""

    settings: Settings
    tally: Tally = field(default_factory=lambda: Tally("repositories"))
    repositories: dict[str, tuple[Host, Repository]] = field(default_factory=dict)
    missing: dict[str, CollectError] = field(default_factory=dict)
    """Exact names that no host has shown so far, with what was answered."""
    silent: dict[str, str] = field(default_factory=dict)
    """Globs that named nothing so far."""

    def ask(self, host: Host) -> None:
        """Ask one host for the names that no earlier one had."""
        names = [name for name in wanted(self.settings) if not is_glob(name) and name not in self.repositories]
        host.in_batches("repositories", names, lambda chunk: self._named(host, chunk), self._lose)
        for owner, globs in _by_owner(self.settings).items():
            try:
                self._owned(host, owner, globs)
            except CollectError as problem:
                self.tally.failed(problem, f"the repositories of {owner}")

    def settle(self) -> Tally:
        """What it all came to, once every host was asked."""
        for name, problem in self.missing.items():
            self.tally.failed(problem, name)
            self.tally.denied = True
        for glob in (one for one in self.silent if not any(fnmatchcase(name, one) for name in self.repositories)):
            self.tally.lacks(f"{glob} names no repository that the token can see")
        self.tally.fetched = len(self.repositories)
        return self.tally

    def _named(self, host: Host, names: Sequence[str], *, traces: bool = True) -> None:
        """Ask for them by name; those of which something is refused, once more for the bare facts."""
        answer = self._by_name(host, names, traces=traces)
        bare: list[str] = []
        for number, name in enumerate(names):
            value = answer.data.get(f"r{number}")
            errors = [error for error in answer.errors if error.path[:1] in ((), (f"r{number}",))]
            # What is null for want of an answer is no fact: a repository without its branch would look empty.
            if value is not None and not errors:
                self._keep(host, name, value, answer)
            elif traces and any(error.denied or value is not None for error in errors):
                bare.append(name)
            else:
                said = errors[0].message if errors else "nothing"
                self._lose([name], AbsentError(f"GitHub answered: {said}", frozenset()))
        if bare:
            self._named(host, bare, traces=False)

    def _by_name(self, host: Host, names: Sequence[str], *, traces: bool) -> GraphAnswer:
        variables: dict[str, Json] = {}
        for number, name in enumerate(names):
            variables[f"o{number}"], _, variables[f"n{number}"] = name.partition("/")
        asked = {"role": "names", "names": list(names)}
        return host.query(documents.repositories(len(names), traces=traces), variables, stream=STREAM, asked=asked)

    def _owned(self, host: Host, owner: str, globs: Sequence[str]) -> None:
        if is_glob(owner):
            self.tally.lacks(f"{globs[0]}: the owner cannot be a pattern; name it")
            return
        self.silent |= dict.fromkeys(globs, "")
        without = [name for name in (*wanted(self.settings), *self.repositories) if _of(owner, name)]
        asked = {"role": "owner", "globs": list(globs), "without": without}
        forks: list[str] = []
        rows, total = 0, None
        for found, answer in self._owned_pages(host, owner, asked):
            rows, total = rows + len(found["nodes"]), found["totalCount"]
            for value in found["nodes"]:
                name = value["nameWithOwner"]
                if globbed(asked, value):
                    self._keep(host, name, value, answer)
                elif value["isFork"] and any(fnmatchcase(name, glob) for glob in globs):
                    forks.append(name)
        self._doubt(host, owner, globs[0])
        if total is not None and rows != total:
            self.tally.lacks(f"{rows} of {total} repositories of {owner} were listed")
        self.tally.details["forks left out"] = [*self.tally.details.get("forks left out", []), *forks]

    def _doubt(self, host: Host, owner: str, glob: str) -> None:
        """Say where the list of an owner may be that of a selection only, which looks like all of them."""
        mend = "install it on all repositories, or name those in scope"
        if host.kind == "fine-grained":
            said = (
                f"{glob}: a fine-grained token lists what it was given; whether that is all of {owner} cannot be told"
            )
            self.tally.details.setdefault("warnings", []).append(f"{said}; name the repositories, or use a GitHub App")
        if host.kind != "installation":
            return
        try:
            selects = host.selects()
        except CollectError as problem:
            self.tally.failed(problem, f"{glob}: whether the installation shows all repositories")
            return
        if selects:
            self.tally.lacks(f"{glob}: the App is installed on selected repositories; {owner} may have others; {mend}")
        elif selects is None:
            self.tally.lacks(f"{glob}: GitHub does not tell whether the App is installed on all repositories; {mend}")

    @staticmethod
    def _owned_pages(host: Host, owner: str, asked: Mapping[str, Json]) -> Iterator[tuple[Json, GraphAnswer]]:
        """The pages of an owner's list; for the bare facts when the first one fails with more."""
        path, begun = ("repositoryOwner", "repositories"), False
        for traces in (True, False):
            pages = host.pages(
                documents.owned(traces=traces),
                {"login": owner},
                path,
                name="owned",
                stream=STREAM,
                asked=asked,
                key=lambda one: one["id"],
            )
            try:
                for answer, found in pages:
                    begun = True
                    yield found, answer
            except CollectError:
                if begun or not traces:
                    raise
            else:
                return

    def _keep(self, host: Host, name: str, value: Json, answer: GraphAnswer) -> None:
        found = _described(self.settings, name, value, answer)
        self.repositories[name] = (host, found)
        self.missing.pop(name, None)
        for warning in found.warnings:
            self.tally.details.setdefault("warnings", []).append(f"{name}: {warning}")
        if not found.tip and value["isEmpty"] is not True:
            self.tally.lacks(f"GitHub names no branch of {name}, and it is not empty; collect again")
        if value["isArchived"]:
            self.tally.details.setdefault("archived", []).append(name)

    def _lose(self, names: Sequence[str], problem: CollectError) -> None:
        self.missing |= dict.fromkeys(names, problem)


def _by_owner(settings: Settings) -> dict[str, list[str]]:
    globs = [name for name in wanted(settings) if is_glob(name)]
    owners = dict.fromkeys(glob.partition("/")[0] for glob in globs)
    return {owner: [glob for glob in globs if glob.partition("/")[0] == owner] for owner in owners}


def _of(owner: str, name: str) -> bool:
    return not is_glob(name) and name.lower().startswith(f"{owner.lower()}/")


def _described(settings: Settings, name: str, value: Json, answer: GraphAnswer) -> Repository:
    branch = value["defaultBranchRef"] or {}
    current = value["nameWithOwner"]
    renamed = current.lower() != name.lower()
    return Repository(
        name=name,
        current=current,
        default=branch.get("name"),
        tip=(branch.get("target") or {}).get("oid"),
        branches=_branches(settings, name, branch.get("name")),
        fingerprint=_fingerprint(value),
        created_at=instant(value["createdAt"]),
        seen_at=server_time(answer.item.response),
        environments=_environments(settings, name),
        delivers=any(one.mode == "deploy" and fnmatchcase(name, one.repository) for one in settings.config.scope),
        warnings=(f"it is called {current} now",) if renamed else (),
    )


def _branches(settings: Settings, name: str, default: str | None) -> tuple[str, ...]:
    """Production branches of all scope entries that name the repository; an entry without any means the default one."""
    found: list[str] = []
    for entry in settings.config.scope:
        if fnmatchcase(name, entry.repository):
            found += entry.branches or ([default] if default else [])
    return tuple(dict.fromkeys(found))


def _environments(settings: Settings, name: str) -> tuple[str, ...]:
    """Production environments of all scope entries that name the repository."""
    entries = [entry for entry in settings.config.scope if fnmatchcase(name, entry.repository)]
    return tuple(dict.fromkeys(one for entry in entries for one in entry.environments))


def _fingerprint(value: Json) -> str:
    """What changes with anything that is collected; empty when the token may not see enough to tell."""
    if not all(name in value for name in documents.TRACES):
        return ""
    names = ("id", "pushedAt", "updatedAt", "defaultBranchRef", *documents.TRACES)
    text = json.dumps([value.get(name) for name in names], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def server_time(response: Mapping[str, Json]) -> datetime:
    """The server's clock in the Date header of an answer; CollectError when there is none to rely on."""
    try:
        moment = parsedate_to_datetime(response["headers"]["date"])
    except (KeyError, TypeError, ValueError):
        raise CollectError("an answer of GitHub carries no date", hint="check the configured url") from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
