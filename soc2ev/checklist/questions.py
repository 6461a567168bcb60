"""
The questions of the checklists, in YAML: what is asked, what answers it, and which evidence would answer it if
nothing does yet.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from soc2ev import yamlfile
from soc2ev.errors import ConfigError, ControlError

_FOLDER = Path(__file__).parent / "questions"
_ORDER = (
    "change-management",
    "api-logging",
    "cc6.1",
    "cc6.2",
    "cc6.3",
    "cc7.2",
    "cc7.3",
    "cc8.1",
    "monitoring",
    "warning-signs",
)
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Reference:
    """A finding that answers a question: all of it, or some attributes of some items."""

    control: str
    attributes: tuple[str, ...]
    """Letters; empty means all."""
    items: tuple[str, ...]
    """Patterns of item ids; empty means all."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question of one checklist."""

    id: str
    checklist: str
    question: str
    criteria: tuple[str, ...]
    answered_by: tuple[Reference, ...]
    sign_off: bool
    """Whether a person's dated sign-off answers it: only where no machine can know."""
    would_answer: str
    """The evidence that would answer it."""
    warning: str
    """For a warning sign: the words in which it is raised when the answer is no or partly; otherwise empty."""


@dataclass(frozen=True, slots=True)
class Checklist:
    """A named list of questions."""

    name: str
    title: str
    questions: tuple[Question, ...]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Reference(_Strict):
    control: str
    attributes: list[str] = []
    items: list[str] = []


class _Question(_Strict):
    id: str
    question: str = Field(min_length=1)
    criteria: list[str] = Field(min_length=1)
    answered_by: list[_Reference] = []
    sign_off: bool = False
    would_answer: str = Field(min_length=1)
    warning: str = ""


class _File(_Strict):
    checklist: str
    title: str
    questions: list[_Question] = Field(min_length=1)


@lru_cache(maxsize=1)
def builtin() -> tuple[Checklist, ...]:
    """The checklists that soc2ev ships, in the order in which people read them."""
    read_in = [read(path) for path in _FOLDER.glob("*.yaml")]
    return tuple(sorted(read_in, key=lambda one: _ORDER.index(one.name) if one.name in _ORDER else len(_ORDER)))


def read(path: Path) -> Checklist:
    """The checklist in that file; ControlError with file:line:column when it is not complete."""
    document = yamlfile.read(path, path.name)
    try:
        form = document.validate(_File)
    except ConfigError as problem:
        raise ControlError(problem.message) from None
    for at, entry in enumerate(form.questions):
        if not _ID.fullmatch(entry.id):
            raise ControlError(f"{document.place(('questions', at, 'id'))}: an id is lower-case words with dashes")
    return Checklist(form.checklist, form.title, tuple(_question(form.checklist, entry) for entry in form.questions))


def _question(checklist: str, form: _Question) -> Question:
    return Question(
        id=form.id,
        checklist=checklist,
        question=form.question,
        criteria=tuple(form.criteria),
        answered_by=tuple(
            Reference(entry.control, tuple(entry.attributes), tuple(entry.items)) for entry in form.answered_by
        ),
        sign_off=form.sign_off,
        would_answer=form.would_answer,
        warning=form.warning,
    )
