"""Registers to begin with: complete, commented, in draft, so that none of them answers anything yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from soc2ev import templates, yamlfile
from soc2ev.errors import ConfigError
from soc2ev.sources.registers.schemas import MODELS

if TYPE_CHECKING:
    from pathlib import Path

_ENDINGS = (".yaml", ".yml", "")
"""`alert-review` alone is a folder in which a team keeps one file for each month."""


def starter(kind: str) -> str:
    """The text of a register of that kind to begin with. ConfigError when there is no such kind."""
    if kind not in MODELS:
        raise ConfigError(
            f"{kind!r} is no kind of register{yamlfile.suggest(kind, list(MODELS))}",
            hint="`soc2ev registers list` shows all kinds",
        )
    return (templates.folder("registers") / f"{_stem(kind)}.yaml").read_text(encoding="utf-8")


def write_starters(folder: Path) -> list[Path]:
    """
    Write a starter for each kind that the folder does not have yet; the files that were written.

    Nothing is ever overwritten. ConfigError when the folder cannot be written; what was written by then
    stays.
    """
    written: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for kind in MODELS:
            if not any(_there(folder / f"{_stem(kind)}{ending}") for ending in _ENDINGS):
                written += [_write(folder / f"{_stem(kind)}.yaml", starter(kind))]
    except OSError as error:
        raise ConfigError(
            f"{error.filename or folder}: {error.strerror}; {len(written)} files were written",
            hint="name a folder that you may write to",
        ) from None
    return written


def _stem(kind: str) -> str:
    return kind.replace("_", "-")


def _there(path: Path) -> bool:
    return path.exists() or path.is_symlink()


def _write(path: Path, text: str) -> Path:
    # Mode x: a file or link that appeared since we looked is not overwritten either.
    with path.open("x", encoding="utf-8", newline="\n") as file:
        file.write(text)
    return path
