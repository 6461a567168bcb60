"""
What lies in the registers folder, and which documents may be attached from around it.

Nothing outside the folder of the configuration (or the registers folder itself) is ever read, through no
link and no `..`, and nothing hidden: `evidence: [../.env]` in a register that somebody proposes must not
put secrets in a vault.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from soc2ev.sources.registers.reading import Problem, printable

if TYPE_CHECKING:
    from collections.abc import Iterator

_ENDINGS = (".yaml", ".yml")
_SEEN_HIDDEN = (".github", ".gitlab")


def shown(label: str, file: str) -> str:
    """A file of the folder with that label as messages name it."""
    return file if label in ("", ".") else f"{label}/{file}"


@dataclass(frozen=True, slots=True)
class Folder:
    """A registers folder; documents lie below it, or below `root`, the folder of the configuration."""

    path: Path
    root: Path

    @property
    def label(self) -> str:
        """The folder as messages name it: relative to the configuration when it lies below it."""
        if self.path.is_relative_to(self.root):
            return printable(self.path.relative_to(self.root).as_posix())
        return printable(self.path.name)

    def shown(self, file: str) -> str:
        """A file of the folder as messages name it."""
        return shown(self.label, file)

    def files(self) -> tuple[list[str], list[Problem]]:
        """
        The registers below the folder in sorted order, as paths relative to it with `/`, and what cannot be
        one.

        Hidden files and folders do not count. A link, a pipe, a name that is no printable UTF-8 and a
        folder that cannot be listed are problems: a register may be missing because of each.
        """
        found: list[str] = []
        problems: list[Problem] = []
        waiting = [self.path]
        while waiting:
            folder = waiting.pop()
            try:
                entries = list(os.scandir(folder))
            except OSError as error:
                problems.append(Problem(self._told(folder), f"cannot be listed: {error.strerror}"))
                continue
            for entry in (one for one in entries if not one.name.startswith(".")):
                path = Path(entry.path)
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(path)
                elif entry.name.lower().endswith(_ENDINGS) or path.is_dir():
                    why = self._refused(entry)
                    problems += [Problem(self._told(path), why)] if why else []
                    found += [] if why else [path.relative_to(self.path).as_posix()]
        return sorted(found), sorted(problems)

    def _refused(self, entry: os.DirEntry[str]) -> str | None:
        if entry.is_symlink():
            return "a symbolic link is not followed; put the file itself here"
        if not os.path.relpath(entry.path, self.path).isprintable():
            return "the name of a register is printable UTF-8"
        return None if entry.is_file(follow_symlinks=False) else "no regular file"

    def _told(self, path: Path) -> str:
        inside = path.relative_to(self.path).as_posix()
        return printable(self.shown(inside) if inside != "." else self.label)

    def document(self, file: str, path: str) -> Path | str:
        """The document that the register `file` names, or why it cannot be had. Nothing is opened."""
        wanted = Path(os.path.normpath(self.path / Path(file).parent / path))
        home = next((one for one in (self.root, self.path) if wanted.is_relative_to(one)), None)
        if home is None:
            return "it lies outside the folder of soc2ev.yaml"
        parts = wanted.relative_to(home).parts
        if any(part.startswith(".") and part not in _SEEN_HIDDEN for part in parts):
            return "hidden files are never attached"
        return _checked(home, parts)


def _checked(home: Path, parts: tuple[str, ...]) -> Path | str:
    """The file, when every part of the way to it is a folder and the last a regular file; no links."""
    way = home
    for mode, way in _modes(home, parts):
        if mode is None:
            return "no such file"
        if stat.S_ISLNK(mode):
            return "a symbolic link is not followed"
        wanted = stat.S_ISREG if way == home.joinpath(*parts) else stat.S_ISDIR
        if not wanted(mode):
            return "no regular file"
    return way


def _modes(home: Path, parts: tuple[str, ...]) -> Iterator[tuple[int | None, Path]]:
    way = home
    for part in parts:
        way /= part
        try:
            yield way.lstat().st_mode, way
        except (OSError, ValueError):
            yield None, way
