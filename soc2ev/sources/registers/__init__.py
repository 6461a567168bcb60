"""
The registers that a team keeps under version control: files, the documents that they name, and their history.

A register says what should be; collected evidence says what is. Neither a draft nor an entry by itself
answers a question that evidence could contradict. docs/registers.md describes each kind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from soc2ev.errors import CollectError
from soc2ev.sources.registers import attachments, files, history
from soc2ev.sources.registers.folder import Folder
from soc2ev.sources.registers.lint import lint
from soc2ev.sources.registers.reading import Problem
from soc2ev.sources.registers.schemas import Kind, kinds
from soc2ev.sources.registers.starter import starter, write_starters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from soc2ev.config import Settings
    from soc2ev.fetch import Fetch
    from soc2ev.model import Coverage
    from soc2ev.period import Period

NAME = "registers"
STREAMS = (files.STREAM, attachments.STREAM, history.STREAM)

__all__ = ["NAME", "STREAMS", "Kind", "Problem", "collect", "expects", "kinds", "lint", "starter", "write_starters"]


def expects(settings: Settings) -> tuple[str, ...]:
    """The beginnings of the stream names that these settings ask for."""
    return () if settings.config.registers is None else (f"{NAME}:",)


def collect(fetch: Fetch, settings: Settings, period: Period) -> Iterator[Coverage]:
    """
    Collect the registers folder: one coverage each for files, attachments and history.

    Nothing when the configuration says `registers: null`. A folder that the configuration names and that is
    not there makes all three incomplete; the folder of the default may be absent, and then there are no
    registers.
    """
    if settings.config.registers is None:
        return
    folder = Folder(settings.path(settings.config.registers), settings.file.parent)
    if not folder.path.is_dir():
        yield from _absent(folder, period, asked="registers" in settings.config.model_fields_set)
        return
    readings, coverage = files.collect(fetch, folder, period)
    yield coverage
    yield _caught(lambda: attachments.collect(fetch, folder, period, readings), attachments.NAME, folder, period)
    yield _caught(lambda: history.collect(fetch, folder, period), history.NAME, folder, period)


def _absent(folder: Folder, period: Period, *, asked: bool) -> Iterator[Coverage]:
    missing = (
        f"there is no folder {folder.label}; `soc2ev registers new` writes registers to begin with,"
        " `registers: null` in soc2ev.yaml says that there are none"
    )
    problems = [missing] if asked else []
    for stream in (files.NAME, attachments.NAME, history.NAME):
        expected = None if asked else 0
        details = {"folder": "absent"} | ({"versioned": False} if stream == history.NAME else {})
        yield files.stated(stream, period, folder, expected=expected, fetched=0, problems=problems, details=details)


def _caught(make: Callable[[], Coverage], stream: str, folder: Folder, period: Period) -> Coverage:
    """The coverage, or one that says why it could not be made: the streams beside it go on."""
    try:
        return make()
    except CollectError as error:
        reason = f"{error.message}; {error.hint}"
        return files.stated(stream, period, folder, expected=None, fetched=0, problems=[reason])
