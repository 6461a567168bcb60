"""
The collection of plain git: every repository and branch in scope, one coverage for each stream.

Whatever is missing, cut off, behind its origin or does not add up ends in a reason; it never looks complete.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from soc2ev.errors import CollectError, ConfigError, TamperedError
from soc2ev.model import Coverage, Json
from soc2ev.sources.git import heads as heads_
from soc2ev.sources.git import repository as repository_
from soc2ev.sources.git.history import History, Tally
from soc2ev.sources.git.repository import Branch, Facts, Repository, explain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from soc2ev.config import GitSource, Settings
    from soc2ev.fetch import Fetch
    from soc2ev.period import Period

OF_BRANCHES = ("heads", "integrations", "commits", "trailers", "shortlog", "paths")
"""The streams that each branch has; `repository` is the only other one."""
_SHALLOW = "the clone is shallow, so its history is cut off: run `git fetch --unshallow`, then collect again"
_LOST = (
    "the branch was rewritten: the recorded commit {} is no longer in this clone, so nobody can tell which commits "
    "belong to the period; fetch that commit from a clone that still has it (or, if this clone is merely old, run "
    "`git pull`), then collect again"
)
_CORROBORATION = "git's own counts; no second source"
_CLOCK = "committer dates are set by the clients that made the commits"
_FAILURES = (CollectError, TamperedError)
_NOWHERE = "HEAD"  # what streams of a branch are called when nobody can tell which branch it is


def collect(fetch: Fetch, settings: Settings, period: Period) -> Iterator[Coverage]:
    """
    Collect the repositories of `sources.git` that are in scope; one coverage per stream and branch.

    A branch that does not exist, a folder without repository, a shallow or outdated clone end in incomplete
    coverages. CollectError when git cannot be run, ConfigError when two sources have one name.
    """
    sources = settings.config.sources.git
    _refuse_twins(sources)
    scope = [(entry.repository, tuple(entry.branches)) for entry in settings.config.scope]
    version = repository_.version(fetch, settings.file.parent) if sources else ""
    jira = settings.config.sources.jira
    projects = [project for site in jira for project in site.projects] if jira else None
    for source in sources:
        matching = [entry for entry in scope if fnmatchcase(source.repository, entry[0])]
        if scope and not matching:
            fetch.say(f"git: {source.repository} is in no scope entry of the configuration; left out")
            continue
        repository = Repository(fetch, source.repository, settings.path(source.path), projects)
        wanted = repository_.in_scope(matching or [("*", ())])
        yield from _Collection(fetch, period, repository, version).run(wanted)


@dataclass(frozen=True, slots=True)
class _Collection:
    fetch: Fetch
    period: Period
    repository: Repository
    version: str

    def run(self, wanted: Sequence[str | None]) -> Iterator[Coverage]:
        """The repository itself, then each branch; None in `wanted` is the default branch."""
        self.fetch.say(f"git: {self.repository.name} in {self.repository.path}")
        try:
            facts = self._inspect()
        except _FAILURES as problem:
            yield self._claim(Tally("repository", reasons=[explain(problem)]), None)
            for name in wanted:
                yield from self._nothing(_NOWHERE if name is None else name, explain(problem))
            return
        yield self._about(facts)
        yield from self._branches(facts, wanted)

    def _branches(self, facts: Facts, wanted: Sequence[str | None]) -> Iterator[Coverage]:
        seen: set[str] = set()
        for name in wanted:
            try:
                branch = repository_.find_branch(facts, _named(facts, name))
            except CollectError as problem:
                yield from self._nothing(_NOWHERE if name is None else name, explain(problem))
                continue
            if branch.name not in seen:
                seen.add(branch.name)
                yield from self._branch(facts, branch)

    def _inspect(self) -> Facts:
        if not (self.repository.path.is_dir() and os.access(self.repository.path, os.R_OK | os.X_OK)):
            hint = "correct `path` under sources.git; it is relative to the configuration file"
            raise CollectError(f"{self.repository.path} is no folder that can be read", hint=hint)
        return repository_.inspect(self.repository, self.version)

    def _about(self, facts: Facts) -> Coverage:
        rows = 1 + len(facts.refs)
        tally = Tally("repository", expected=rows, fetched=rows)
        if facts.warnings:
            tally.reasons.append(f"git could not list every ref: {'; '.join(facts.warnings)}")
        return self._claim(tally, None, {"object_format": facts.object_format, "shallow": facts.shallow})

    def _branch(self, facts: Facts, branch: Branch) -> Iterator[Coverage]:
        if branch.ref is None:
            for stream in OF_BRANCHES:
                yield self._claim(Tally(stream, expected=0), branch.name, _unborn(facts))
            return
        try:
            heads = heads_.determine(self.repository, branch, self.period)
            edge = math.ceil(self.period.end.timestamp())
            behind, ahead = repository_.staleness(self.repository, facts, branch, edge)
        except _FAILURES as problem:
            yield from self._nothing(branch.name, explain(problem))
            return
        common = [reason for reason in (_SHALLOW if facts.shallow else None, behind) if reason is not None]
        details = _details(facts, branch, heads, ahead) | {"whole": not common}
        history = History(self.repository, branch, heads.start.sha, heads.end.sha)
        if heads.lost is not None:
            common.append(_LOST.format(heads.lost))
        tallies = history.collect() if heads.lost is None else [Tally(stream) for stream in OF_BRANCHES[1:]]
        for tally in (Tally("heads", fetched=heads.rows), *tallies):
            tally.reasons[:0] = common
            yield self._claim(tally, branch.name, details)
        self.fetch.say(f"git: {self.repository.name} {branch.name}: {len(history.ids)} commits in {self.period.name}")

    def _nothing(self, branch: str, reason: str) -> Iterator[Coverage]:
        """The coverages of a branch of which nothing could be had."""
        for stream in OF_BRANCHES:
            yield self._claim(Tally(stream, reasons=[reason]), branch)

    def _claim(self, tally: Tally, branch: str | None, details: Mapping[str, Json] | None = None) -> Coverage:
        """The coverage that the tally amounts to: complete without a reason and with all it expected."""
        if not tally.reasons and tally.expected not in (None, tally.fetched):
            tally.reasons.append(f"{tally.fetched} of {tally.expected} were obtained")
        scope = {"repository": self.repository.name}
        return Coverage(
            stream=self.repository.stream(tally.stream, branch),
            period=self.period,
            expected=tally.expected,
            fetched=tally.fetched,
            complete=not tally.reasons,
            reason="; ".join(dict.fromkeys(tally.reasons)) or None,
            scope=scope if branch is None else {**scope, "ref": branch},
            details=details or {},
        )


def _named(facts: Facts, wanted: str | None) -> str:
    """The wanted branch, else the default one; an empty name is a name that no branch has."""
    return repository_.default_branch(facts) if wanted is None else wanted


def _refuse_twins(sources: Sequence[GitSource]) -> None:
    """Two repositories under one name would be one population made of two."""
    doubled = [name for name, times in Counter(source.repository for source in sources).items() if times > 1]
    if doubled:
        hint = "give each entry of sources.git a `repository` of its own"
        raise ConfigError(f"two git sources are called {doubled[0]!r}", hint=hint)


def _unborn(facts: Facts) -> dict[str, Json]:
    nothing = {"sha": None, "basis": "nothing was ever committed"}
    return {
        "ref": None,
        "tip": None,
        "tip_seen_at": None,
        "start": nothing,
        "end": nothing,
        "estimated": False,
        "rewritten": None,
        "whole": True,
        "object_format": facts.object_format,
        "corroboration": _CORROBORATION,
        "clock": _CLOCK,
        "warnings": ["the repository has no commit yet"],
    }


def _details(facts: Facts, branch: Branch, heads: heads_.Heads, ahead: str | None) -> dict[str, Json]:
    rewritten = None if heads.rewritten is None else dict(zip(("from", "to"), heads.rewritten, strict=True))
    lost = "the branch was rewritten: commits that the last collection saw are no longer on it"
    doubts = [
        f"the {edge} is doubtful: {found.backwards} commit(s) below it on the line are dated after it"
        for edge, found in (("start", heads.start), ("end", heads.end))
        if found.backwards
    ]
    return {
        "ref": branch.ref,
        "tip": heads.tip,
        "tip_seen_at": heads.seen_at.isoformat(),
        "start": {"sha": heads.start.sha, "basis": heads.start.basis},
        "end": {"sha": heads.end.sha, "basis": heads.end.basis},
        "estimated": heads.start.estimated or heads.end.estimated,
        "rewritten": rewritten,
        "object_format": facts.object_format,
        "corroboration": _CORROBORATION,
        "clock": _CLOCK,
        "warnings": [warning for warning in (ahead, lost if rewritten else None, *doubts) if warning],
    }
