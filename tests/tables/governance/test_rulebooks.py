"""On how many days rules are proven: by the date of their last change, by equal readings, and never by guesses."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any, cast

import pytest

from soc2ev.period import Period, parse
from soc2ev.tables import rule_readings
from soc2ev.tables.governance import rulebooks
from soc2ev.vault import Vault
from tests.tables.governance.made import OCTOBER, Readings, at, protection, ruleset, table

YEAR_AGO = "2025-10-01T00:00:00Z"
NONE: dict[str, Any] = {"_role": "branch", "protected": False}
REFS = {"github_heads": [{"repository": "acme/api", "ref": "main"}]}
AFTER, BEFORE = at(3, month=11), at(28, month=9)


def proven(vault: Readings, period: Period = OCTOBER, zone: str = "UTC", wanted: int = 1) -> dict[str, Any]:
    """The row of acme/api:main."""
    real = cast("Vault", vault)
    rows = table(
        "rule_days",
        REFS,
        lambda engine: rulebooks.derive(engine, rule_readings.read(real, vault.claims, period), period, zone, wanted),
    )
    assert ["acme/api:main"] == list(rows)
    return rows["acme/api:main"]


def read(*readings: tuple[datetime, dict[str, Any]], **more: Any) -> Readings:
    """A vault with those readings."""
    vault = Readings()
    for when, body in readings:
        vault.add(when, body, **more)
    return vault


def days(row: dict[str, Any]) -> tuple[int, int, int, date | None]:
    """Days, those proven, those proven only between, and the first gap."""
    return row["days"], row["days_proven"], row["days_between"], row["first_gap"]


def test_a_ruleset_that_was_not_changed_since_proves_every_day() -> None:
    """One reading after the period is enough."""
    row = proven(read((AFTER, ruleset(YEAR_AGO))))
    assert (31, 31, 0, None) == days(row)
    assert (True, False, [], True) == tuple(
        row[name] for name in ("required", "shown_less", "always_bypass", "admins_included")
    )
    assert (1, ["test"], True, AFTER) == tuple(
        row[name] for name in ("approvals", "checks", "no_force_push", "read_at")
    )


def test_a_ruleset_proves_days_after_its_change_only() -> None:
    """The day of the change is not proven either; nor is a day whose change nobody dated."""
    assert (31, 21, 0, date(2026, 10, 1)) == days(proven(read((AFTER, ruleset("2026-10-10T15:00:00Z")))))
    assert (31, 0, 0, date(2026, 10, 1)) == days(proven(read((AFTER, ruleset("2026-10-10T15:00:00")))))


def test_a_reading_within_the_period_proves_its_own_day_and_no_later_one() -> None:
    """What is read on the twelfth says nothing about the thirteenth."""
    row = proven(read((at(12), ruleset(YEAR_AGO))))
    assert (31, 12, 0, date(2026, 10, 13)) == days(row)
    assert (at(12), True) == (row["read_at"], row["required"])


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [("2026-09-01", "2026-10-10", (31, 31, 0, None)), ("2026-10-03", "2026-10-10", (31, 29, 0, date(2026, 10, 1)))],
)
def test_a_version_of_its_history_proves_days_before_its_change(
    since: str, until: str, expected: tuple[int, int, int, date | None]
) -> None:
    """Whole days on which it was in force."""
    state = {**ruleset("-"), "conditions": {"ref_name": {"include": ["refs/heads/main"], "exclude": []}}}
    version = {"_role": "ruleset version", "version_id": 3, "updated_at": f"{since}T00:00:00Z", "state": state}
    vault, when = Readings(), f"{until}T00:00:00Z"
    vault.add(AFTER, ruleset(when), {**version, "_request": {"ruleset": 5, "until": when}})
    assert expected == days(proven(vault))


def test_classic_protection_needs_readings_on_both_sides() -> None:
    """It does not tell when it was changed: alone it proves the day of the reading."""
    assert (31, 0, 0, date(2026, 10, 1)) == days(proven(read((AFTER, protection()))))
    assert (31, 1, 0, date(2026, 10, 1)) == days(proven(read((at(12), protection()))))
    assert (31, 31, 31, None) == days(proven(read((BEFORE, protection()), (AFTER, protection()))))


@pytest.mark.parametrize("middle", [protection(2), ruleset(YEAR_AGO, 0, _bound=True)])
def test_another_reading_between_breaks_the_proof(middle: dict[str, Any]) -> None:
    """Protection that was different, or gone, in between was changed at a time that nobody knows."""
    row = proven(read((BEFORE, protection()), (at(12), middle), (AFTER, protection())))
    assert row["days_proven"] == (1 if middle["_role"] == "protection" else 0)


def test_a_reading_that_shows_less_deviates_and_breaks_its_day() -> None:
    """The ruleset had been switched off on the twelfth, and is back with a later date."""
    row = proven(read((at(12), NONE), (AFTER, ruleset("2026-10-13T08:00:00Z"))))
    assert (31, 18, 0, date(2026, 10, 1)) == days(row)
    assert (True, at(12)) == (row["shown_less"], row["shown_less_at"])


def test_what_was_not_read_whole_accuses_nobody() -> None:
    """A token that may not see protection shows no rules; that is no reading of less."""
    row = proven(read((at(12), NONE), (AFTER, NONE), whole=False))
    assert (False, None, None) == (row["shown_less"], row["required"], row["always_bypass"])
    assert "Not all of them could be read" in row["required_reason"]
    row = proven(read((at(12), NONE), (AFTER, NONE)))
    assert (True, False) == (row["shown_less"], row["required"])


def test_a_reading_in_part_still_proves_what_it_shows() -> None:
    """More rules could only ask for more; who may pass them stays unknown."""
    row = proven(read((AFTER, ruleset(YEAR_AGO)), whole=False))
    assert (31, 31, 0, None) == days(row)
    assert (True, None, None) == (row["required"], row["always_bypass"], row["admins_included"])


def test_several_rules_ask_together() -> None:
    """Approvals of a ruleset and the rest of protection add up; neither alone is enough."""
    vault = Readings()
    part = ruleset(YEAR_AGO, 2) | {"rules": ruleset(YEAR_AGO, 2)["rules"][:1]}
    rest = protection(0) | {"_bound": True}
    del rest["required_pull_request_reviews"]
    vault.add(AFTER, part, rest)
    assert (True, 2) == (proven(vault, wanted=2)["required"], proven(vault)["approvals"])
    assert (False, "The rules lack approvals.") == (
        proven(vault, wanted=3)["required"],
        proven(vault, wanted=3)["required_reason"],
    )
    assert 0 == proven(vault)["days_proven"]


@pytest.mark.parametrize(
    ("body", "people", "admins"),
    [
        (
            ruleset(YEAR_AGO, bypass_actors=[{"actor_type": "User", "actor_id": 7, "bypass_mode": "always"}]),
            ["User:7"],
            True,
        ),
        (
            ruleset(YEAR_AGO, bypass_actors=[{"actor_type": "User", "actor_id": 7, "bypass_mode": "pull_request"}]),
            [],
            True,
        ),
        (ruleset(YEAR_AGO, bypass_actors=[{"actor_type": "Team", "actor_id": 7, "bypass_mode": "always"}]), [], True),
        (
            ruleset(
                YEAR_AGO, bypass_actors=[{"actor_type": "OrganizationAdmin", "actor_id": 1, "bypass_mode": "always"}]
            ),
            [],
            False,
        ),
        (ruleset(YEAR_AGO, bypass_actors=None), None, None),
        (protection(users=[9]), ["User:9"], True),
        (protection(admins=False), [], False),
        (NONE, None, None),
    ],
)
def test_who_may_pass(body: dict[str, Any], people: list[str] | None, admins: bool | None) -> None:
    """People by number; not visible is not nobody, and without rules there is nothing to pass."""
    row = proven(read((AFTER, body)))
    assert (people, admins) == (row["always_bypass"], row["admins_included"])


def test_days_are_those_of_the_calendar() -> None:
    """The ruleset was changed at 23:30 UTC of the last of September, when Berlin already wrote October."""
    vault = read((AFTER, ruleset("2026-09-30T23:30:00Z")))
    assert (31, 31, 0, None) == days(proven(vault))
    assert (31, 30, 0, date(2026, 10, 1)) == days(proven(vault, parse("2026-10", "Europe/Berlin"), "Europe/Berlin"))


UNREADABLE = [
    ruleset(YEAR_AGO) | {"_raw": b"no JSON"},
    ruleset(YEAR_AGO) | {"_count": 2},
    ruleset(YEAR_AGO) | {"rules": None},
]


@pytest.mark.parametrize("body", UNREADABLE)
def test_a_body_that_does_not_add_up_is_no_whole_reading(body: dict[str, Any]) -> None:
    """It never shows that there was less, and never who may not pass."""
    vault = read((AFTER, ruleset(YEAR_AGO)))
    vault.add(AFTER.replace(hour=13), NONE)
    assert 31 == proven(vault)["days_proven"]
    row = proven(read((at(12), body)))
    assert (False, None) == (row["shown_less"], row["always_bypass"])


def test_only_the_readings_that_count_are_opened() -> None:
    """Those within, and the nearest before and after, whole ones and others; the others' bodies may be elsewhere."""
    vault = Readings()
    runs = [
        vault.add(when, protection(), whole=whole)
        for when, whole in [
            (at(1, month=7), True),
            (at(1, month=8), True),
            (at(1, month=9), False),
            (at(5), True),
            (at(2, month=11), False),
            (at(3, month=11), True),
            (at(4, month=11), True),
        ]
    ]
    real = cast("Vault", vault)
    seen: set[tuple[str, str]] = set()
    table(
        "rule_days",
        REFS,
        lambda engine: seen.update(
            rulebooks.derive(engine, rule_readings.read(real, vault.claims, OCTOBER), OCTOBER, "UTC", 1)
        ),
    )
    assert set(runs[1:6]) == {run for run, _ in seen}
    assert 5 == len(vault.read_so_far)


