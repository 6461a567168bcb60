"""The collection of GitHub: every repository in scope, one coverage for each of its streams."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from soc2ev.model import Coverage
from soc2ev.sources.github import tested
from soc2ev.sources.github.claims import STREAMS, Tally, shorten
from soc2ev.sources.github.collecting import Collecting
from soc2ev.sources.github.host import Host
from soc2ev.sources.github.scope import STREAM, Found, wanted
from soc2ev.sources.github.unchanged import left

if TYPE_CHECKING:
    from soc2ev.config import Settings
    from soc2ev.fetch import Fetch
    from soc2ev.period import Period

_UNNAMED = "name the repositories under `scope`, as owner/name or owner/*: GitHub is not asked for everything it shows"


def collect(fetch: Fetch, settings: Settings, period: Period) -> Iterator[Coverage]:
    """
    Collect what the scope names of `sources.github`; one coverage per stream and repository.

    Of a repository in which nothing changed since it was collected whole for the closed period only the settings are
    read again, and not even those within twelve hours; for what is not read nothing is stated. ConfigError when a host
    has no usable credential.
    """
    hosts = [Host(fetch, source, fetch.clock) for source in settings.config.sources.github]
    if not hosts:
        return
    if not wanted(settings):
        yield Coverage(STREAM, period, None, 0, complete=False, reason=_UNNAMED)
        return
    found = Found(settings)
    for host in hosts:
        found.ask(host)
    yield from _missing(found, period)
    asked = [(host, one, left(fetch, one, period)) for host, one in found.repositories.values()]
    fresh = [(host, one) for host, one, streams in asked if streams == STREAMS]
    granted = {id(host): tested.Granted(host, fresh) for host in hosts}
    projects = _projects(settings)
    tasks = [
        Collecting(host, one, period, streams, granted[id(host)], projects).run
        for host, one, streams in asked
        if streams
    ]
    for coverages in fetch.together(tasks):
        yield from coverages
    yield _stated(found.settle(), period)


def _projects(settings: Settings) -> frozenset[str] | None:
    """Keys of the projects whose tickets are collected, empty for any; None when there is no ticket system."""
    configured = settings.config.sources.jira
    return frozenset(project for jira in configured for project in jira.projects) if configured else None


def _stated(tally: Tally, period: Period) -> Coverage:
    """The coverage of the repositories themselves, stated last: it says that this source came to its end."""
    reason = shorten(tally.reasons) or None
    scope = {"access": "missing"} if tally.denied else {}
    return Coverage(STREAM, period, None, tally.fetched, reason is None, reason, scope, tally.details)


def _missing(found: Found, period: Period) -> Iterator[Coverage]:
    """The streams of repositories that are named and cannot be had."""
    for name, problem in found.missing.items():
        for stream in STREAMS:
            scope = {"repository": name, "access": "missing"}
            reason = f"{problem.message}; {problem.hint}"
            yield Coverage(f"github:{name}:{stream}", period, None, 0, complete=False, reason=reason, scope=scope)
