"""Whom an alarm of CloudWatch tells: its own actions, and the composite alarms that it sets off. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from soc2ev.model import Json

_CONFIRMED = "arn:"
_ONWARDS = ("lambda", "application")
"""What may tell somebody: a function, or an application on somebody's telephone."""
_KEEPS = ("sqs", "firehose")
"""What only keeps messages: a queue or a stream tells nobody."""
_STATES = ("ALARM", "OK", "INSUFFICIENT_DATA")
_WORD = re.compile(
    r"""\s*(?:
      (?P<state>ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:"(?P<quoted>[^"]*)"|(?P<bare>[^()"]*))\s*\)
      |(?P<sign>[()]|(?:AND|OR|NOT|TRUE|FALSE)\b)
    )\s*""",
    re.VERBOSE | re.IGNORECASE,
)


def alarm_route(alarm: Json, topics: Json, alarms: Json = None) -> Json:
    """
    Where an alarm goes: `receiver`, and `reaches` (None when not known, `none` for a dead end).

    `topics` are the outcomes of asking for the subscriptions of each topic. A subscription that nobody confirmed
    reaches none, nor does a queue; a function may go on from there, which is not known here. A topic of the alarm's
    own account and region that does not exist is a dead end.

    An alarm also goes where the composite ones among `alarms` go whose rule it makes true by itself, whether its own
    actions are on or not; `receiver` names those when it has no action. Where it takes other alarms besides, nobody can
    tell whether somebody hears of this one.
    """
    given = [one for one in alarms or () if isinstance(one, dict) and one.get("AlarmRule")]
    through = _through(str(alarm.get("AlarmName")), given)
    found = [target for one in (alarm, *(given[at] for at in through if through[at])) for target in _told(one, topics)]
    # Through one that may not come true nobody is reached for certain; a dead end it is all the same.
    maybe = [target for at in through if not through[at] for target in _told(given[at], topics)]
    people = [name for names in found for name in names or () if name]
    unsure = any(names is None or None in names for names in found) or any(names is None or names for names in maybe)
    actions = [_short(str(one)) for one in alarm.get("AlarmActions") or ()]
    composites = [str(given[at].get("AlarmName")) for at in through]
    reaches = ", ".join(dict.fromkeys(people)) or (None if unsure else "none")
    return {"receiver": ", ".join(actions or composites) or None, "reaches": reaches}


def _told(alarm: Mapping[str, Json], topics: Json) -> list[list[str | None] | None]:
    """Who is told by each of its actions; [] when they are off."""
    if alarm.get("ActionsEnabled") is not True:
        return []
    return [_target(str(one), topics or [], str(alarm.get("AlarmArn"))) for one in alarm.get("AlarmActions") or ()]


def _through(name: str, composites: Sequence[Mapping[str, Json]]) -> dict[int, bool]:
    """The composite alarms that it may set off, by position, and whether it does so by itself."""
    found: dict[int, bool] = {}
    todo = [(name, True)]
    while todo:
        cause, surely = todo.pop()
        for at, one in enumerate(composites):
            if (sets := sets_off(str(one["AlarmRule"]), cause)) is None or found.get(at) in (True, surely and sets):
                continue
            found[at] = surely and sets
            todo.append((str(one.get("AlarmName")), found[at]))
    return dict(sorted(found.items()))


def sets_off(rule: str, alarm: str) -> bool | None:
    """
    Whether an alarm makes the rule of a composite true: True when it does so by itself, False when it may together
    with others, None when it has no part in it, or only in that it ends.

    A rule that is not understood and names the alarm gives False.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
    """
    if not alarm or alarm not in rule:
        return None
    words = _words(rule)
    if words is None:
        return False
    try:
        calm, loud = (_Rule(words, alarm, state).value() for state in ("OK", "ALARM"))
    except (IndexError, RecursionError):
        return False
    return True if loud.holds and not calm.holds else False if loud.helps else None


