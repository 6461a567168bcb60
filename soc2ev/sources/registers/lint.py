"""What a collection would say about a registers folder, without a vault: for editors and pull requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from soc2ev.sources.registers.fields import attachments
from soc2ev.sources.registers.folder import Folder
from soc2ev.sources.registers.reading import Problem, Reading, clashes, read

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def lint(folder: Path, *, root: Path | None = None) -> list[Problem]:
    """
    Everything that is wrong with the registers below the folder, in the order of the files; empty when all
    is well.

    `root` is the folder of soc2ev.yaml, below which attached documents lie; without it the folder's parent.
    A folder that does not exist is a problem as well. Nothing is written.
    """
    path = folder.resolve()
    place = Folder(path, (root or path.parent).resolve())
    files, problems = place.files()
    readings: dict[str, Reading] = {}
    for file in files:
        try:
            readings[file] = read((path / file).read_bytes(), place.shown(file))
        except OSError as error:
            problems.append(Problem(place.shown(file), f"cannot be read: {error.strerror}"))
            continue
        problems += readings[file].problems
        problems += _missing(place, file, readings[file])
    return problems + clashes({place.shown(file): reading for file, reading in readings.items()})


def _missing(place: Folder, file: str, reading: Reading) -> Iterator[Problem]:
    named = dict.fromkeys(path for record in reading.records for path in attachments(record))
    for path in named:
        found = place.document(file, path)
        if isinstance(found, str):
            yield Problem(place.shown(file), f"document {str(path)!r}: {found}")