def test_a_ref_that_nobody_read_has_a_row_that_says_so() -> None:
    """The row is there, and nothing in it is known."""
    row = proven(Readings())
    assert (31, 0, 0, date(2026, 10, 1)) == days(row)
    assert (None, None, False, []) == tuple(row[name] for name in ("required", "read_at", "shown_less", "evidence"))


OFF, ON = "2026-10-12T00:00:00Z", "2026-10-19T00:00:00Z"
CONDITIONS = {"ref_name": {"include": ["refs/heads/main"], "exclude": []}}


def version(since: str, until: str, *, number: int = 5, enforcement: str = "active", **more: Any) -> dict[str, Any]:
    """GitHub's answer about an earlier version of a ruleset."""
    state = {**ruleset("-", **more), "enforcement": enforcement, "conditions": CONDITIONS}
    body = {"_role": "ruleset version", "version_id": 3, "updated_at": since, "state": state}
    return {**body, "_request": {"ruleset": number, "until": until}}


def listed(**of: Any) -> dict[str, Any]:
    """GitHub's list of rulesets, with this one."""
    row = {"id": 5, "name": "main", "target": "branch", "source_type": "Repository", "enforcement": "active"}
    return {"_role": "rulesets", "_raw": json.dumps([{**row, "created_at": YEAR_AGO, "updated_at": ON, **of}]).encode()}


