"""Counting rows of what was stored: a count that fails never costs the body."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from soc2ev.errors import CollectError, Soc2evError
from soc2ev.fetch.local import printable

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def counted(count: Callable[[T], int] | None, what: T) -> tuple[int | None, str]:
    """The rows that `count` finds, or why it finds none: the body is stored in either case."""
    if count is None:
        return None, ""
    try:
        return count(what), ""
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        RecursionError,
        Soc2evError,
        TypeError,
        ValueError,
    ) as problem:
        return None, str(problem) or type(problem).__name__


def refuse_uncounted(what: str, failure: str) -> None:
    """CollectError when counting failed."""
    if failure:
        raise CollectError(f"{what} cannot be counted: {printable(failure)[:300]}", hint="it is stored")
