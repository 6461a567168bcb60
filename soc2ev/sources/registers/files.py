"""The registers themselves: stored as they are, read from what was stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from soc2ev.errors import CollectError
from soc2ev.model import Coverage, EvidenceItem, Json, Stream
from soc2ev.sources.registers import tables
from soc2ev.sources.registers.folder import Folder, shown
from soc2ev.sources.registers.reading import Problem, Reading, clashes, printable, read

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from soc2ev.fetch import Fetch
    from soc2ev.period import Period

NAME = "registers:files"
_SHOWN = 10
_WIDTH = 600


def collect(fetch: Fetch, folder: Folder, period: Period) -> tuple[dict[str, Reading], Coverage]:
    """
    Store every register of the folder; what each says, and the coverage.

    A file that is wrong is stored all the same, and makes the coverage incomplete with every complaint.
    """
    files, problems = folder.files()
    readings: dict[str, Reading] = {}
    expected = len(files) + len(problems)
    for file in files:
        try:
            answer = fetch.file(
                folder.path / file,
                source="registers",
                stream=NAME,
                request={"path": file, "folder": folder.label},
            )
        except CollectError as error:
            problems.append(Problem(folder.shown(file), f"not stored: {error.message}"))
            continue
        readings[file] = read(answer.body, folder.shown(file))
        problems += readings[file].problems
    problems += clashes({folder.shown(file): reading for file, reading in readings.items()})
    fetch.say(f"registers: {len(readings)} files below {folder.label}")
    return readings, stated(NAME, period, folder, expected=expected, fetched=len(readings), problems=problems)


def stated(
    stream: str,
    period: Period,
    folder: Folder,
    *,
    expected: int | None,
    fetched: int,
    problems: Sequence[Problem | str],
    details: Mapping[str, Json] | None = None,
) -> Coverage:
    """The coverage of one stream of the folder: complete without problems, else the first ten are told."""
    return Coverage(
        stream=stream,
        period=period,
        expected=expected,
        fetched=fetched,
        complete=not problems,
        reason=_told(problems),
        scope={"folder": folder.label},
        details=details or {},
    )


def _told(problems: Sequence[Problem | str]) -> str | None:
    if not problems:
        return None
    more = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
    # A line of the journal holds 65,535 bytes, and names of files can be long.
    return "; ".join(printable(str(problem), _WIDTH) for problem in problems[:_SHOWN]) + more


def _rows(item: EvidenceItem, body: bytes) -> Iterator[tuple[str, Mapping[str, Json]]]:
    file, label = str(item.request["path"]), str(item.request["folder"])
    yield from tables.rows(file, read(body, shown(label, file)))


STREAM = Stream("files", tables.TABLES, _rows, snapshot=True)