@lru_cache(maxsize=1_000)
def _words(rule: str) -> tuple[tuple[str, str], ...] | None:
    """The words of a rule, each with the alarm that it asks about; None when it is none."""
    found, at = [], 0
    text = rule.strip()
    while at < len(text):
        if (word := _WORD.match(text, at)) is None:
            return None
        name = word["quoted"] if word["quoted"] is not None else word["bare"] or ""
        found.append(((word["state"] or word["sign"]).upper(), name.rpartition(":alarm:")[2].strip()))
        at = word.end()
    return tuple(found)


@dataclass(frozen=True)
class _Truth:
    """Of a part of a rule: whether it holds while all other alarms are quiet, and whether the alarm helps it to."""

    holds: bool
    helps: bool
    hinders: bool


class _Rule:
    """Reads a rule while one alarm is in that state and all others are OK; IndexError when it ends early."""

    def __init__(self, words: Sequence[tuple[str, str]], alarm: str, state: str) -> None:
        self._words, self._alarm, self._state, self._at = words, alarm, state, 0

    def value(self) -> _Truth:
        """Of the whole rule; IndexError for what is left over."""
        found = self._either()
        if self._at != len(self._words):
            raise IndexError(self._at)
        return found

    def _either(self) -> _Truth:
        found = self._both()
        while self._takes("OR"):
            found = _joined(found, other := self._both(), found.holds or other.holds)
        return found

    def _both(self) -> _Truth:
        found = self._one()
        while self._takes("AND"):
            found = _joined(found, other := self._one(), found.holds and other.holds)
        return found

    def _one(self) -> _Truth:
        word, name = self._words[self._at]
        self._at += 1
        if word == "NOT":
            inner = self._one()
            return _Truth(not inner.holds, inner.hinders, inner.helps)
        if word == "(":
            inner = self._either()
            if not self._takes(")"):
                raise IndexError(self._at)
            return inner
        if word in ("TRUE", "FALSE"):
            return _Truth(word == "TRUE", helps=False, hinders=False)
        if word not in _STATES:
            raise IndexError(self._at)
        own = name == self._alarm
        return _Truth(word == (self._state if own else "OK"), own and word == "ALARM", own and word != "ALARM")

    def _takes(self, word: str) -> bool:
        taken = self._at < len(self._words) and self._words[self._at][0] == word
        self._at += taken
        return taken


def _joined(one: _Truth, other: _Truth, holds: bool) -> _Truth:  # noqa: FBT001 - a value, no switch
    return _Truth(holds, one.helps or other.helps, one.hinders or other.hinders)


def _target(action: str, topics: list[Json], alarm: str) -> list[str | None] | None:
    """Who is told by one action; None in it for what is not known; None when the topic could not be read."""
    service = action.split(":")[2] if action.count(":") > 1 else ""
    if service != "sns":
        # ssm-incidents pages people; scaling and EC2 actions tell nobody.
        return [_short(action)] if service in ("ssm", "ssm-incidents") else [None] if service in _ONWARDS else []
    outcome = next((one for one in topics if one.get("for") == action), None)
    if outcome is not None and outcome.get("state") == "absent" and action.split(":")[3:5] == alarm.split(":")[3:5]:
        return []
    if outcome is None or outcome.get("state") != "ok":
        return None
    return [
        _endpoint(one)
        for one in (outcome.get("answer") or {}).get("Subscriptions") or ()
        if str(one.get("SubscriptionArn")).startswith(_CONFIRMED) and one.get("Protocol") not in _KEEPS
    ]


def _endpoint(subscription: Mapping[str, Json]) -> str | None:
    protocol, endpoint = str(subscription.get("Protocol")), str(subscription.get("Endpoint") or "")
    if protocol in _ONWARDS:
        return None
    return urlsplit(endpoint).hostname if protocol.startswith("http") else endpoint or None


def _short(arn: str) -> str:
    return arn.rpartition(":")[2]