@pytest.mark.parametrize(
    ("bodies", "instant"),
    [
        # Switched off for a week, and on again.
        ((ruleset(ON), version(YEAR_AGO, OFF), version(OFF, ON, enforcement="disabled")), at(12, 0)),
        # One approval less for a week.
        ((ruleset(ON), version(YEAR_AGO, OFF), version(OFF, ON, approvals=0)), at(12, 0)),
        # Tried out first, and in force from then on: what bound the branch before may be gone.
        ((ruleset(ON), version(YEAR_AGO, OFF, enforcement="evaluate"), version(OFF, ON, enforcement="evaluate")), None),
        # Another one asked for the same in that week.
        (
            (
                *(ruleset(ON), version(YEAR_AGO, OFF), version(OFF, ON, enforcement="disabled")),
                ruleset(YEAR_AGO, number=6),
            ),
            None,
        ),
        # What another one was in that week is not known.
        (
            (
                *(ruleset(ON), version(YEAR_AGO, OFF), version(OFF, ON, enforcement="disabled")),
                ruleset(ON, number=6),
            ),
            None,
        ),
        # Classic protection stood beside it, and does not tell since when.
        ((ruleset(ON), version(YEAR_AGO, OFF), version(OFF, ON, enforcement="disabled"), protection()), None),
        # Its history cannot be read.
        ((ruleset(ON),), None),
        # Switched off, and still so.
        ((NONE, listed(enforcement="disabled", updated_at=OFF), version(YEAR_AGO, OFF)), at(12, 0)),
    ],
    ids=["off and on", "fewer", "tried out", "another", "another unknown", "protection", "no history", "still off"],
)
def test_the_history_of_a_ruleset_shows_that_it_was_switched_off(
    bodies: tuple[dict[str, Any], ...], instant: datetime | None
) -> None:
    """Only where all that bound the branch then is known, and where it had met the needs before."""
    vault = Readings()
    vault.add(AFTER, *bodies)
    row = proven(vault)
    assert (instant is not None, instant) == (row["shown_less"], row["shown_less_at"])


@pytest.mark.parametrize(
    ("middle", "expected"),
    [
        ({}, (31, 31, 0, None)),
        ({"approvals": 0}, (31, 23, 0, date(2026, 10, 12))),
        ({"enforcement": "disabled"}, (31, 23, 0, date(2026, 10, 12))),
    ],
)
def test_versions_that_follow_each_other_prove_the_day_of_the_change(
    middle: dict[str, Any], expected: tuple[int, int, int, date | None]
) -> None:
    """A change from one sufficient version to another at noon leaves no gap."""
    noon, other = "2026-10-12T12:00:00Z", "2026-10-19T12:00:00Z"
    vault = Readings()
    vault.add(AFTER, ruleset(other), version(YEAR_AGO, noon), version(noon, other, **middle))
    assert expected == days(proven(vault))
