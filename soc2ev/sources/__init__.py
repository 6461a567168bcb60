"""
Where evidence comes from: one module or folder per system, listed here and nowhere else.

A source is `NAME`, `STREAMS`, `expects` and `collect`. It asks, stores every answer through `fetch` before it
reads it, and says how complete it was. It never judges and never imports another source.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from soc2ev.errors import AccessError, CollectError
from soc2ev.model import Coverage, Stream

if TYPE_CHECKING:
    from soc2ev.config import Settings
    from soc2ev.fetch import Fetch
    from soc2ev.period import Period


class Source(Protocol):
    """What a module in this folder offers."""

    @property
    def NAME(self) -> str:  # noqa: N802  a constant of the module
        """The source's name, with which its streams begin."""
        ...

    @property
    def STREAMS(self) -> tuple[Stream, ...]:  # noqa: N802  a constant of the module
        """What it stores, and how to read it again."""
        ...

    def expects(self, settings: Settings) -> tuple[str, ...]:
        """The beginnings of the stream names that the settings ask for, such as `git:acme/api:`."""
        ...

    def collect(self, fetch: Fetch, settings: Settings, period: Period) -> Iterator[Coverage]:
        """
        Collect what the settings ask of this source for the period; yield one coverage per stream and scope.

        Whatever could not be had ends in a coverage with a reason. CollectError only when nothing of the source
        could be asked at all.
        """
        ...


@dataclass(frozen=True)
class Listed:
    """A source whose code is loaded when settings first ask for it, or somebody asks what it stores."""

    NAME: str
    asked: Callable[[Settings], bool]
    """Whether the settings have anything for it to do."""

    @property
    def STREAMS(self) -> tuple[Stream, ...]:  # noqa: N802  a constant of the module
        """What it stores, and how to read it again."""
        return tuple(self._loaded.STREAMS)

    @property
    def about(self) -> str:
        """What a reader should know of it."""
        return (self._loaded.__doc__ or "").strip()

    def expects(self, settings: Settings) -> tuple[str, ...]:
        """The beginnings of the stream names that the settings ask for."""
        return self._loaded.expects(settings) if self.asked(settings) else ()

    def collect(self, fetch: Fetch, settings: Settings, period: Period) -> Iterator[Coverage]:
        """Collect what the settings ask of it; nothing when they ask nothing."""
        return self._loaded.collect(fetch, settings, period) if self.asked(settings) else iter(())

    @property
    def _loaded(self) -> Source:
        return cast("Source", import_module(f"{__name__}.{self.NAME}"))


SOURCES = (
    Listed("git", lambda settings: bool(settings.config.sources.git or settings.config.unmatched())),
    Listed("registers", lambda settings: settings.config.registers is not None),
    Listed("github", lambda settings: bool(settings.config.sources.github)),
    Listed("jira", lambda settings: bool(settings.config.sources.jira)),
    Listed("logs", lambda settings: bool(settings.config.sources.logs)),
    Listed("files", lambda settings: bool(settings.config.sources.files)),
)
if TYPE_CHECKING:
    from soc2ev.sources import files, git, github, jira, logs, registers

    _OFFERED: tuple[Source, ...] = (git, registers, github, jira, logs, files)


_NOT_YET = ("imports",)


def collect(fetch: Fetch, settings: Settings, period: Period) -> Iterator[Coverage]:
    """
    Collect from every source; record and yield each coverage, with the time at which it was recorded.

    A source that fails ends in an incomplete coverage of its own; the others go on. What the settings ask for and this
    version cannot collect is incomplete too, never passed over.
    """
    for name in _NOT_YET:
        if getattr(settings.config.sources, name):
            reason = f"this version of soc2ev cannot collect sources.{name}; what it would show is not tested"
            yield fetch.state(Coverage(name, period, None, 0, complete=False, reason=reason))
    for repository, reason in _out_of_reach(settings):
        yield fetch.state(Coverage(f"git:{repository}:scope", period, None, 0, complete=False, reason=reason))
    for source in SOURCES:
        try:
            for coverage in source.collect(fetch, settings, period):
                yield fetch.state(coverage)
        except CollectError as problem:
            scope = {"access": "missing"} if isinstance(problem, AccessError) else {}
            reason = f"{problem.message} {problem.hint}".strip()
            yield fetch.state(Coverage(source.NAME, period, None, 0, complete=False, reason=reason, scope=scope))


def _out_of_reach(settings: Settings) -> Iterator[tuple[str, str]]:
    """Repositories of the scope whose changes no source can deliver as the scope asks, with the reason."""
    unmatched = settings.config.unmatched()
    hosted = bool(settings.config.sources.github)
    for repository in unmatched:
        yield repository, f"no source delivers {repository}, which the scope names: check its spelling under `sources`"
    for entry in settings.config.scope:
        if entry.mode != "merge" and entry.repository not in unmatched and not (hosted and "/" in entry.repository):
            yield (
                entry.repository,
                f"mode {entry.mode} needs records of a server; plain git counts changes at the merge",
            )
