"""What every register says about itself: who keeps it, who wrote it, who reviewed it, how far it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import ValidationInfo, field_validator

from soc2ev.sources.registers.fields import (
    Criterion,
    Day,
    DocumentPath,
    Id,
    PeriodName,
    PersonName,
    Strict,
    Text,
    same_person,
    says,
)

if TYPE_CHECKING:
    from datetime import date


class Register(Strict):
    """
    The header that all kinds share.

    A draft may lack people and entries; any other status names who owns and who prepared it, and `approved`
    also who reviewed it and when, which is somebody else.
    """

    table: ClassVar[str | None] = None
    """The table of the fields that a record has once; None when it has lists only."""
    tables: ClassVar[dict[str, str]] = {}
    """List field -> the table that its entries go to."""

    id: Id = says("a name for this record that no other record has")
    kind: str = says("which kind of register this is")
    schema_: Literal[1] = says("version of this form, 1", alias="schema")
    title: Text | None = says("a title for people", default=None)
    owner: PersonName | None = says("who keeps it current", default=None)
    period: PeriodName | None = says("the period that it is about, such as 2026-10 or 2026-Q4", default=None)
    criteria: list[Criterion] = says("related criteria, such as CC7.2", default=[])
    prepared_by: PersonName | None = says("who wrote it", default=None)
    reviewed_by: PersonName | None = says("who reviewed it: somebody other than the one who wrote it", default=None)
    reviewed_on: Day | None = says("day of that review", default=None)
    valid_until: Day | None = says("last day on which it holds; left out when it does not expire", default=None)
    status: Literal["draft", "in review", "approved", "retired"] = says("draft, in review, approved or retired")
    evidence: list[DocumentPath] = says("attached documents, as paths relative to this file", default=[])
    tickets: list[Text] = says("related tickets", default=[])

    @field_validator("reviewed_by")
    @classmethod
    def _somebody_else(cls, value: str | None, info: ValidationInfo) -> str | None:
        author = info.data.get("prepared_by")
        if value and author and same_person(value, author):
            raise ValueError("the same person as prepared_by; somebody else has to")
        return value

    @field_validator("valid_until")
    @classmethod
    def _ends_after_review(cls, value: date | None, info: ValidationInfo) -> date | None:
        reviewed = info.data.get("reviewed_on")
        if value and reviewed and value < reviewed:
            raise ValueError("it ended before it was reviewed")
        return value

    @field_validator("status")
    @classmethod
    def _people_known(cls, value: str, info: ValidationInfo) -> str:
        needed = {"draft": (), "approved": ("owner", "prepared_by", "reviewed_by", "reviewed_on")}
        # A field that has a complaint of its own is absent from info.data, and one complaint is enough.
        names = needed.get(value, ("owner", "prepared_by"))
        missing = [name for name in names if name in info.data and info.data[name] is None]
        if missing:
            raise ValueError(f"{value!r} needs {', '.join(missing)}")
        return value
