"""
What the fields of a register are made of.

Nothing is converted silently: a day is ISO text, a time carries its offset from UTC, text is never blank.
A rule that spans two fields complains at the later one, so that the complaint points at the line to change.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from datetime import UTC, date, datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
)

from soc2ev.errors import ConfigError
from soc2ev.period import parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

_MAX_TEXT = 20_000
_MAX_PATH = 500
_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_ISO_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@#-]{0,99}")
_MAIL = re.compile(r"<([^<>]*)>|^(\S+@\S+)$")
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and marks that draw nothing, beside the format characters of category Cf (Unicode, Default_Ignorable)."""
_LOOKALIKE = ("LATIN", "CYRILLIC", "GREEK")
_CRITERION = re.compile(r"CC[1-9]\.[1-9]|A1\.[1-3]|C1\.[12]|PI1\.[1-5]|P[1-8]\.[0-9]")


class Strict(BaseModel):
    """A part of a register: unknown keys are refused, nothing is converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)

    @classmethod
    def model_json_schema(cls, *_args: Any, **_options: Any) -> dict[str, Any]:
        """
        The form's JSON Schema, made once.

        Suggestions for a misspelt key ask for it each time, and a hostile register misspells 100,000 keys.
        """
        return _json_schema(cls)


@functools.cache
def _json_schema(model: type[Strict]) -> dict[str, Any]:
    return super(Strict, model).model_json_schema()


class Attachment(str):
    """The path of a document that belongs to a register, relative to the register's file."""

    __slots__ = ()


def says(doc: str, *, column: str | None = None, **options: Any) -> Any:
    """A field with its meaning, which also documents its column; `column` renames it, empty means none."""
    return Field(description=doc, json_schema_extra=None if column is None else {"column": column}, **options)


def identifies(field: FieldInfo) -> bool:
    """Whether every entry has this field and is known by it, so that its column is never NULL."""
    return field.is_required() and any(getattr(one, "func", None) is _id for one in field.metadata)


