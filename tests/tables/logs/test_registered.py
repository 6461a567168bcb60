"""Decisions about readers, exceptions and samples beside what the platforms show."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from tests.tables.logs.collected import READ_AT, listed, source, tables


def gone(readers: list[dict[str, Any]], decision: str = "remove", *, who: str = "eve", **facts: Any) -> bool | None:
    """Whether the decision about Eve was carried out, by the list of readers."""
    review = {"file": "r.yaml", "record": "r", "status": "approved", "system": "loki:prod"}
    rows = {
        "collected_log_sources": [source(**facts)],
        "collected_log_readers": [{"source_key": "loki:prod", "can_read": True, **row} for row in readers],
        "registers": [{"file": "r.yaml", "record": "r", "reviewed_on": date(2026, 10, 9)}],
        "register_access_reviews": [review],
        "register_access_decisions": [
            {"file": "r.yaml", "record": "r", "status": "approved", "principal": who, "decision": decision}
        ],
    }
    (row,) = tables(rows)["log_removals"]
    return row["gone"]


def test_a_removal_is_proven_by_a_later_list_that_lacks_the_person() -> None:
    """Somebody else on the list shows that it is a list; letter case makes no other person."""
    assert gone([{"principal": "ann"}]) is True
    assert gone([{"principal": "Eve"}]) is False


def test_a_list_that_shows_nothing_proves_nothing() -> None:
    """An empty list, one that was not obtained whole, or one from before the review closes no decision."""
    assert gone([]) is None
    assert gone([{"principal": "ann"}], unknown=["readers"]) is None
    assert gone([{"principal": "ann"}], observed_at=datetime(2026, 10, 9, tzinfo=UTC)) is None
    assert gone([{"principal": "eve"}], decision="reduce") is None


def exception(**told: Any) -> dict[str, Any]:
    """The row of an exception from 365 days of a source that keeps 90, with an archive of 400 days."""
    row = {"file": "e.yaml", "record": "e", "status": "approved", "applies_to": "loki:prod", "field": "retention_days"}
    given = {"required": "365", "actual": "90", "compensating": ["s3:archive"], **row, **told}
    rows = {
        "collected_log_sources": [
            source(retention_days=90),
            source("s3:archive"),
            source("s3:short", retention_days=9),
        ],
        "register_log_sources": [listed()],
        "register_exceptions": [given],
    }
    (made,) = tables(rows)["log_exceptions"]
    return made


@pytest.mark.parametrize(("actual", "fresh"), [("90", True), ("30", False), (None, None)])
def test_an_exception_is_stale_when_the_platform_shows_something_else(actual: str | None, fresh: bool | None) -> None:
    """What it states as actual is compared with what was collected."""
    assert fresh is exception(actual=actual)["fresh"]


@pytest.mark.parametrize(
    ("named", "held"),
    [(["s3:archive"], True), (["s3:archive", "s3:short"], False), (["s3:unknown"], None), ([], None)],
)
def test_what_makes_up_for_it_has_to_keep_as_long(named: list[str], held: bool | None) -> None:
    """Every named source logs and keeps as long as required; one that nobody knows is not known."""
    assert held is exception(compensating=named)["compensated"]


def test_an_event_is_logged_by_a_source_that_is_on_or_by_a_sample() -> None:
    """A source that is off logs nothing; an event that nothing shows is not known, never missing."""

    def logged(*, enabled: bool, event: str) -> bool | None:
        rows = {"collected_log_sources": [source(enabled=enabled)]}
        events = [{"source_key": "loki:prod", "event": "auth.failure"}]
        found = tables(rows | {"collected_log_events": events})["logged_events"]
        return next(row["logged"] for row in found if row["event"] == event)

    assert logged(enabled=True, event="auth.failure") is True
    assert logged(enabled=False, event="auth.failure") is False
    assert logged(enabled=True, event="data.export") is None


def sample(rows: dict[str, Any], **file: Any) -> dict[str, Any]:
    """What is said of one sample."""
    given = {"source": "api", "file": "a.jsonl", "lines": 100, "whole": True, "future": 0, "correlation_share": 0.98}
    given |= {"first_at": READ_AT, "last_at": READ_AT}
    made = tables({"log_contents": [given | {"skew_p50": 1.0, "skew_p99": 4.0} | file], **rows})
    (row,) = made["log_samples"]
    return row


def test_a_sample_tells_of_leaks_ids_clocks_and_gaps() -> None:
    """Each finding turns its own fact, and nothing else."""
    names = ("clean", "correlated", "clocks", "continuous")
    addresses = sample({"log_leaks": [{"source": "api", "kind": "email"}]})
    assert (True, False) == (addresses["clean"], addresses["impersonal"])
    assert [None] * 4 == [sample({}, whole=False)[name] for name in names]
    assert [True] * 4 == [sample({})[name] for name in names]
    assert [False, True, True, True] == [sample({"log_leaks": [{"source": "api", "kind": "token"}]})[n] for n in names]
    assert [True, False, False, True] == [sample({}, correlation_share=0.1, future=3)[name] for name in names]
    assert [True, True, True, False] == [sample({"log_gaps": [{"source": "api"}]})[name] for name in names]
    assert [None] * 4 == [sample({}, lines=0, skew_p50=None, correlation_share=None)[name] for name in names]
    events = {"log_content_events": [{"source": "api", "event": "token.created", "count": 3}]}
    made = tables(events)["logged_events"]
    assert [("token.created", True, 3)] == [(r["event"], r["logged"], r["observed"]) for r in made if r["logged"]]


@pytest.mark.parametrize("name", ["arn:aws:iam::1:user/Eve", "eve@example.com", "Eve Stone", "\uff25\uff36\uff25"])
def test_a_name_that_may_be_the_same_person_proves_no_removal(name: str) -> None:
    """Registers and platforms write names differently; a word within a word is another person."""
    assert gone([{"principal": name}]) is not True
    assert gone([{"principal": name, "can_read": False}, {"principal": "ann"}]) is True
    assert gone([{"principal": "steve"}]) is True


def test_a_sample_of_another_time_shows_nothing_good_of_the_period() -> None:
    """What is wrong in it is wrong; that nothing is says nothing of October."""
    names = ("clean", "correlated", "clocks", "continuous")
    old = {"first_at": datetime(2024, 3, 1, tzinfo=UTC), "last_at": datetime(2024, 3, 9, tzinfo=UTC)}
    assert [None] * 4 == [sample({}, **old)[name] for name in names]
    assert sample({"log_leaks": [{"source": "api", "kind": "token"}]}, **old)["clean"] is False


def test_lines_that_no_format_fits_carry_nothing() -> None:
    """Of a hundred lines half could be read: nine in ten of these are not nine in ten of all."""
    shares = {f"{name}_share": 1.0 for name in ("who", "what", "when", "where")}
    assert (True, True) == (sample({}, **shares)["correlated"], sample({}, **shares)["context"])
    half = sample({}, unparsed=60, **shares)
    assert (False, False) == (half["correlated"], half["context"])


def test_a_file_that_is_no_text_accuses_nobody() -> None:
    """Its lines are lines by chance: neither clean nor without ids."""
    garbled = sample({}, whole=False, unparsed=100, correlation_share=0.0)
    assert (None, None) == (garbled["clean"], garbled["correlated"])


def test_without_times_no_gap_can_be_seen() -> None:
    """That there is none takes the time of each event."""
    assert sample({}, first_at=None, last_at=None)["continuous"] is None


@pytest.mark.parametrize(
    ("decided", "shown"),
    [
        ("eve.stone@example.com", "arn:aws:iam::123456789012:user/eve"),
        ("eve", "arn:aws:iam::123456789012:user/eve"),
        ("Eve Stone", "arn:aws:iam::123456789012:user/staff/eve.stone"),
        ("arn:aws:iam::123456789012:user/eve", "eve@example.com"),
    ],
)
def test_a_reader_under_another_spelling_is_not_gone(decided: str, shown: str) -> None:
    """Registers name people, platforms name accounts: a list that shows somebody alike proves no removal."""
    assert None is gone([{"principal": shown}], who=decided)
    assert True is gone([{"principal": "arn:aws:iam::123456789012:user/ann"}], who=decided)


def test_a_second_spelling_with_the_right_counts_beside_one_without() -> None:
    """A bucket's policy takes the right away, and IAM gives it to the same person's account."""
    readers = [{"principal": "eve", "can_read": False}, {"principal": "arn:aws:iam::1:user/eve"}]
    assert None is gone(readers)
