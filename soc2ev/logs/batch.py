"""
What the records of a batch add up to, by column: what `Measured.add` does for one, for many of them at once.

Everything that a few telling values of a record decide (its events, whether it failed, what it names) is worked out
once for each combination of them, by the code that does it for a single record.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import compress
from typing import Any

from soc2ev.logs.alike import Part, Plan, Told
from soc2ev.logs.events import Matcher
from soc2ev.logs.formats import Record
from soc2ev.logs.formats.layout import is_present
from soc2ev.logs.formats.parser import receive
from soc2ev.logs.formats.record import known
from soc2ev.logs.instants import stamps
from soc2ev.logs.leaks.masks import is_masked
from soc2ev.logs.measured import Measured
from soc2ev.logs.measures import logins
from soc2ev.logs.measures.fields import named

_NOTHING = Told("", (), None, ())
_NO_ID = frozenset((None, "", "-"))


class Batch:
    """The records of one batch, each at its place, whatever plan it belongs to."""

    def __init__(
        self, made: Measured, matcher: Matcher, size: int, *, reference: float, delivered: float | None
    ) -> None:
        self._made, self._matcher, self._reference, self._delivered = made, matcher, reference, delivered
        self._at: list[float | None] = [None] * size
        self._told: list[Told] = [_NOTHING] * size
        self._arrivals: dict[int, float] = {}
        self._ids: list[tuple[int, int, str, list[Any]]] = []
        self._masked: list[tuple[int, int, str, int]] = []
        self._zoned = 0

    def add(self, plan: Plan) -> None:
        """Count the records of a plan."""
        for part in plan.parts():
            if part.few:
                for at, place in enumerate(part.places):
                    record = known(part.shape, part.fields(at), self._reference)
                    if part.wrapped:
                        receive(record, part.received[at], self._reference)
                    self.add_record(place, record)
            else:
                self._columns(part, plan)

    def add_record(self, place: int, record: Record) -> None:
        """Count a single record."""
        self._told[place] = told = Told(record.shape, self._matcher.events(record), record.failed, named(record))
        self._made.logged_in(record, told.events)
        self._at[place] = record.at
        self._zoned += record.zoned and record.at is not None
        arrival = self._delivered if record.arrival is None and record.shape == "cloudtrail" else record.arrival
        if arrival is not None:
            self._arrivals[place] = arrival
        for order, (path, value) in enumerate(record.ids.items()):
            self._ids.append((place, order, path, [value]))
        for order, (path, held) in enumerate(record.fields.items()):
            if isinstance(held, str) and held and self._made.is_sensitive(path) and is_masked(held):
                self._masked.append((place, order, path, 1))

    def conclude(self) -> None:
        """Add everything up, in the order of the records where order says something."""
        made, told, at = self._made, self._told, self._at
        for one, count in Counter(told).items():
            made.shapes[one.shape] += count
            for name in one.named:
                made.fields.present[name] += count
        made.times.add_many(at, self._zoned, self._arrivals)
        made.timeline.add_many([(when, one.failed) for when, one in zip(at, told, strict=True) if when is not None])
        made.fields.records += len(told)
        made.fields.present["when"] += len(at) - at.count(None)
        for _, _, path, values in sorted(self._ids, key=_first):
            made.fields.add_ids(path, values)
        for _, _, path, count in sorted(self._masked, key=_first):
            made.masked[path] += count
        seen: dict[Told, list[float | None]] = defaultdict(list)
        for when, one in zip(at, told, strict=True):
            if one.events:
                seen[one].append(when)
        for one, times in seen.items():
            self._saw(one, times)

    def _saw(self, one: Told, times: list[float | None]) -> None:
        dated = [time for time in times if time is not None]
        for kind in one.events:
            self._made.saw(kind, len(times), min(dated, default=None), max(dated, default=None))

    def _columns(self, part: Part, plan: Plan) -> None:
        self._timed(part)
        places, found = part.places, self._told_by(part, plan)
        for place, told in zip(places, found, strict=True):
            self._told[place] = told
        if kinds := {one for one in set(found) if not logins.EVENTS.isdisjoint(one.events)}:
            self._logged_in(part, [at for at, one in enumerate(found) if one in kinds], found)
        for order, path in enumerate(part.layout.ids):
            values = part.values(path)
            present = values if _NO_ID.isdisjoint(values) else [value for value in values if value not in _NO_ID]
            if present:
                first = min(compress(places, map(_is_id, values))) if len(present) < len(values) else min(places)
                self._ids.append((first, order, path, present))
        for path in part.paths:
            if self._made.is_sensitive(path):
                self._mask(part, path)

    def _timed(self, part: Part) -> None:
        places = part.places
        ats, zoned = stamps(part.best("at"), self._reference)
        arrivals = stamps(part.best("arrival"), self._reference)[0] if part.layout.of("arrival") else []
        if part.wrapped:
            # What a wrapper says is when a record was received, and when it was if the record itself does not say.
            arrivals = arrivals or [None] * len(places)
            received = [value if is_present(value) else None for value in part.received]
            silent = [at for at, when in enumerate(ats) if when is None]
            zoned += stamps([received[at] for at in silent], self._reference)[1]
            for at, (when, other) in enumerate(zip(ats, stamps(received, self._reference)[0], strict=True)):
                if when is None:
                    ats[at] = other
                else:
                    arrivals[at] = other
        self._zoned += zoned
        for place, when in zip(places, ats, strict=True):
            self._at[place] = when
        if self._delivered is not None and part.shape == "cloudtrail":
            arrivals = [self._delivered if one is None else one for one in arrivals or [None] * len(places)]
        if arrivals:
            self._arrivals.update((at, one) for at, one in zip(places, arrivals, strict=True) if one is not None)

    def _logged_in(self, part: Part, hits: list[int], found: list[Told]) -> None:
        """Count what these records say of a login; what their telling values decide, once for all of them."""
        places, paths, messages = part.places, part.requested()[0], part.best("message")
        records: dict[Told, Record] = {}
        for at in hits:
            if found[at] not in records:
                records[found[at]] = known(part.shape, part.fields(at), self._reference)
        hows = [part.values(path) for path in logins.hows(tuple(part.paths))]
        by_action = all(logins.is_login(part.shape, one.action, None, None) for one in records.values())
        alike: Counter[tuple[Told, bool, Any, Any, tuple[Any, ...]]] = Counter()
        for at in hits:
            said_how = tuple([values[at] for values in hows])
            dated = self._at[places[at]] is not None
            alike[found[at], dated, messages[at], None if by_action else paths[at], said_how] += 1
        for (told, dated, message, path, values), count in alike.items():
            record, message_ = records[told], _text(message)
            if logins.is_login(part.shape, record.action, _text(path), message_):
                said = ["who"] * ("who" in told.named or logins.says_who(message_))
                said += ["where"] * ("where" in told.named or logins.says_where(message_))
                said += ["when"] * dated
                said += ["outcome"] * (logins.ended(record) or logins.says_end(message_))
                said += ["how"] * (logins.says_how(message_) or any(map(logins.tells, values)))
                self._made.logins.add(said, count)

    def _mask(self, part: Part, path: str) -> None:
        values = part.values(path)
        masked = {value for value in set(values) if isinstance(value, str) and value and is_masked(value)}
        found = [at for at, value in enumerate(values) if value in masked] if masked else []
        if found:
            first = min(found, key=part.places.__getitem__)
            order = list(part.fields(first)).index(path)
            self._masked.append((part.places[first], order, path, len(found)))

    def _told_by(self, part: Part, plan: Plan) -> list[Told]:
        """What each record tells, remembered by its key."""
        which, keys = part.keys()
        remembered = plan.known.setdefault(which, {})
        found = list(map(remembered.get, keys))
        if None in found:
            for at, key in enumerate(keys):
                if found[at] is None:
                    if (one := remembered.get(key)) is None:
                        record = known(part.shape, part.fields(at), self._reference)
                        events = self._matcher.events(record)
                        one = remembered[key] = Told(part.shape, events, record.failed, named(record))
                    found[at] = one
        return found  # type: ignore[return-value]  # none is left that is None


def _is_id(value: Any) -> bool:
    return value not in _NO_ID


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else str(value)


def _first(gathered: tuple[int, int, str, Any]) -> tuple[int, int]:
    return gathered[0], gathered[1]
