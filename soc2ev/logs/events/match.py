"""Rules put to work: the events of a record, remembered by the values that the rules look at."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from soc2ev.logs.events.pack import SHAPES, Pack, Rule, Test, spelled, words
from soc2ev.logs.formats import Record
from soc2ev.logs.formats.record import Value

_MOST_REMEMBERED = 50_000
_WIDE = frozenset(
    [
        "@path",
        "@message",
        "@actor",
        "@target",
        "message",
        "errorMessage",
        "userIdentity.arn",
        "reason",
        "error",
        "result",
        "outcome",
    ]
)
Holds = Callable[[tuple[Value, ...]], bool]


class Matcher:
    """Tells the events of records by the rules of some packs; it remembers a bounded number of answers."""

    def __init__(self, packs: Iterable[Pack]) -> None:
        found = self.packs = list(packs)
        self._shapes = {
            shape: Rules([rule for pack in found if shape in pack.shapes for rule in pack.rules]) for shape in SHAPES
        }

    def rules(self, shape: str) -> Rules:
        """The rules for records of that shape."""
        return self._shapes[shape]

    def events(self, record: Record) -> tuple[str, ...]:
        """The canonical events that the record tells of, each once, in alphabetical order."""
        return self._shapes[record.shape].events(record)


class Rules:
    """
    The rules for one shape; the values of their fields are the key under which an answer is remembered.

    Of fields that hardly repeat, such as paths, the key has only which of their tests hold.
    """

    def __init__(self, rules: list[Rule]) -> None:
        tests = [test for rule in rules for group in (*rule.when, *rule.unless) for test in group]
        self.narrow = sorted({test.field for test in tests} - _WIDE)
        """Fields whose values count as they are, `@` and a name for what is known of a record."""
        self.wide = {
            field: _Wide(own)
            for field in sorted(_WIDE)
            if (own := list(dict.fromkeys(test for test in tests if test.field == field)))
        }
        """Fields of which only counts which of their tests hold."""
        places = {test: self._place(test, tests) for test in tests}
        self._rules = [(rule.event, _any_of(rule.when, places), _any_of(rule.unless, places)) for rule in rules]
        self._remembered: dict[tuple[object, ...], tuple[str, ...]] = {}

    def _place(self, test: Test, tests: list[Test]) -> _Placed:
        if test.field not in _WIDE:
            return _Placed(self.narrow.index(test.field), _accepts(test))
        at = list(dict.fromkeys(one for one in tests if one.field == test.field)).index(test)
        place = len(self.narrow) + list(self.wide).index(test.field)
        return _Placed(place, lambda mask: isinstance(mask, int) and bool(mask >> at & 1))

    def events(self, record: Record) -> tuple[str, ...]:
        """The events of a record of that shape."""
        values = tuple(
            [_value(record, name) for name in self.narrow]
            + [
                one.nothing if (value := record.value(name)) is None else one.mask(value)
                for name, one in self.wide.items()
            ]
        )
        key = (values, *map(type, values))  # 1, 1.0 and true are equal, and no test takes them for the same
        found = self._remembered.get(key)
        if found is None:
            if len(self._remembered) >= _MOST_REMEMBERED:
                self._remembered.clear()
            made = {event for event, when, unless in self._rules if when(values) and not unless(values)}
            found = self._remembered[key] = tuple(sorted(made))
        return found

    def masks(self, name: str, values: list[Any]) -> list[int]:
        """For each value of a wide field which of its tests hold, as bits."""
        return self.wide[name].masks(values)


class _Wide:
    """The tests of a field whose values hardly repeat, and texts of which a value must have one to pass any of them."""

    def __init__(self, tests: list[Test]) -> None:
        self._tests = [_accepts(test) for test in tests]
        spelt = [(text, 1 << at) for at, test in enumerate(tests) for text in test.texts]
        found = {_longest(text) for text, _ in spelt}
        plain = all(test.present is None and test.range is None for test in tests)
        # What has a needle within another one is found by the shorter one.
        shortest = sorted(one for one in found if not any(other in one for other in found - {one}))
        self._needles = shortest if plain and "" not in found else None
        self._exact: dict[str, int] = {}
        for text, bit in spelt:
            if "*" not in text:
                self._exact[text] = self._exact.get(text, 0) | bit
        self._globs = [(_longest(text), _glob([text]), bit) for text, bit in spelt if "*" in text]
        self.nothing = self.mask(None)
        """The mask of a field that is not there."""

    def mask(self, value: Value) -> int:
        """Bit by bit which tests hold."""
        if self._needles is None:
            return sum([1 << at for at, accepts in enumerate(self._tests) if accepts(value)])
        if value is None:
            return 0
        text = spelled(value)
        found = self._exact.get(text, 0)
        for needle, pattern, bit in self._globs:
            if needle in text and pattern.fullmatch(text):
                found |= bit
        return found

    def masks(self, values: list[Any]) -> list[int]:
        """The mask of each value."""
        if self._needles is None:
            return [self.mask(value) for value in values]
        shown = [value if isinstance(value, str) else "" if value is None else str(value) for value in values]
        whole = "\n".join(shown).lower()
        there = [needle for needle in self._needles if needle in whole]
        if not there:
            return [0] * len(values)
        if len(whole) != sum(map(len, shown)) + len(shown) - 1:
            shown = list(map(str.lower, shown))  # one of the few letters that are two in lower case
        ends = list(accumulate(map(len, shown), lambda end, size: end + 1 + size))
        found: dict[int, int] = {}
        for needle in there:
            at = whole.find(needle)
            while at >= 0:
                place = bisect_left(ends, at + 1)
                if place not in found:
                    found[place] = self.mask(values[place])
                at = whole.find(needle, ends[place])
        return [found.get(place, 0) for place in range(len(values))]


def _value(record: Record, name: str) -> Value:
    if name == "@action":
        return None if record.action is None else words(record.action)
    return record.value(name)


def _any_of(groups: tuple[tuple[Test, ...], ...], places: dict[Test, _Placed]) -> Holds:
    compiled = [[places[test] for test in group] for group in groups]
    return lambda values: any(all(test.accepts(values[test.place]) for test in group) for group in compiled)


@dataclass(frozen=True, slots=True)
class _Placed:
    place: int
    accepts: Callable[[Value], bool]


def _accepts(test: Test) -> Callable[[Value], bool]:
    if test.present is not None:
        return lambda value: (value not in (None, "")) == test.present
    if test.range is not None:
        low, high = test.range
        return lambda value: (number := _number(value)) is not None and low <= number <= high
    plain = frozenset(text for text in test.texts if "*" not in text)
    globs = [text for text in test.texts if "*" in text]
    pattern = _glob(globs)
    if not globs:
        return lambda value: value is not None and spelled(value) in plain
    return lambda value: value is not None and ((text := spelled(value)) in plain or bool(pattern.fullmatch(text)))


def _glob(texts: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(".*".join(map(re.escape, text.split("*"))) for text in texts), re.DOTALL)


def _longest(text: str) -> str:
    """What a value must have in it to be like that text."""
    return max(text.split("*"), key=len)


def _number(value: Value) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None
