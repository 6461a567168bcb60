"""What the errors beside the data of an answer mean for the question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from soc2ev.errors import AccessError, CollectError
from soc2ev.sources.github import fragments

if TYPE_CHECKING:
    from soc2ev.fetch import GraphAnswer


class DeniedError(AccessError):
    """GitHub refuses part of a question; `parts` are the optional ones among them, which can be left out."""

    def __init__(self, message: str, parts: frozenset[str]) -> None:
        super().__init__(message, hint="give the token the permission that the answer names; what arrived is stored")
        self.parts = parts


class AbsentError(CollectError):
    """GitHub knows nothing of these; `fields` are the first steps of the paths."""

    def __init__(self, message: str, fields: frozenset[str]) -> None:
        super().__init__(message, hint="it does not exist, or the token may not see it")
        self.fields = fields


class PartialError(CollectError):
    """Some of the answer failed, and nothing of it counts: it can be asked again in smaller pieces."""


class FlawedError(CollectError):
    """Some of the answer failed, within things that count otherwise: what is missing in them is not known."""


def refuse(answer: GraphAnswer, stream: str, role: str | None) -> None:
    """
    Raise what the errors of an answer amount to; nothing when it can be used as it is.

    What is asked for along with something else is asked for apart where it cannot be had.
    """
    errors = [error for error in answer.errors if not _is_beside(error.path, role)]
    if not errors or (role == "names" and all(error.denied or error.absent for error in errors)):
        return
    said = f"{stream}: GitHub answered: {errors[0].message[:200]}"
    denied = [error for error in errors if error.denied]
    # A push whose account is gone cannot be told: https://docs.github.com/graphql/reference/objects#push
    rest = [error for error in errors if not error.denied and "push" not in error.path]
    if denied:
        parts = refused(answer)
        if None in parts or role == "probe":
            told = frozenset(part for part in parts if part is not None)
            raise DeniedError(f"{stream}: GitHub answered: {denied[0].message[:200]}", told)
    if rest and all(error.absent for error in rest):
        raise AbsentError(said, frozenset(str(error.path[0]) for error in rest if error.path))
    if rest:
        # Counted rows are evidence of what they say; asked again they would stand twice.
        raise (PartialError if answer.item.count is None else FlawedError)(said, hint="run again")


def refused(answer: GraphAnswer) -> frozenset[str | None]:
    """The optional parts that an answer refuses; None among them when it refuses what is not optional."""
    return frozenset(optional(error.path) for error in answer.errors if error.denied)


def optional(path: Sequence[str | int]) -> str | None:
    """The optional part that the path of an error leads into: the deepest one, which asks for more."""
    found = [fragments.REFUSABLE[step] for step in path if isinstance(step, str) and step in fragments.REFUSABLE]
    return found[-1] if found else None


def _is_beside(path: Sequence[str | int], role: str | None) -> bool:
    """Whether the error is in what was asked for along with the rest, of which whoever reads it takes care."""
    return role == "opening" or (role == "heads" and len(path) >= _DEEP and path[1] not in _OF_HEADS)


def lacks(answer: GraphAnswer, *fields: str) -> bool:
    """Whether one of these fields of a repository did not come whole; an error that leads nowhere may be in any."""
    home = answer.data.get("repository")
    if not isinstance(home, dict) or any(home.get(field) is None for field in fields):
        return True
    return fails(answer, *fields)


def fails(answer: GraphAnswer, *fields: str) -> bool:
    """Whether an error leads to one of these fields of a repository, which may be null without one, or nowhere."""
    return any(len(error.path) < _DEEP or error.path[1] in fields for error in answer.errors)


_DEEP = 2
_OF_HEADS = ("ref", "start", "end")
