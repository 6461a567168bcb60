"""
Descriptions as plain text.

Cloud sends the Atlassian Document Format, a tree of nodes (developer.atlassian.com, "Atlassian Document Format");
Data Center sends wiki markup, which stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from soc2ev.model import Json

_LINES = frozenset({"paragraph", "heading", "codeBlock", "caption", "taskItem", "decisionItem"})
"""Nodes whose words stand on lines of their own."""
_ITEMS = frozenset({"listItem", "taskItem", "decisionItem"})
_SHOWN = {"mention": "text", "emoji": "shortName", "status": "text", "inlineCard": "url", "blockCard": "url"}
"""Nodes without inner text, by the attribute that a reader sees."""
_DEEPEST = 100


def plain(value: Json) -> str | None:
    """
    The text of a description: paragraphs and headings on lines of their own, list items behind "- ".

    None when there is none. ValueError for a tree that is too deep; what is unknown in it gives the text that it holds.
    """
    if value is None or isinstance(value, str):
        return value
    return "\n".join(line.rstrip() for line in _lines(value, 0)).strip("\n")


def _lines(node: Json, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        raise ValueError("a description is nested too deeply")
    kind = node.get("type")
    if kind in _ITEMS:
        inner = _item(node, depth)
        yield from (f"{'- ' if first else '  '}{line}" for first, line in zip(_first(), inner, strict=False))
    elif kind in _LINES or _is_inline(node):
        yield from _words(node, depth).split("\n")
    elif kind == "tableRow":
        yield " | ".join(" ".join(_inner(cell, depth + 1)) for cell in _content(node))
    else:
        yield from _inner(node, depth)


def _item(node: Json, depth: int) -> Iterator[str]:
    if node.get("type") == "listItem":
        return _inner(node, depth)
    return iter(_words(node, depth).split("\n"))


def _inner(node: Json, depth: int) -> Iterator[str]:
    for part in _content(node):
        yield from _lines(part, depth + 1)


def _words(node: Json, depth: int) -> str:
    if depth > _DEEPEST:
        raise ValueError("a description is nested too deeply")
    kind = node.get("type")
    if kind == "hardBreak":
        return "\n"
    if _is_inline(node):
        shown = node.get("text") if kind == "text" else (node.get("attrs") or {}).get(_SHOWN.get(kind, ""))
        return shown if isinstance(shown, str) else ""
    return "".join(_words(part, depth + 1) for part in _content(node))


def _is_inline(node: Json) -> bool:
    kind = node.get("type")
    return kind in ("text", "hardBreak") or kind in _SHOWN


def _content(node: Json) -> list[Json]:
    found = node.get("content") or []
    return [part for part in found if isinstance(part, dict)] if isinstance(found, list) else []


def _first() -> Iterator[bool]:
    yield True
    while True:
        yield False
