"""Measures: quantiles and distinct counts within their error, gaps and spikes that are there, and no others."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest

from soc2ev.logs.formats import Parser, Record
from soc2ev.logs.measures import Distinct, Fields, Quantiles, Timeline, Times

from .samples import app, line

START = int(datetime(2026, 10, 5, tzinfo=UTC).timestamp())  # a Monday
HOUR, DAY = 3600, 86_400


def record(**fields) -> Record:
    return Parser(START + DAY).records(line({"timestamp": "2026-10-05T10:00:00Z", "event": "x", **fields}))[0]


def test_quantiles_are_within_one_per_cent():
    """Of either sign, from milliseconds to days, with no more than some thousand buckets."""
    r = random.Random(7)
    values = [r.lognormvariate(0, 3) for _ in range(20_000)] + [-r.expovariate(1) for _ in range(2_000)]
    sketch = Quantiles()
    for value in values:
        sketch.add(value)
    for share in (0.01, 0.5, 0.9, 0.99):
        true = sorted(values)[int(share * (len(values) - 1))]
        assert sketch.at(share) == pytest.approx(true, rel=0.011, abs=0.001)
    assert len(sketch._buckets) < 3_500
    assert Quantiles().at(0.5) is None


def test_distinct_counts_are_exact_for_few_and_near_for_many():
    """Repeats do not count; merged halves are the whole."""
    few, many, half = Distinct(), Distinct(), Distinct()
    for at in range(50_000):
        few.add(str(at % 700))
        (many if at % 2 else half).add(str(at))
    many.merge(half)
    assert 700 == few.count()
    assert many.count() == pytest.approx(50_000, rel=0.12)
    assert len(many._kept) == 1024


def test_ids_of_two_files_are_joined_by_their_common_share():
    """Half of the ids of the smaller file stand in the other."""
    first, second, whole = Fields(), Fields(), Fields()
    for at in range(1000):
        first.add(record(request_id=f"r{at}"))
    for at in range(900, 1100):
        second.add(record(request_id=f"r{at}"))
    whole.merge(first)
    whole.merge(second)
    found = whole.correlation()
    assert ("request_id", 1.0) == (found.field, found.share)
    assert found.joinable == pytest.approx(0.5, abs=0.1)


def test_a_constant_id_is_no_correlation():
    """An id that never changes joins everything; the one that changes counts though fewer records have it."""
    fields = Fields()
    for at in range(200):
        fields.add(record(request_id="static", **({"trace_id": f"t{at}"} if at % 2 else {})))
    found = fields.correlation()
    assert ("trace_id", 0.5, ["request_id"]) == (found.field, found.share, fields.constants())


def test_an_id_that_is_empty_is_none():
    """Empty text, a dash and null are no ids."""
    fields = Fields()
    for value in ("", "-", None, "r1", "r2"):
        fields.add(record(request_id=value))
    assert ("request_id", 0.4, 2) == (
        fields.correlation().field,
        fields.correlation().share,
        fields.correlation().distinct,
    )


def test_skew_and_future_are_told_from_arrival():
    """Skew is arrival minus event time; more than 60 s ahead of arrival or of the clock is the future."""
    times = Times(now=START + DAY)
    for event, arrival in [
        ("10:00:00", "10:00:02"),
        ("10:00:10", "10:00:12"),
        ("10:05:00", "10:03:00"),
        ("10:05:30", "10:05:00"),
    ]:
        times.add(record(timestamp=f"2026-10-05T{event}Z", ingested_at=f"2026-10-05T{arrival}Z"))
    times.add(record(timestamp="2026-10-06T00:02:00Z"))
    times.add(record(timestamp="2026-10-06T00:00:30"))
    times.add(record(timestamp="nonsense"))
    assert (7, 6, 5, 2, 2, 4) == (
        times.records,
        times.parsed,
        times.zoned,
        times.future,
        times.negative,
        times.skew.count,
    )
    assert times.skew.at(0.99) == pytest.approx(2.0, rel=0.02)
    assert (5, 4) == (times.pairs, times.ordered)


def poisson(r: random.Random, mean: float) -> int:
    found, at = 0, r.expovariate(mean) if mean else 2.0
    while at < 1:
        found, at = found + 1, at + r.expovariate(mean)
    return found


def line_of(rate, days: int, seed: int = 1, without: tuple[float, float] = (0, 0)) -> Timeline:
    """Events of a Poisson process with that rate per hour, none in `without` (hours since the start)."""
    r, made = random.Random(seed), Timeline()
    for hour in range(days * 24):
        for _ in range(poisson(r, rate(hour))):
            at = hour + r.random()
            if not without[0] <= at < without[1]:
                made.add(START + at * HOUR, None)
    return made


def office(hour: int) -> float:
    """Busy on working days, quiet at night, nothing at weekends."""
    if hour // 24 % 7 >= 5:
        return 0.0
    return 60.0 if 8 <= hour % 24 < 18 else 0.3


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(
    ("rate", "days"),
    [
        (lambda _: 0.2, 40),
        (lambda _: 1.0, 28),
        (lambda _: 3.0, 28),
        (lambda _: 30.0, 7),
        (lambda _: 100.0, 2),
        (office, 28),
        (office, 7),
    ],
    ids=["0.2/h", "1/h", "3/h", "30/h", "100/h", "office", "office week"],
)
def test_sources_that_work_have_no_gaps(rate, days, seed):
    """Neither low volume nor nights and weekends raise an alarm."""
    assert [] == line_of(rate, days, seed).gaps()


@pytest.mark.parametrize(
    ("rate", "days", "start", "end"),
    [
        (lambda _: 100.0, 28, 250, 253),
        (lambda _: 100.0, 28, 250.2, 250.9),
        (lambda _: 100.0, 1, 10, 12),
        (lambda _: 1000.0, 1, 10, 10.5),
        (lambda _: 30.0, 7, 80, 83),
        (lambda _: 3.0, 28, 100, 124),
        (office, 28, 9 * 24 + 9, 9 * 24 + 13),
    ],
)
def test_a_stretch_in_which_much_should_have_come_is_a_gap(rate, days, start, end):
    """From the last event before it to the first after it, and it is the only one."""
    gaps = line_of(rate, days, without=(start, end)).gaps()
    assert 1 == len(gaps)
    assert gaps[0].start <= START + start * HOUR
    assert gaps[0].end >= START + end * HOUR
    assert gaps[0].end - gaps[0].start < (end - start + 1.5) * HOUR


def test_a_stray_clock_hides_no_gap():
    """One event of 1970 and one of 2090 do not make the sample a century long."""
    made = line_of(lambda _: 100.0, 28, without=(250, 253))
    made.add(5.0, None)
    made.add(3.8e9, None)
    assert 1 == len(made.gaps())


def test_times_all_over_take_bounded_memory():
    """Buckets become wider; when hours can no longer be told apart, that is said."""
    made = Timeline()
    for at in range(450_000):
        made.add(at * 9_000.0, None)
    assert made.too_long
    assert [] == made.gaps()
    assert len(made._buckets) <= 200_000


def test_a_timeline_in_two_halves_is_the_whole():
    """Merged timelines have the gaps of the whole, not one between them."""
    whole, first, second = line_of(lambda _: 100.0, 28, without=(250, 253)), Timeline(), Timeline()
    for key, one in whole._buckets.items():
        for _ in range(one.count - 1):
            (first if key % 2 else second).add(one.first, None)
        (first if key % 2 else second).add(one.last, None)
    first.merge(second)
    assert whole.gaps() == first.gaps()


def test_errors_far_above_the_usual_are_a_spike():
    """40 % for ten minutes among 1 % is one spike with its share; single errors and steady ones are none."""
    r, made = random.Random(3), Timeline()
    for second in range(0, 6 * HOUR, 2):
        share = 0.4 if 3 * HOUR <= second < 3 * HOUR + 600 else 0.01
        made.add(START + second, r.random() < share)
    found = made.spikes()
    assert [(START + 3 * HOUR, START + 3 * HOUR + 600)] == [(one.start, one.end) for one in found]
    assert found[0].share == pytest.approx(0.4, abs=0.07)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 1.0])
def test_what_fails_as_always_is_no_spike(share):
    """A steady share of errors is usual, however high."""
    r, made = random.Random(5), Timeline()
    for second in range(0, 24 * HOUR, 10):
        made.add(START + second, r.random() < share)
    assert [] == made.spikes()


def test_shares_say_who_what_when_and_where():
    """A request without an action says what by verb and path."""
    fields = Fields()
    for one in (app("user.login"), {"method": "GET", "path": "/x"}, {"note": 1}):
        fields.add(Parser(START).records(line(one))[0])
    expected = {"who": 1 / 3, "what": 2 / 3, "when": 1 / 3, "where": 1 / 3, "target": 0.0}
    assert expected == fields.shares()


def test_parts_of_a_count_add_up_wherever_they_were_counted():
    """Also when each comes from another process, and there are more texts than are kept."""
    import pickle

    whole, parts = Distinct(), [Distinct() for _ in range(4)]
    for number in range(6000):
        whole.add(f"id-{number % 5000}")
        parts[number % 4].add(f"id-{number % 5000}")
    joined = Distinct()
    for part in parts:
        joined.merge(pickle.loads(pickle.dumps(part)))
    assert (whole._kept, sorted(whole._heap)) == (joined._kept, sorted(joined._heap))
    joined.add("one more")
    whole.add("one more")
    assert whole._kept == joined._kept