def _number_as_text(value: Any) -> Any:
    """`2026`, an account number or a ticket number is text here, though it looks like a number to YAML."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _line(text: str) -> str:
    if not text.strip():
        raise ValueError("blank; leave the key out, or say something")
    if len(text) > _MAX_TEXT:
        raise ValueError(f"longer than {_MAX_TEXT} characters; attach a document instead")
    if any(unicodedata.category(char) in ("Cc", "Cs") and char not in "\n\t" for char in text):
        raise ValueError("control characters are not used here")
    return text.strip()


def _person(text: str) -> str:
    if any(unicodedata.category(char) == "Cf" or char in _INVISIBLE for char in text):
        raise ValueError("a name with characters that nobody can see; type it again")
    for word in re.findall(r"\w+", unicodedata.normalize("NFKC", text)):
        scripts = {unicodedata.name(char, "").partition(" ")[0] for char in word}.intersection(_LOOKALIKE)
        if len(scripts) > 1:
            mixed = " and ".join(sorted(script.capitalize() for script in scripts))
            raise ValueError(f"the word {word!r} mixes {mixed} letters, which look alike; type it again")
    return text


def same_person(name: str, other: str) -> bool:
    """
    Whether two names are one person's: the same name, or the same mail where both have one.

    Ignored are case, spaces, Unicode forms (NFKC) and, between names, a mail in angle brackets. Two names
    of different people that agree in this are one person here: nobody could tell them apart.
    """
    (one, one_mail), (two, two_mail) = _name_and_mail(name), _name_and_mail(other)
    return (one == two and bool(one)) or (one_mail == two_mail and bool(one_mail))


def _name_and_mail(text: str) -> tuple[str, str]:
    plain = " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).split())
    mails = [(bracketed or bare).strip() for bracketed, bare in _MAIL.findall(plain)]
    return " ".join(_MAIL.sub(" ", plain).split()), mails[0] if mails else ""


def _id(text: str) -> str:
    if not _ID.fullmatch(text):
        raise ValueError(
            "at most 100 letters, digits and . _ : / @ # - without spaces, beginning with a letter or digit"
        )
    return text


def _period(text: str) -> str:
    try:
        return parse(text, "UTC").name
    except ConfigError as problem:
        raise ValueError(f"{problem.message}; {problem.hint}") from None


def _criterion(text: str) -> str:
    if not _CRITERION.fullmatch(text):
        raise ValueError(f"{text!r} is no criterion such as CC7.2, A1.2, C1.1, PI1.3 or P4.2")
    return text


def _day(value: Any) -> date:
    if not isinstance(value, str) or not _ISO_DAY.fullmatch(value):
        raise ValueError("a day is written as 2026-10-31")
    try:
        return date.fromisoformat(value)
    except ValueError as problem:
        raise ValueError(f"{value} is no day: {problem}") from None


def _instant(value: Any) -> datetime:
    if not isinstance(value, str) or not _ISO_INSTANT.fullmatch(value):
        raise ValueError("a time is written with its offset from UTC: 2026-10-31T14:05:00+01:00, or Z for UTC")
    try:
        return datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError) as problem:
        raise ValueError(f"{value} is no time: {problem}") from None


def _attachment(text: str) -> Attachment:
    if "://" in text:
        raise ValueError("an address cannot be kept as evidence: put the document beside the register")
    if text.startswith(("/", "~")) or "\\" in text or re.match(r"[A-Za-z]:", text):
        raise ValueError("a path relative to this file, with / between its parts")
    if len(text) > _MAX_PATH or not text.isprintable() or PurePosixPath(text).name in ("", ".", ".."):
        raise ValueError(f"the path of a file, printable and of at most {_MAX_PATH} characters")
    return Attachment(text)


Text = Annotated[str, BeforeValidator(_number_as_text), AfterValidator(_line)]
"""Text that says something."""
PersonName = Annotated[Text, AfterValidator(_person)]
"""The name of a person or team that is compared with others: no invisible characters, no look-alike letters."""
Reason = Annotated[Text | None, AfterValidator(lambda text: text or "")]
"""Text that is empty when it was left out, so that a reason that nobody gave is told from one that is not known."""
Id = Annotated[Text, AfterValidator(_id)]
PeriodName = Annotated[Text, AfterValidator(_period)]
Criterion = Annotated[Text, AfterValidator(_criterion)]
Day = Annotated[date, BeforeValidator(_day)]
Instant = Annotated[datetime, BeforeValidator(_instant)]
DocumentPath = Annotated[Text, AfterValidator(_attachment)]
Count = Annotated[int, Field(ge=0)]


def within_a_year(value: date, info: ValidationInfo) -> date:
    """An acceptance ends after it was approved, and at most twelve months later: then it is decided anew."""
    approved = info.data.get("approved_on")
    if isinstance(approved, date):
        if value <= approved:
            raise ValueError("expires before it was approved")
        if value > _year_after(approved):
            raise ValueError(f"at most twelve months after approved_on, so {_year_after(approved)} at the latest")
    return value


def _year_after(day: date) -> date:
    if day.year == date.max.year:
        return date.max
    return day.replace(year=day.year + 1, day=28 if (day.month, day.day) == (2, 29) else day.day)


def unique(*names: str) -> AfterValidator:
    """For a list of entries: no two may agree in these fields (ignoring case)."""

    def check(entries: list[Strict]) -> list[Strict]:
        seen: set[tuple[str, ...]] = set()
        for entry in entries:
            key = tuple(str(getattr(entry, name)).casefold() for name in names)
            if key in seen:
                raise ValueError(f"{' '.join(key)!r} stands here twice")
            seen.add(key)
        return entries

    return AfterValidator(check)


def _some(entries: list[Any], info: ValidationInfo) -> list[Any]:
    if not entries and info.data.get("status", "draft") != "draft":
        raise ValueError("empty; only a draft may be")
    return entries


some = AfterValidator(_some)
"""For a list that says nothing when it is empty, so that only a draft may leave it so."""


def attachments(part: Any) -> Iterator[Attachment]:
    """Every attached document that a record names, wherever it names it, in the order of the form."""
    if isinstance(part, Attachment):
        yield part
    elif isinstance(part, BaseModel):
        for _, value in part:
            yield from attachments(value)
    elif isinstance(part, list):
        for value in part:
            yield from attachments(value)


Expiry = Annotated[Day, AfterValidator(within_a_year)]
