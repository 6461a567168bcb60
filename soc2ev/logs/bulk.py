"""
Records by the thousand: what `Measured.add` does for one, column by column for all that have the same fields.

Everything that a few telling values of a record decide (its events, whether it failed, what it names) is worked out
once for each combination of them, by the code that does it for a single record.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import compress
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from soc2ev.logs import jsontext
from soc2ev.logs.alike import Plan, Told
from soc2ev.logs.events import Matcher
from soc2ev.logs.formats import Parser, Record
from soc2ev.logs.formats.layout import Signature, layout, signature
from soc2ev.logs.formats.parser import Entry, Form, is_wrapped, shape
from soc2ev.logs.formats.record import NAME, REQUEST, flatten, known
from soc2ev.logs.instants import stamps
from soc2ev.logs.leaks.masks import is_masked
from soc2ev.logs.measures import logins
from soc2ev.logs.measures.fields import named
from soc2ev.logs.reading import Block, whole_lines
from soc2ev.logs.sorting import Sorter

if TYPE_CHECKING:
    from soc2ev.logs.measured import Measured

_FEW = 3
_MOST_PLANS, _MOST_TOLD = 2_000, 20_000
_MOST_NAMES = 400
_JSON = (b"{", b"[")
_NESTED = frozenset((dict, list))


class Bulk:
    """Takes the lines of one file in batches and counts them, with the same outcome as one by one."""

    def __init__(self, made: Measured, matcher: Matcher, parser: Parser, delivered: float | None) -> None:
        self._made, self._matcher, self.parser, self._delivered = made, matcher, parser, delivered
        self._routes: dict[Signature, Plan] = {}
        self._plans: dict[tuple[str, Signature], Plan] = {}
        self._count = 0
        self._finished: list[tuple[int, Record]] = []
        self._sorter = Sorter()

    def begin(self, made: Measured, order: tuple[int, ...]) -> None:
        """Go on with another part of the file, which is counted apart."""
        self._made, self.parser.order = made, order

    def lines(self, rows: list[bytes], block: bytes) -> None:
        """Take lines; `block` has all of them."""
        self._made.lines += len(rows)
        tables, rest = self._sorter.sort(rows)
        forms = [(table.stencil.form, table.at) for table in tables if table.stencil.form]
        read = jsontext.reader(block) if rest else jsontext.loads
        begin, moved, done = self._count, _Moved(), -1
        for at in rest:
            if forms:
                self._fitted(forms, done, at)
            place = self._count = begin + at + moved.last
            self._row(rows[at], read)
            moved.add(at, self._count - place - 1)
            done = at
        self._fitted(forms, done, len(rows))
        self._count = begin + len(rows) + moved.last
        for table in tables:
            plan = self._plan(table.stencil.shape, table.stencil.signed)
            plan.tables.append((moved.places(begin, table.at), table))

    def _fitted(self, forms: list[tuple[Form, Sequence[int]]], after: int, before: int) -> None:
        """Tell the parser which text formats the lines between those two had, the last one last."""
        last = [(at[bisect_left(at, before) - 1], form) for form, at in forms if at[0] < before and at[-1] > after]
        for at, form in sorted(last, key=itemgetter(0)):
            if at > after:
                self.parser.used(form)

    def _row(self, row: bytes, read: jsontext.Reader) -> None:
        if row.startswith(b"{"):
            try:
                value = read(row)
            except ValueError:
                self._line(row)
                return
            plan = self._routes.get((*value, *map(type, value.values())))
            if plan is not None:
                self._put(plan, value)
            elif not self._document(value):
                self._line(row)
        elif stripped := row.strip():
            if stripped[:1] in _JSON:
                self._line(row)
            elif (entry := self.parser.of_text(stripped)) is None:
                self._made.unparsed += 1
            else:
                self._take(*entry)

    def block(self, block: Block) -> None:
        """Take the lines of a block, or its record."""
        if block.record:
            self._made.lines += 1
            self._line(block.data)
            return
        lost, rows = whole_lines(block)
        self._made.lines += lost
        self._made.unparsed += lost
        self.lines(rows, block.data)

    def entries(self, entries: Iterable[Entry | Record]) -> bool:
        """Take records that were made elsewhere; whether there were any."""
        return self._entries(entries)

    def finish(self) -> None:
        """Count everything that was taken since the last time."""
        if self._count:
            _Batch(self._made, self._count).count(self)
        self._finished.clear()
        self._count = 0
        if len(self._routes) > _MOST_PLANS or sum(1 + len(one.known) for one in self._plans.values()) > _MOST_TOLD:
            self._plans.clear()
            self._routes.clear()

    def _line(self, row: bytes) -> None:
        self._made.unparsed += not self._entries(self.parser.entries(row))

    def _document(self, value: dict[str, Any]) -> bool:
        """Take an object of which no line before had the same fields, or that has others within; False without any."""
        types = set(map(type, value.values()))
        if not value or is_wrapped(value):
            return self._entries(self.parser.parsed(value))
        if types.isdisjoint(_NESTED) and len(value) <= _MOST_NAMES:
            self._routes[signature(value)] = self._take(shape(value), value)
        else:
            self._take(shape(value), flatten(value))
        return True

    def _entries(self, entries: Iterable[Entry | Record]) -> bool:
        taken = False
        for entry in entries:
            taken = True
            if isinstance(entry, Record):
                self._finished.append((self._count, entry))
                self._count += 1
            else:
                self._take(*entry)
        return taken

    def _take(self, shaped: str, fields: dict[str, Any]) -> Plan:
        plan = self._plan(shaped, signature(fields))
        self._put(plan, fields)
        return plan

    def _put(self, plan: Plan, fields: dict[str, Any]) -> None:
        plan.rows.append(fields)
        plan.places.append(self._count)
        self._count += 1

    def _plan(self, shaped: str, signed: Signature) -> Plan:
        plan = self._plans.get((shaped, signed))
        if plan is None:
            plan = self._plans[(shaped, signed)] = self._planned(shaped, signed)
        return plan

    def _planned(self, shaped: str, signed: Signature) -> Plan:
        laid = layout(signed)
        sensitive = tuple(path for path, kind in laid.types.items() if kind is str and self._made.is_sensitive(path))
        return Plan(shaped, laid, self._matcher.rules(shaped).narrow, sensitive)


class _Moved:
    """How far records moved from the places of their lines, where other lines before them gave none or several."""

    __slots__ = ("_at", "_by", "last")

    def __init__(self) -> None:
        self._at: list[int] = []
        self._by: list[int] = [0]
        self.last = 0

    def add(self, at: int, by: int) -> None:
        """Records behind that line move by so much more."""
        if by:
            self.last += by
            self._at.append(at)
            self._by.append(self.last)

    def places(self, begin: int, at: Sequence[int]) -> Sequence[int]:
        """The places of the records of these lines."""
        if not self._at and isinstance(at, range):
            return range(begin, begin + len(at))
        if not self._at:
            return [begin + one for one in at]
        return [begin + one + self._by[bisect_left(self._at, one)] for one in at]


class _Batch:
    """The records of one batch, each at its place, whatever plan it belongs to."""

    def __init__(self, made: Measured, size: int) -> None:
        self._made = made
        self._at: list[float | None] = [None] * size
        self._told: list[Told] = [_NOTHING] * size
        self._arrivals: dict[int, float] = {}
        self._ids: list[tuple[int, int, str, list[Any]]] = []
        self._masked: list[tuple[int, int, str, int]] = []
        self._zoned = 0

    def count(self, taken: Bulk) -> None:
        """Everything, in the order of the records where order says something."""
        for plan in taken._plans.values():  # noqa: SLF001  one object in two halves
            plan.close()
            if plan.slow or len(plan.places) < _FEW:
                for at, place in enumerate(plan.places):
                    self._single(place, known(plan.shape, plan.fields(at), taken.parser.reference), taken)
            else:
                self._columns(plan, taken)
            plan.clear()
        for place, record in taken._finished:  # noqa: SLF001
            self._single(place, record, taken)
        self._conclude()

    def _single(self, place: int, record: Record, taken: Bulk) -> None:
        self._told[place] = told = Told(record.shape, taken._matcher.events(record), record.failed, named(record))  # noqa: SLF001
        self._made.logged_in(record, told.events)
        self._at[place] = record.at
        self._zoned += record.zoned and record.at is not None
        arrival = taken._delivered if record.arrival is None and record.shape == "cloudtrail" else record.arrival  # noqa: SLF001
        if arrival is not None:
            self._arrivals[place] = arrival
        for order, (path, value) in enumerate(record.ids.items()):
            self._ids.append((place, order, path, [value]))
        for order, (path, held) in enumerate(record.fields.items()):
            if isinstance(held, str) and held and self._made.is_sensitive(path) and is_masked(held):
                self._masked.append((place, order, path, 1))

    def _columns(self, plan: Plan, taken: Bulk) -> None:
        places, laid = plan.places, plan.layout
        reference = taken.parser.reference
        ats, zoned = stamps(plan.best("at"), reference)
        self._zoned += zoned
        for place, at in zip(places, ats, strict=True):
            self._at[place] = at
        self._arrived(plan, reference, taken._delivered)  # noqa: SLF001
        found = self._told_by(plan, taken)
        for place, told in zip(places, found, strict=True):
            self._told[place] = told
        if kinds := {one for one in set(found) if not logins.EVENTS.isdisjoint(one.events)}:
            self._logged_in(plan, [at for at, one in enumerate(found) if one in kinds], found, reference)
        for order, path in enumerate(laid.ids):
            values = plan.values(path)
            present = values if _NO_ID.isdisjoint(values) else [value for value in values if value not in _NO_ID]
            if present:
                first = min(compress(places, map(_is_id, values))) if len(present) < len(values) else min(places)
                self._ids.append((first, order, path, present))
        for path in plan.sensitive:
            self._mask(plan, path)

    def _arrived(self, plan: Plan, reference: float, delivered: float | None) -> None:
        given = plan.layout.of("arrival")
        arrivals: list[float | None] = [None] * len(plan.places)
        if given:
            arrivals = stamps(plan.best("arrival"), reference)[0]
        if delivered is not None and plan.shape == "cloudtrail":
            arrivals = [delivered if one is None else one for one in arrivals]
        if given or (delivered is not None and plan.shape == "cloudtrail"):
            self._arrivals.update((at, one) for at, one in zip(plan.places, arrivals, strict=True) if one is not None)

    def _logged_in(self, plan: Plan, hits: list[int], found: list[Told], reference: float) -> None:
        """Count what these records of a plan say of a login; what their telling values decide, once for all of them."""
        places, paths, messages = plan.places, plan.best("path"), plan.best("message")
        if plan.layout.of("request"):
            paths = _requested(plan, paths)[0]
        records: dict[Told, Record] = {}
        for at in hits:
            if found[at] not in records:
                records[found[at]] = known(plan.shape, plan.fields(at), reference)
        hows = [plan.values(path) for path in logins.hows(plan.layout.names)]
        by_action = all(logins.is_login(plan.shape, one.action, None, None) for one in records.values())
        alike: Counter[tuple[Told, bool, Any, Any, tuple[Any, ...]]] = Counter()
        for at in hits:
            said_how = tuple([values[at] for values in hows])
            dated = self._at[places[at]] is not None
            alike[found[at], dated, messages[at], None if by_action else paths[at], said_how] += 1
        for (told, dated, message, path, values), count in alike.items():
            record, message_ = records[told], _text(message)
            if logins.is_login(plan.shape, record.action, _text(path), message_):
                said: list[str] = [asked for asked in ("who", "where") if asked in told.named]
                said += ["when"] * dated
                said += ["outcome"] * (logins.ended(record) or logins.says_end(message_))
                said += ["how"] * (logins.says_how(message_) or any(map(logins.tells, values)))
                self._made.logins.add(said, count)

    def _mask(self, plan: Plan, path: str) -> None:
        values = plan.values(path)
        masked = {value for value in set(values) if value and is_masked(value)}
        found = [place for place, value in zip(plan.places, values, strict=True) if value in masked] if masked else []
        if found:
            self._masked.append((min(found), plan.layout.names.index(path), path, len(found)))

    def _told_by(self, plan: Plan, taken: Bulk) -> list[Told]:
        keys = _keys(plan, taken._matcher)  # noqa: SLF001
        found = list(map(plan.known.get, keys))
        if None in found:
            for at, key in enumerate(keys):
                if found[at] is None:
                    if (one := plan.known.get(key)) is None:
                        record = known(plan.shape, plan.fields(at), taken.parser.reference)
                        events = taken._matcher.events(record)  # noqa: SLF001
                        one = plan.known[key] = Told(plan.shape, events, record.failed, named(record))
                    found[at] = one
        return found  # type: ignore[return-value]  # none is left that is None

    def _conclude(self) -> None:
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


_NOTHING = Told("", (), None, ())
_NO_ID = frozenset((None, "", "-"))


def _is_id(value: Any) -> bool:
    return value not in _NO_ID


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else str(value)


def _first(gathered: tuple[int, int, str, Any]) -> tuple[int, int]:
    return gathered[0], gathered[1]


def _keys(plan: Plan, matcher: Matcher) -> list[tuple[Any, ...]]:
    """For each record everything that decides what it tells; texts that hardly repeat only as what they answer."""
    laid = plan.layout
    rules = matcher.rules(plan.shape)
    columns: list[list[Any]] = [plan.values(path) for path in plan.telling]
    texts = {name: plan.best(name) for name in ("actor", "ip", "target", "path", "message")}
    if laid.of("request"):
        texts["path"], method = _requested(plan, texts["path"])
        columns.append(method)
    columns += [[value is None for value in texts[name]] for name in ("actor", "ip", "target", "path") if laid.of(name)]
    columns.append([value is None for value in texts["path"]])
    if laid.of("message"):
        columns.append(_names(texts["message"]))
    for name in rules.wide:
        if name.startswith("@"):
            columns.append(rules.masks(name, texts[name[1:]]))
        elif name in laid.types:
            columns.append(rules.masks(name, plan.values(name)))
    return list(zip(*columns, strict=True))


def _names(messages: list[Any]) -> list[str | None]:
    """Messages that are names of events: they are the action where no field gives one."""
    shown = [text if isinstance(text, str) else None if text is None else str(text) for text in messages]
    return [text if text is not None and " " not in text and NAME.match(text) else None for text in shown]


def _requested(plan: Plan, paths: list[Any]) -> tuple[list[Any], list[Any]]:
    """Paths, and the methods of requests such as `GET /index.html HTTP/1.1` for records that have no field for them."""
    methods = plan.best("method")
    if None not in paths and None not in methods:
        return paths, [None] * len(paths)
    matches = [REQUEST.match(str(one)) if one is not None else None for one in plan.best("request")]
    found = [match.group(2) if match and path is None else path for match, path in zip(matches, paths, strict=True)]
    return found, [match.group(1) if match else None for match in matches]
