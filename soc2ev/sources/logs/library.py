"""Where manifests are found: the team's own beside soc2ev.yaml first, then those that are shipped."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from soc2ev import yamlfile
from soc2ev.errors import ConfigError
from soc2ev.sources.logs.explain import TEMPLATE
from soc2ev.sources.logs.expressions import Expression
from soc2ev.sources.logs.manifest import Read, parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from soc2ev.sources.logs.manifest import Manifest

_SHIPPED = Path(__file__).parent / "manifests"
OWN = Path(".soc2ev") / "sources"
"""Folder of a team's own manifests, beside soc2ev.yaml."""


def names(folder: Path | None) -> dict[str, Path]:
    """The file of each connector; a team's own takes the place of a shipped one. `folder` is that of soc2ev.yaml."""
    places = [_SHIPPED, *([folder / OWN] if folder else [])]
    return {file.stem: file for place in places for file in sorted(place.glob("*.yaml"))}


def load(connector: str, folder: Path | None) -> Read:
    """The manifest of that name; ConfigError with what is wrong, or with names that exist."""
    known = names(folder)
    if connector not in known:
        hint = "`soc2ev sources list` names all connectors; `soc2ev sources new` writes one"
        raise ConfigError(f"there is no connector {connector!r}{yamlfile.suggest(connector, list(known))}", hint=hint)
    file = known[connector]
    shipped = file.parent == _SHIPPED
    name = file.name if shipped else str(OWN / file.name)
    text = yamlfile.content(file, name)
    made = parse(text, name)
    if made.id != connector:
        raise ConfigError(f"{name}:1:1: id is {made.id!r}; it is the name of its file, {connector!r}")
    if wrong := next(_negations(made, name), None):
        raise ConfigError(wrong)
    return Read(made, text, name, shipped=shipped)


def _negations(made: Manifest, name: str) -> Iterator[str]:
    """What negates too early. Said of a file that is there to be mended; in a record of last year it stays as it is."""
    for text in made.texts():
        if Expression(text).negates_first:
            yield f"{name}:1:1: {text!r}: !a.b means (!a).b, which is null; write !(a.b)"


def script_of(read: Read, folder: Path) -> Path:
    """The Python file beside a manifest of the team's own; ConfigError for a shipped one, which has none."""
    if read.shipped:
        raise ConfigError(f"{read.name}: transport python is for manifests of your own, in {OWN}")
    return folder / OWN / f"{read.manifest.id}.py"


def write_template(folder: Path, name: str) -> Path:
    """Write a manifest to begin with; its file. ConfigError for a name that is none, or that exists."""
    if not re.fullmatch(r"[a-z][a-z0-9-]*", name):
        raise ConfigError(f"{name!r} is no name of a connector", hint="small letters, digits and dashes")
    file = folder / OWN / f"{name}.yaml"
    if file.exists():
        raise ConfigError(f"{file} exists", hint="a manifest is never overwritten")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(TEMPLATE.format(name=name), encoding="utf-8")
    return file


def lint(folder: Path | None, files: list[Path] | None = None) -> Iterator[str]:
    """What is wrong with the manifests: those files, or all that are found."""
    for file in files or names(folder).values():
        try:
            made = parse(yamlfile.content(file, str(file)), str(file))
        except ConfigError as problem:
            yield from problem.message.splitlines()
            continue
        if made.id != file.stem:
            yield f"{file}:1:1: id is {made.id!r}; it is the name of its file, {file.stem!r}"
        yield from _negations(made, str(file))
        if not made.requires:
            yield f"{file}:1:1: requires is empty: say which least rights the questions need"
        if not made.docs or not made.verified:
            yield f"{file}:1:1: docs and verified are missing: where the answers are described, and when they were seen"
