"""
Which silences hide the alerts of a rule, and until when. Pure.

A silence is told in the form of Alertmanager's API, which Grafana's own has too:
https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from soc2ev.model import Json
from soc2ev.sources.logs.facts import instant
from soc2ev.sources.logs.matchers import matches, of_silence
from soc2ev.sources.logs.sending import Labels

UNREAD = "silences could not be read"
_PARTLY = "a silence by labels that only the series bring may hide it"
_SOME = "a silence hides some of its alerts, or all"
_ENDLESS = "when a silence that may hide it begins or ends could not be read"


@dataclass(frozen=True, slots=True)
class Hiding:
    """Until when silences hide every alert of a rule, and why nobody can tell whether they do."""

    until: str | None
    """None when none does for certain."""
    doubt: str | None


def hiding(silences: Sequence[Mapping[str, Json]] | None, labels: Labels, now: str) -> Hiding:
    """What these silences do to alerts with those labels; None are silences that were not read."""
    if silences is None:
        return Hiding(None, UNREAD)
    ends: list[str] = []
    doubts: list[str] = []
    for silence in silences:
        matchers = [of_silence(one) for one in silence.get("matchers") or ()]
        hides = matches(matchers, labels) if matchers else False
        if (silence.get("status") or {}).get("state") != "active" or hides is False:
            continue
        end = instant(silence.get("endsAt"))
        if end is None:
            doubts.append(_ENDLESS)
        elif datetime.fromisoformat(end) > datetime.fromisoformat(now):
            ends += [end] if hides else []
            doubts += [] if hides else [_PARTLY]
    return Hiding(max(ends, default=None), None if ends else next(iter(doubts), None))


def snoozed(windows: Sequence[Mapping[str, Json]], name: str, now: str) -> Json:
    """
    What windows do to the rule of that name: `until` and `doubt`.

    A window has `names` of rules (None: it may be about any), `partly` (about some alerts of a rule only), `start` and
    `end` (None: since ever, without an end).
    """
    found = [_window(one, now) for one in windows if one.get("names") is None or name in one["names"]]
    ends = [one.until for one in found if one.until]
    doubts = [one.doubt for one in found if one.doubt]
    return {"until": max(ends, default=None), "doubt": None if ends else next(iter(doubts), None)}


def _window(window: Mapping[str, Json], now: str) -> Hiding:
    start, end = (window.get(name) and (instant(window[name]) or "") for name in ("start", "end"))
    if "" in (start, end):
        return Hiding(None, _ENDLESS)
    begun = start is None or datetime.fromisoformat(start) <= datetime.fromisoformat(now)
    over = end is not None and datetime.fromisoformat(end) <= datetime.fromisoformat(now)
    if not begun or over:
        return Hiding(None, None)
    sure = end is not None and window.get("names") is not None and window.get("partly") is False
    return Hiding(end if sure else None, None if sure else _SOME)


def silenced(silences: Json, labels: Mapping[str, Json], now: str) -> Json:
    """The same for labels of which a series may bring others: `until` and `doubt`."""
    given = {name: value if isinstance(value, str) and "{{" not in value else None for name, value in labels.items()}
    found = hiding(silences, Labels(given), now)
    return {"until": found.until, "doubt": found.doubt}
