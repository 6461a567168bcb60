"""Lines by the thousand: sorted into plans, the records of each of which are counted at once."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any

from soc2ev.logs import jsontext
from soc2ev.logs.alike import Plan
from soc2ev.logs.batch import Batch
from soc2ev.logs.events import Matcher
from soc2ev.logs.formats import Parser, Record
from soc2ev.logs.formats.parser import TELLING, Carried, Form, Given, carried, is_wrapped, shape
from soc2ev.logs.formats.record import MOST_FIELDS
from soc2ev.logs.formats.stencil import Table
from soc2ev.logs.measured import Measured
from soc2ev.logs.reading import Block, whole_lines
from soc2ev.logs.sorting import Sorter

_MOST_TOLD = 20_000
_JSON = (b"{", b"[")


class Bulk:
    """Takes the lines of one file in batches and counts them, with the same outcome as one by one."""

    def __init__(self, made: Measured, matcher: Matcher, parser: Parser, delivered: float | None) -> None:
        self._made, self._matcher, self.parser, self._delivered = made, matcher, parser, delivered
        self._plans: dict[tuple[str, bool], Plan] = {}
        self._count = 0
        self._finished: list[tuple[int, Record]] = []
        self._sorter, self._inner = Sorter(), Sorter()

    def begin(self, made: Measured, order: tuple[int, ...]) -> None:
        """Go on with another part of the file, which is counted apart."""
        self._made, self.parser.order = made, order

    def lines(self, rows: list[bytes], block: bytes) -> None:
        """Take lines; `block` has all of them."""
        self._made.lines += len(rows)
        tables, rest = self._sorter.sort(rows)
        read = jsontext.reader(block) if rest else jsontext.loads
        objects = {at: found for at in rest if rows[at].startswith(b"{") and (found := _object(rows[at], read))}
        inner, rest = self._unwrapped(objects, rest)
        forms = [(table.stencil.form, table.at) for table in (*tables, *inner) if table.stencil.form]
        begin, moved, done = self._count, _Moved(), -1
        plain = self._plan("json")
        for at in rest:
            row, value = rows[at], objects.get(at)
            if value and TELLING.isdisjoint(value):
                plain.add(begin + at + moved.last, value)
                continue
            if forms:
                self._fitted(forms, done, at)
            place = self._count = begin + at + moved.last
            self._row(row, value)
            if self._count - place != 1:
                moved.add(at, self._count - place - 1)
            done = at
        self._fitted(forms, done, len(rows))
        self._count = begin + len(rows) + moved.last
        for table in tables:
            self._plan(table.stencil.shape).add_table(moved.places(begin, table.at), table)
        for table in inner:
            received = [objects[at].get("time") for at in table.at]
            self._plan(table.stencil.shape, wrapped=True).add_table(moved.places(begin, table.at), table, received)

    def _unwrapped(self, objects: dict[int, dict[str, Any]], rest: list[int]) -> tuple[list[Table], list[int]]:
        """Of the lines that others wrap those that are of a known kind, and the rest without their places."""
        wrapped = {
            at: line
            for at, value in objects.items()
            if "log" in value and (line := carried(value)) and "\n" not in line
        }
        if not wrapped:
            return [], rest
        places = list(wrapped)
        found, _ = self._inner.sort([line.encode() for line in wrapped.values()])
        tables = [Table(one.stencil, [places[at] for at in one.at], one.rows) for one in found]
        taken = {at for table in tables for at in table.at}
        return tables, [at for at in rest if at not in taken]

    def _fitted(self, forms: list[tuple[Form, Sequence[int]]], after: int, before: int) -> None:
        """Tell the parser which text formats the lines between those two had, the last one last."""
        if all(map(self.parser.is_settled, {form for form, _ in forms})):
            return
        last = [(at[bisect_left(at, before) - 1], form) for form, at in forms if at[0] < before and at[-1] > after]
        for at, form in sorted(last, key=itemgetter(0)):
            if at > after:
                self.parser.used(form)

    def _row(self, row: bytes, value: dict[str, Any] | None) -> None:
        """Take a line, and the object in it if it is one."""
        if value and not is_wrapped(value):
            self._plan(shape(value)).add(self._count, value)
            self._count += 1
        elif value:
            if not self.entries(self.parser.parsed(value)):
                self._line(row)
        elif stripped := row.strip():
            if stripped[:1] in _JSON:
                self._line(row)
            elif (entry := self.parser.of_text(stripped)) is None:
                self._made.unparsed += 1
            else:
                self._take(entry)

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

    def entries(self, entries: Iterable[Given]) -> bool:
        """Take records that were made elsewhere; whether there were any."""
        taken = False
        for entry in entries:
            taken = True
            self._take(entry)
        return taken

    def finish(self) -> None:
        """Count everything that was taken since the last time."""
        if self._count:
            batch = Batch(
                self._made, self._matcher, self._count, reference=self.parser.reference, delivered=self._delivered
            )
            for plan in self._plans.values():
                batch.add(plan)
                plan.clear()
            for place, record in self._finished:
                batch.add_record(place, record)
            batch.conclude()
        self._finished.clear()
        self._count = 0
        if sum(map(len, (told for plan in self._plans.values() for told in plan.known.values()))) > _MOST_TOLD:
            self._plans.clear()

    def _line(self, row: bytes) -> None:
        self._made.unparsed += not self.entries(self.parser.entries(row))

    def _take(self, entry: Given) -> None:
        if isinstance(entry, Record) or len(entry[1]) > MOST_FIELDS:
            self._finished.append((self._count, self.parser.finished(entry)))
        elif isinstance(entry, Carried):
            self._plan(entry.shape, wrapped=True).add_received(self._count, entry.fields, entry.received)
        else:
            self._plan(entry[0]).add(self._count, entry[1])
        self._count += 1

    def _plan(self, shaped: str, *, wrapped: bool = False) -> Plan:
        plan = self._plans.get((shaped, wrapped))
        if plan is None:
            plan = self._plans[shaped, wrapped] = Plan(shaped, self._matcher.rules(shaped), wrapped=wrapped)
        return plan


def _object(row: bytes, read: jsontext.Reader) -> dict[str, Any] | None:
    """The object in a line that begins like one; None when it is none, and the parser may find text in it."""
    try:
        found: dict[str, Any] = read(row)
    except ValueError:
        return None
    return found


class _Moved:
    """How far records moved from the places of their lines, where other lines before them gave none or several."""

    __slots__ = ("_at", "_by", "last")

    def __init__(self) -> None:
        self._at: list[int] = []
        self._by: list[int] = [0]
        self.last = 0

    def add(self, at: int, by: int) -> None:
        """Records behind that line move by so much more."""
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
