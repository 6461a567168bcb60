"""Import, query: what comes in is counted, what fits is found, and nothing else."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger_checks import event, stored_lines

from soc2ev.errors import ConfigError, TamperedError
from soc2ev.ledger import Filter, Ledger
from soc2ev.ledger.events import doubt
from soc2ev.ledger.query import moment, text

_WORDS = st.sampled_from(["user", "role", "a", "b", "x.y", "é", 'q"uote', "*", "back\\slash"])
_ACTIONS = st.lists(_WORDS, min_size=1, max_size=3).map(".".join)
_TIMES = st.integers(0, 10).map(lambda n: datetime(2026, 10, 1, tzinfo=UTC) + timedelta(hours=n))
_VALUES = st.one_of(st.booleans(), st.integers(-3, 3), st.sampled_from(["1", "true", "admin", ""]), st.none())
_EVENTS = st.fixed_dictionaries(
    {"action": _ACTIONS, "actor_id": _WORDS},
    optional={
        "actor_email": _WORDS,
        "target_type": _WORDS,
        "target_id": _WORDS,
        "metadata": st.dictionaries(_WORDS, _VALUES, max_size=2),
        "timestamp": _TIMES.map(lambda at: at.isoformat()),
    },
)
_FILTERS = st.builds(
    Filter,
    since=st.none() | _TIMES,
    until=st.none() | _TIMES,
    actor=st.just("") | _WORDS,
    action=st.sampled_from(["", "*", "user.*", "*.role", "a", "*b*", "user"]),
    target=st.sampled_from(["", "user", "user:*", "*:a", "a:b"]),
    metadata=st.dictionaries(_WORDS, st.sampled_from(["1", "true", "admin", "null", ""]), max_size=1),
)


def plain(wanted: Filter, row: dict) -> bool:
    """The meaning of a filter, written as plainly as can be."""

    def glob(pattern, value):
        return re.fullmatch("".join(".*" if one == "*" else re.escape(one) for one in pattern), value, re.DOTALL)

    at = datetime.fromisoformat(row["timestamp"])
    kind, name = row["target_type"] or "", row["target_id"] or ""
    target = glob(wanted.target, f"{kind}:{name}") or (":" not in wanted.target and glob(wanted.target, kind))
    spelled = {key: value if isinstance(value, str) else json.dumps(value) for key, value in row["metadata"].items()}
    return bool(
        (wanted.since is None or wanted.since <= at)
        and (wanted.until is None or at < wanted.until)
        and (not wanted.actor or wanted.actor in (row["actor_id"], row["actor_email"]))
        and (not wanted.action or glob(wanted.action, row["action"]))
        and (not wanted.target or target)
        and wanted.metadata.items() <= spelled.items()
    )


@settings(max_examples=120, deadline=None)
@given(events=st.lists(_EVENTS, min_size=1, max_size=6), wanted=_FILTERS)
def test_a_query_finds_what_fits_and_nothing_else(tmp_path_factory, events, wanted):
    """For any events and any filter, the query agrees with the plain meaning of the filter."""
    with Ledger.open(tmp_path_factory.mktemp("log") / "audit") as ledger:
        ledger.append_all(events)
    rows = list(ledger.query())
    assert len(events) == len(rows)
    assert [row["seq"] for row in rows if plain(wanted, row)] == [row["seq"] for row in ledger.query(wanted)]


def test_since_is_inclusive_and_until_exclusive(ledger):
    """At the very instant: since has it, until does not; a day is its first moment in UTC."""
    with ledger:
        ledger.append(event(1, timestamp="2026-10-02T00:00:00Z"))
        ledger.append(event(2, timestamp="2026-10-02T01:00:00+02:00"))
    at = moment("2026-10-02", "--since")
    assert [0] == [row["seq"] for row in ledger.query(Filter(since=at))]
    assert [1] == [row["seq"] for row in ledger.query(Filter(until=at))]
    with pytest.raises(ConfigError, match="--since 'soon' is no time"):
        moment("soon", "--since")


def test_an_event_without_time_counts_as_of_its_recording(ledger, clock):
    """Filters and rows use the time of recording when the event gave none."""
    with ledger:
        ledger.append({"action": "a.b.c", "actor_id": "u"})
    (row,) = ledger.query(Filter(since=clock.at - timedelta(seconds=1), until=clock.at + timedelta(seconds=1)))
    assert row["recorded_at"] == row["timestamp"]


def test_a_query_over_a_changed_log_fails(ledger):
    """Lines that were exchanged or cut off end the query with an error, even if they would not have fitted."""
    with ledger:
        ledger.append_all([event(number) for number in range(4)])
    (segment,) = (ledger.path / "journal").iterdir()
    whole = segment.read_bytes()
    for damaged in (whole.replace(b'"u1"', b'"u7"'), b"".join(whole.splitlines(keepends=True)[:3]), whole[:-3]):
        segment.write_bytes(damaged)
        with pytest.raises(TamperedError):
            list(ledger.query(Filter(actor="u0")))


def write(path: Path, lines: list) -> Path:
    path.write_text("".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in lines))
    return path


def test_an_import_adds_each_event_once(ledger, tmp_path):
    """The same file again adds nothing, with ids or without; the order is that of the file."""
    file = write(tmp_path / "in.jsonl", [event(n, id=f"k{n}") if n % 2 else event(n) for n in range(4500)])
    with ledger:
        first, again = ledger.import_(file), ledger.import_(file)
    assert (4500, 0, 0, 0, 4499) == (first.appended, first.known, first.bad, first.first, first.last)
    assert (0, 4500, 0, None) == (again.appended, again.known, again.bad, again.first)
    assert [f"u{n}" for n in range(4500)] == [row["actor_id"] for row in ledger.query()]
    assert ledger.verify().ok


BAD = [
    "no json",
    "[1]",
    '{"action": 1, "actor_id": "u"}',
    '{"action": "a", "action": "b", "actor_id": "u"}',
    "{" * 9000,
]


def test_one_bad_line_keeps_the_whole_file_out(ledger, tmp_path):
    """Every bad line is named with file and number; nothing is imported unless asked to skip them."""
    file = write(
        tmp_path / "in.jsonl",
        [event(1), "", *BAD, event(2), '{"action": "a.b.c", "actor_id": "' + "x" * 300_000 + '"}'],
    )
    with ledger:
        ledger.append(event(9))
        found = ledger.import_(file)
        assert (0, 6) == (found.appended, found.bad)
        assert [f"{file}:{n}: not an event" for n in (3, 4, 5, 6, 7, 9)] == [
            one[: len(str(file)) + 16] for one in found.complaints
        ]
        assert 1 == len(stored_lines(ledger.path))
        found = ledger.import_(file, skip_bad=True)
    assert (2, 6) == (found.appended, found.bad)
    assert 3 == len(stored_lines(ledger.path))


def test_a_taken_id_in_a_file_is_a_bad_line(ledger, tmp_path):
    """Conflicts are only known on the way: they are named and counted, and the rest comes in."""
    file = write(tmp_path / "in.jsonl", [event(1, id="a"), event(2, id="a"), event(3, id="b"), event(3, id="b")])
    with ledger:
        found = ledger.import_(file)
    assert (2, 1, 1) == (found.appended, found.known, found.bad)
    assert f"{file}:2: the id 'a' is that of event 0" in found.complaints[0]


def test_a_file_that_changes_is_not_imported_unchecked(ledger, tmp_path, monkeypatch):
    """What was not read in the first pass does not get in in the second."""
    file = write(tmp_path / "in.jsonl", [event(1)])
    from soc2ev.ledger.intake import Intake

    intake = Intake(file)
    assert 0 == intake.check()
    write(file, ["no json"])
    with ledger, pytest.raises(ConfigError, match="changed while it was imported; 0 events"):
        intake.run(ledger.log, None, lambda _: None)


def test_an_interrupted_import_is_taken_up(tmp_path):
    """Stopped between two batches, the same import brings the rest and nothing twice, also without ids."""
    file = write(tmp_path / "in.jsonl", [event(n) for n in range(5000)])

    def stop(done):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Ledger.open(tmp_path / "audit").import_(file, progress=stop)
    with Ledger.open(tmp_path / "audit") as ledger:
        found = ledger.import_(file)
    assert (3000, 2000) == (found.appended, found.known)
    assert [f"u{n}" for n in range(5000)] == [row["actor_id"] for row in ledger.query()]


@pytest.mark.parametrize("action", ["user.role.updated", "auth.login", "api-key.created"])
def test_actions_by_the_convention_raise_no_doubt(action):
    """resource.sub.verb, in lower case."""
    assert "" == doubt(action)


@pytest.mark.parametrize("action", ["Login", "user..x", "user role", "a" * 300, "User.Role"])
def test_other_actions_are_doubted(action):
    """They are stored, and the caller is told."""
    assert "resource.sub.verb" in doubt(action)


def test_metadata_is_compared_as_text():
    """A filter's value is what JSON would write, without quotes."""
    assert ["true", "3", "1.5", "null", "x", '["a"]'] == [text(one) for one in (True, 3, 1.5, None, "x", ["a"])]


@pytest.mark.parametrize("size", [1, 3, 4000])
def test_rows_behind_a_line_are_found_without_reading_all(tmp_path, clock, size):
    """Over two months, with and without a seek: exactly the rows behind it, and damage in what is read is found."""
    with Ledger.open(tmp_path / "audit", now=clock) as ledger:
        ledger.append_all([event(n, metadata={"pad": "x" * (n % 300)}) for n in range(size)])
        clock.at = clock.at.replace(month=11, day=2)
        ledger.append_all([event(n) for n in range(size)])
    total = 2 * size
    for after in {-1, 0, size - 2, size - 1, size, total - 2, total - 1, total, size // 2, total - size // 3}:
        rows = list(ledger.reading(Filter()).rows(after=after))
        assert [*range(max(after + 1, 0), total)] == [row["seq"] for row in rows], after
    segment = max((tmp_path / "audit" / "journal").iterdir())
    if size > 1:
        whole = segment.read_bytes().splitlines(keepends=True)
        segment.write_bytes(b"".join([*whole[:-2], whole[-1]]))
        with pytest.raises(TamperedError):
            list(ledger.reading(Filter()).rows(after=total - 3))
