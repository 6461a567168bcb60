"""
What of an answer is laid down: paths that are kept, values that are masked.

A path is names with dots; `[]` is every element of a list, `*` every name: `Stages[].Variables`. A name that has dots
itself stands in quotes: `entry[].content."action.email.to"`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from soc2ev.model import Json
    from soc2ev.sources.logs.manifest import Redaction

MASK = "***"


def sifted(value: Json, keep: Sequence[str], redact: Sequence[Redaction]) -> Json:
    """The value with the kept paths only (all when none is named), then with the redactions applied."""
    if keep:
        value = _only(value, [parts(path) for path in keep])
    for rule in redact:
        value = _changed(value, parts(rule.path), _CHANGES[rule.keep])
    return value


def mask(_: Json) -> Json:
    """What stands for a value that is not stored."""
    return MASK


def mask_address(value: Json) -> Json:
    """An address of the web with its scheme and host only; anything else as it is."""
    if not isinstance(value, str) or "://" not in value:
        return value
    parts = urlsplit(value)
    return f"{parts.scheme}://{parts.hostname or ''}/{MASK}"


def mask_addresses(value: Json) -> Json:
    """A text in which every address of the web has its scheme and host only."""
    return _ADDRESS.sub(lambda found: mask_address(found[0]), value) if isinstance(value, str) else value


_ADDRESS = re.compile(r"https?://[^\s'\"<>]+")
_CHANGES: dict[str, Callable[[Json], Json]] = {"nothing": mask, "host": mask_address, "hosts": mask_addresses}


def parts(path: str) -> list[str]:
    """The steps of a path; `[]` and `*` among them."""
    return [quoted or part for quoted, part in re.findall(r'"([^"]+)"|(\[\]|[^.\[\]"]+)', path)]


def _only(value: Json, paths: Sequence[Sequence[str]]) -> Json:
    if any(not path for path in paths):
        return value
    if isinstance(value, list):
        rest = [path[1:] for path in paths if path[0] == "[]"]
        return [_only(part, rest) for part in value] if rest else MASK
    if not isinstance(value, dict):
        # That something else stands there than a path goes through must show, or it would look like nothing.
        return None if value is None else MASK
    found = {name: [path[1:] for path in paths if path[0] in (name, "*")] for name in value}
    return {name: _only(value[name], rest) for name, rest in found.items() if rest}


def _changed(value: Json, path: Sequence[str], change: Callable[[Json], Json]) -> Json:
    if not path:
        return None if value is None else change(value)
    if isinstance(value, list) and path[0] == "[]":
        return [_changed(part, path[1:], change) for part in value]
    if isinstance(value, dict):
        return {
            name: _changed(part, path[1:], change) if path[0] in (name, "*") else part for name, part in value.items()
        }
    return value
