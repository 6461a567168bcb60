"""Registers of people and their decisions: who has which accounts, what was accepted, what was confirmed."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from soc2ev.sources.registers.fields import (
    Day,
    Expiry,
    Id,
    Instant,
    PeriodName,
    PersonName,
    Strict,
    Text,
    says,
    some,
    unique,
)
from soc2ev.sources.registers.header import Register


class GithubAccount(Strict):
    """A GitHub account; its number never changes, its login can."""

    login: Text = says("login as it is now")
    id: int = says("the account's number", ge=1)


Email = Annotated[Text, Field(pattern=r"^[^@\s]+@[^@\s]+$")]


class Person(Strict):
    """One person (or machine) and all accounts of that person."""

    name: PersonName = says("name", column="person")
    machine: bool = says("whether it is a machine: a machine never counts as an approver", default=False)
    github: list[GithubAccount] = says("GitHub accounts", column="", default=[])
    jira: list[Text] = says("Jira account ids", column="", default=[])
    emails: list[Email] = says("addresses, as in commits", column="", default=[])
    employed_until: Day | None = says("last day of work; left out while it is not known", default=None)

    def accounts(self) -> list[tuple[str, str, str | None]]:
        """(system, account, login or None): a GitHub account by its number, an address in lower case."""
        found: list[tuple[str, str, str | None]] = [("github", str(one.id), one.login) for one in self.github]
        found += [("jira", account, None) for account in self.jira]
        return found + [("email", address.lower(), None) for address in self.emails]


class People(Register):
    """Who is who: the accounts of each person, so that two accounts of one person are not two people."""

    kind: Literal["people"]
    tables: ClassVar[dict[str, str]] = {"people": "people"}
    people: Annotated[list[Person], unique("name"), some] = says("one entry for each person or machine")

    @field_validator("people")
    @classmethod
    def _one_owner(cls, people: list[Person]) -> list[Person]:
        owners: dict[tuple[str, str], str] = {}
        for person in people:
            for system, account, _ in person.accounts():
                owner = owners.setdefault((system, account), person.name)
                if owner != person.name:
                    raise ValueError(f"the {system} account {account!r} belongs to {owner!r} and to {person.name!r}")
        return people


class Waiver(Register):
    """An approved, dated, expiring acceptance of deviations. It never removes them."""

    table: ClassVar[str | None] = "waivers"
    kind: Literal["waiver"]
    control: Id = says("the control")
    items: list[Text] = says("items; * matches any run of characters", min_length=1)
    attributes: list[Annotated[Text, Field(pattern=r"^[A-Z]$")]] = says("letters; empty means all of them", default=[])
    reason: Text = says("why the deviations are accepted")
    approver: PersonName = says("who accepted them")
    approved_on: Day = says("day of the acceptance")
    expires_on: Expiry = says("last day of the acceptance, at most twelve months later")


class SignOff(Register):
    """A named person's dated confirmation of a finding or an answer."""

    table: ClassVar[str | None] = "sign_offs"
    kind: Literal["sign_off"]
    period: PeriodName = says("the period that is confirmed")
    control: Id | None = says("the control that is confirmed", default=None)
    question: Id | None = says("or the question of the checklist", default=None, validate_default=True)
    item: Text | None = says("one item of the control; left out when it is about all", default=None)
    person: PersonName = says("who confirms")
    role: Text = says("in which role")
    at: Instant = says("when", column="signed_at")
    disposition: Literal["confirmed", "explained", "false_flag"] | None = says(
        "what a deviation turned out to be", default=None
    )
    note: Text | None = says("explanation", default=None, validate_default=True)

    @field_validator("question")
    @classmethod
    def _one_subject(cls, value: str | None, info: ValidationInfo) -> str | None:
        if "control" in info.data and (info.data["control"] is None) == (value is None):
            raise ValueError("give exactly one of control, question")
        return value

    @field_validator("note")
    @classmethod
    def _explained(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None and info.data.get("disposition") in ("explained", "false_flag"):
            raise ValueError(f"{info.data['disposition']!r} needs a note that says why")
        return value
