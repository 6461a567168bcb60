"""Silences of Alertmanager's form, and windows by the names of rules: what they hide, and what nobody can tell."""

from __future__ import annotations

import pytest

from soc2ev.sources.logs.facts import instant
from soc2ev.sources.logs.silences import UNREAD, silenced, snoozed

NOW, LATER, LATEST, EARLIER = (f"2026-11-{day}T12:00:00Z" for day in (20, 21, 22, 19))
NAME = {"name": "alertname", "value": "Full", "isRegex": False, "isEqual": True}
SERIES = {"name": "instance", "value": "db1", "isRegex": False}


def silence(*matchers, state="active", end=LATER):
    """As Alertmanager tells one."""
    return {"status": {"state": state}, "endsAt": end, "matchers": list(matchers)}


@pytest.mark.parametrize(
    ("silences", "until", "doubt"),
    [
        (None, None, UNREAD),
        ([], None, None),
        ([silence(NAME)], LATER, None),
        ([silence(NAME), silence(NAME, end=LATEST), silence(SERIES)], LATEST, None),
        ([silence(NAME, state="expired"), silence(NAME, state="pending"), silence(NAME, end=EARLIER)], None, None),
        ([silence(SERIES)], None, "a silence by labels that only the series bring may hide it"),
        ([silence(NAME, SERIES)], None, "a silence by labels that only the series bring may hide it"),
        ([silence({**NAME, "value": "Other"}, SERIES)], None, None),
        ([silence({**NAME, "value": "F.*", "isRegex": True})], LATER, None),
        ([silence({**NAME, "isEqual": False})], None, None),
        (
            [silence({"name": "summary", "value": "x"})],
            None,
            "a silence by labels that only the series bring may hide it",
        ),
        ([silence(NAME, end="soon")], None, "when a silence that may hide it begins or ends could not be read"),
        ([silence({**NAME, "value": "Other"}, end="soon")], None, None),
        ([silence()], None, None),
    ],
)
def test_a_silence_hides_what_its_matchers_are_known_to_match(silences, until, doubt):
    """A label that only series bring, or that a template makes, may match."""
    labels = {"alertname": "Full", "summary": "{{ $labels.instance }}"}
    assert {"until": until, "doubt": doubt} == silenced(silences, labels, NOW)


def window(names=("a",), start=EARLIER, end=LATER, *, partly=False):
    """As manifests hand one on."""
    return {"names": None if names is None else list(names), "partly": partly, "start": start, "end": end}


@pytest.mark.parametrize(
    ("windows", "until", "doubt"),
    [
        ([], None, False),
        ([window(), window(end=LATEST), window(partly=True)], LATEST, False),
        ([window(["b"])], None, False),
        ([window(start=LATER, end=LATEST), window(start=None, end=EARLIER), window(end=NOW)], None, False),
        ([window(start=NOW)], LATER, False),
        ([window(partly=True)], None, True),
        ([window(None)], None, True),
        ([window(end=None)], None, True),
        ([window(end="soon")], None, True),
        ([window(start=7.5)], None, True),
        ([window(["b"], end="soon")], None, False),
    ],
)
def test_a_window_hides_the_rules_that_it_names(windows, until, doubt):
    """About some alerts only, about unnamed rules, or without an end that can be read: nobody can tell."""
    found = snoozed(windows, "a", NOW)
    assert (until, doubt) == (found["until"], bool(found["doubt"]))


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (1_795_000_000, "2026-11-18T11:06:40Z"),
        (1_795_000_000_000, "2026-11-18T11:06:40Z"),
        (946_684_800, "2000-01-01T00:00:00Z"),
        (7, None),
        (946_684_799, None),
        (True, None),
        ("2026-11-18", None),
    ],
)
def test_a_small_number_is_no_instant(value, told):
    """A count that stands where a time is expected would be 1970: long ago, and never tried since."""
    assert told == instant(value)
