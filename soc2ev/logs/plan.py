"""
The aggregation of `soc2ev.logs.aggregate` as one SELECT for the engine where the logs lie: one scan, one row an hour.

The rules are those of the shipped pack `common`, and of the user's packs for JSON records that use only `@` fields. The
dialects differ in reading JSON, casts, letter case and regular expressions. Times in text are read by arithmetic on
their digits, since no two engines take the same texts for times; so no engine's session zone has a part in it.
"""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from soc2ev.errors import ConfigError
from soc2ev.logs.dialects import DIALECTS, ENGINES, Dialect
from soc2ev.logs.events import KINDS, Pack, Rule, Test
from soc2ev.logs.formats.record import FAILURE, SUCCESS

FIELDS = {
    "time": "timestamp",
    "action": "event",
    "actor": "actor_id",
    "ip": "ip",
    "status": "status",
    "outcome": "outcome",
    "method": "method",
    "path": "path",
    "id": "request_id",
}
"""What the query needs to know, and the column that it looks for unless another one is named."""
RUN_HERE = frozenset({"duckdb", "spark", "clickhouse"})
"""Engines with which the query is run in our tests; for the others it is written after their documentation."""
_NAME = re.compile(r"^[A-Za-z_][\w$]{0,127}(?:\.[A-Za-z_][\w$]{0,127})*$", re.ASCII)
_TABLE = re.compile(r"^[A-Za-z_][\w$-]{0,127}(?:\.[A-Za-z_][\w$-]{0,127}){0,3}$", re.ASCII)
_COMMAND = "-- soc2ev logs plan "
_LATEST = 9_999_999_999
_END = 253_402_300_799
_LONGEST = 40
"""As `soc2ev.logs.instants`: the last Unix second, the last second of the year 9999, the longest text of a time."""
_CLOCK = "[0-9]{2}(:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?)?"
_ISO = (
    "([0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{4}/[0-9]{2}/[0-9]{2})[ -/:-~]"
    + _CLOCK
    + "( *(UTC|GMT)| ?Z| ?[+-][0-9]{2}| *[+-][0-9]{2}:?[0-9]{2})?"
)
"""Date, one character that is no digit, clock and zone; what of it is no time is found when it is computed."""
_UNIX = "[0-9]{9,19}([.][0-9]+)?|[1-9][.][0-9]+E[0-9]{1,2}"
_STATUS = "[+]?0*[1-5][0-9][0-9]"


def plan(
    engine: str,
    table: str,
    packs: Iterable[Pack],
    *,
    columns: Mapping[str, str] | None = None,
    json_column: str = "",
    text_time: bool = True,
) -> str:
    """
    The query for the table, below a comment on what it was proven with and one with the command that prints it.
    `columns` says where else a field of `FIELDS` is; empty text: nowhere.

    With `json_column` the fields are dotted paths in that column's JSON text. With `text_time` false the time is a
    timestamp of the engine; otherwise it is ISO 8601 or a Unix number, in UTC where it names no zone. ConfigError for
    an unknown engine or field, and for a name that could be anything but a name.
    """
    if engine not in DIALECTS:
        raise ConfigError(f"unknown engine {engine!r}", hint=f"use one of: {', '.join(ENGINES)}")
    for field in columns or {}:
        if field not in FIELDS:
            raise ConfigError(f"unknown field {field!r}", hint=f"name any of: {', '.join(FIELDS)}")
    names = {**FIELDS, **(columns or {})}
    for name in filter(None, (*names.values(), json_column)):
        _refuse(name, _NAME)
    _refuse(table, _TABLE)
    dialect, written = DIALECTS[engine], text_time or bool(json_column)
    asked = ",\n".join(f"  {line}" for line in [*_measures(dialect), *_events(dialect, packs)])
    steps = ",\n".join(_steps(dialect, f"{dialect.table(table)} t", names, json_column, written=written))
    told = f"{label(engine)}\n{_COMMAND}{_flags(engine, table, columns or {}, json_column, text_time=text_time)}"
    return f"{told}\nWITH {steps}\nSELECT\n{asked}\nFROM r\nGROUP BY {_hour(dialect)}\n"


class Planned(NamedTuple):
    """What a planned query reads: the table, and which of `FIELDS`."""

    table: str
    fields: tuple[str, ...]


def planned(query: str, engine: str, packs: Iterable[Pack]) -> Planned:
    """
    What a planned query reads.

    ValueError, with the reason, for a text that `plan` does not print for that engine with these packs: the command
    in its comment is followed again, and blanks at the ends of lines and a last semicolon are all that may differ.
    """
    command = next((line for line in query.splitlines() if line.startswith(_COMMAND)), "")
    if not command:
        raise ValueError("it has no comment with the command that planned it")
    given = _flags_read(command.removeprefix(_COMMAND))
    if given["--engine"] != engine:
        raise ValueError(f"it was planned for {given['--engine']}")
    columns = dict(one.split("=", 1) for one in given.get("--columns", "").split(",") if one)
    try:
        again = plan(
            engine,
            given["--table"],
            packs,
            columns=columns,
            json_column=given.get("--json-column", ""),
            text_time=given.get("--time-type") != "timestamp",
        )
    except ConfigError as problem:
        raise ValueError(problem.message) from None
    if _bare(again) != _bare(query):
        raise ValueError("it is not the text that its command prints now, with this version and these packs of events")
    return Planned(given["--table"], tuple(name for name in FIELDS if columns.get(name, FIELDS[name])))


def _flags(engine: str, table: str, columns: Mapping[str, str], json_column: str, *, text_time: bool) -> str:
    """The options of the command that plans the same; every name in it passed _refuse."""
    named = ",".join(
        f"{field}={columns[field]}" for field in FIELDS if columns.get(field, FIELDS[field]) != FIELDS[field]
    )
    further = [("--columns", named), ("--json-column", json_column), ("--time-type", "" if text_time else "timestamp")]
    return " ".join([f"--engine {engine} --table {table}", *(f"{name} {value}" for name, value in further if value)])


def _flags_read(text: str) -> dict[str, str]:
    """Options and their values; ValueError for what `_flags` does not write."""
    words = shlex.split(text)
    found = dict(zip(words[::2], words[1::2], strict=False))
    known = {"--engine", "--table", "--columns", "--json-column", "--time-type"}
    columns = [one for one in found.get("--columns", "").split(",") if one]
    if len(words) % 2 or not {"--engine", "--table"} <= found.keys() <= known or not all("=" in one for one in columns):
        raise ValueError("the command in its comment is not one that plans a query")
    return found


def _bare(query: str) -> list[str]:
    """The lines without the blanks at their ends, and without a semicolon behind the last."""
    lines = [line.rstrip() for line in query.strip().removesuffix(";").splitlines()]
    return [line for line in lines if line]


def label(engine: str) -> str:
    """The comment above a query: whether this engine runs it in our tests."""
    if engine in RUN_HERE:
        return f"-- soc2ev: run on {engine} in the tests of soc2ev, with the same rows as counted from the records."
    return f"-- soc2ev: written after the documentation of {engine}, and not run there by soc2ev's tests."


def _refuse(name: str, form: re.Pattern[str]) -> None:
    if not form.fullmatch(name):
        raise ConfigError(
            f"{name!r} cannot stand in a query", hint="use letters, digits and _, with dots between the parts"
        )


def _steps(dialect: Dialect, source: str, names: Mapping[str, str], json_column: str, *, written: bool) -> list[str]:
    """From the table to `r`, where a record has the known fields; each step makes names of its own."""

    def step(name: str, made: Mapping[str, str], origin: str) -> str:
        listed = ",\n         ".join(f"{expression} AS {column}" for column, expression in made.items())
        return f"{name} AS (\n  SELECT {listed}\n  FROM {origin}\n)"  # noqa: S608  every name passed _refuse

    first = [step("d", {"doc": dialect.document(f"t.{json_column}")}, source)] if json_column else []
    return [
        *first,
        step("f", _fields(dialect, names, json=bool(json_column), written=written), "d" if json_column else source),
        step("c", _cleaned(dialect, written=written), "f"),
        step("p", _parts(dialect, written=written), "c"),
        step("r", _known(dialect, written=written), "p"),
    ]


def _fields(dialect: Dialect, names: Mapping[str, str], *, json: bool, written: bool) -> dict[str, str]:
    """The fields as text; what stands for nothing is NULL. A time that is none in text is seconds at once."""

    def source(name: str) -> str:
        if not name:
            return f"CAST(NULL AS {dialect.text})"
        if json:
            return dialect.json("doc", name)
        # With its table: ClickHouse takes a bare name for an alias of that name.
        return ".".join(["t", *(f"{dialect.quote}{part}{dialect.quote}" for part in name.split("."))])

    made = {
        f"raw_{field}": f"NULLIF(NULLIF(CAST({source(name)} AS {dialect.text}), ''), '-')"
        for field, name in names.items()
    }
    if not written:
        made["raw_time"] = dialect.epoch(source(names["time"])) if names["time"] else f"CAST(NULL AS {dialect.whole})"
    return made


def _cleaned(dialect: Dialect, *, written: bool) -> dict[str, str]:
    """Words as the rules compare them, without the blanks around them."""

    def bare(name: str) -> str:
        return dialect.replace(name, f"^{dialect.blank}+|{dialect.blank}+$", "")

    bracket = f"({dialect.letter('[')}|{dialect.letter(']')})+"
    told = dialect.replace(bare("raw_time"), f"^{bracket}|{bracket}$", "")
    spaced = dialect.replace("raw_action", "([a-z0-9])([A-Z])", "{1}.{2}")
    return {
        "told_at": f"CASE WHEN LENGTH(raw_time) <= {_LONGEST} THEN {told} END" if written else "raw_time",
        "action": f"LOWER({dialect.replace(spaced, '[^A-Za-z0-9]+', '.')})",
        "actor": "raw_actor",
        "ip": "raw_ip",
        "request_id": "raw_id",
        "told_status": bare("raw_status"),
        "word_status": dialect.lower(bare("raw_status")),
        "word_outcome": dialect.lower(bare("raw_outcome")),
        "method": dialect.lower("raw_method"),
        "path": dialect.lower("raw_path"),
    }


_KEPT = ("action", "actor", "ip", "request_id", "method", "path")


def _parts(dialect: Dialect, *, written: bool) -> dict[str, str]:
    """Status and outcome; the parts of a date, all NULL for what has no such form; a Unix time in any of its units."""

    def part(start: int, size: int) -> str:
        return dialect.integer(f"SUBSTR(told_at, {start}, {size})")

    def clock(start: int) -> str:
        return f"CASE WHEN SUBSTR(told_at, {start - 1}, 1) = ':' THEN {part(start, 2)} ELSE 0 END"

    kept = dict(zip(_KEPT, _KEPT, strict=True))
    kept["status"] = (
        f"CASE WHEN {dialect.matches('told_status', _STATUS)}"
        f" THEN {dialect.integer('SUBSTR(told_status, LENGTH(told_status) - 2, 3)')} END"
    )
    kept["outcome"] = f"COALESCE({_outcome('word_outcome')}, {_outcome('word_status')})"
    if not written:
        return {**kept, "told_at": "told_at"}
    zone = f"REPLACE(REPLACE({dialect.replace('told_at', f'^.{{11}}{_CLOCK}', '')}, ' ', ''), ':', '')"
    return {
        **kept,
        "at_dated": f"CASE WHEN {dialect.matches('told_at', _ISO)} THEN 1 ELSE 0 END",
        "at_year": part(1, 4),
        "at_month": part(6, 2),
        "at_day": part(9, 2),
        "at_hour": part(12, 2),
        "at_minute": clock(15),
        "at_second": clock(18),
        "at_zone": zone,
        "at_unix": f"CASE WHEN {dialect.matches('told_at', _UNIX)} THEN {dialect.double('told_at')} END",
    }


def _outcome(name: str) -> str:
    return (
        f"CASE WHEN {name} IN ({_listed(sorted(SUCCESS))}) THEN 'success' "
        f"WHEN {name} IN ({_listed(sorted(FAILURE))}) THEN 'failure' END"
    )


def _known(dialect: Dialect, *, written: bool) -> dict[str, str]:
    """The record, with the second in which it happened, if that is within 1970 to 9999."""
    seconds = f"CASE WHEN at_dated = 1 THEN {_dated(dialect)} ELSE {_unix()} END" if written else "told_at"
    whole = f"CAST({seconds} AS {dialect.whole})"
    return {
        "at_s": f"CASE WHEN {whole} BETWEEN 0 AND {_END} THEN {whole} END",
        **{name: name for name in (*_KEPT, "status", "outcome")},
    }


def _dated(dialect: Dialect) -> str:
    """Seconds since 1970 of a date in the Gregorian calendar; NULL for the 30th of February, 24:00 and the like."""
    # Years that begin in March have their odd day at the end; 719468 days lie between 0000-03-01 and 1970-01-01.
    year = "(at_year - CASE WHEN at_month <= 2 THEN 1 ELSE 0 END)"
    days = (
        f"365 * {year} + FLOOR({year} / 4) - FLOOR({year} / 100) + FLOOR({year} / 400)"
        " + FLOOR((153 * MOD(at_month + 9, 12) + 2) / 5) + at_day - 719469"
    )
    leap = "MOD(at_year, 4) = 0 AND (MOD(at_year, 100) <> 0 OR MOD(at_year, 400) = 0)"
    longest = (
        f"CASE WHEN at_month = 2 THEN CASE WHEN {leap} THEN 29 ELSE 28 END"
        " WHEN at_month IN (4, 6, 9, 11) THEN 30 ELSE 31 END"
    )
    hours, minutes = (f"COALESCE({dialect.integer(f'SUBSTR(at_zone, {at}, 2)')}, 0)" for at in (2, 4))
    ahead = f"({hours} * 3600 + {minutes} * 60)"
    offset = f"CASE SUBSTR(at_zone, 1, 1) WHEN '+' THEN {ahead} WHEN '-' THEN -{ahead} ELSE 0 END"
    real = (
        f"at_month BETWEEN 1 AND 12 AND at_day BETWEEN 1 AND {longest}"
        f" AND at_hour <= 23 AND at_minute <= 59 AND at_second <= 59 AND {ahead} < 86400"
    )
    return f"CASE WHEN {real} THEN ({days}) * 86400 + at_hour * 3600 + at_minute * 60 + at_second - ({offset}) END"


def _unix() -> str:
    """Seconds, of which there are fewer than ten digits, or thousandths of them, three times over."""
    units = ["at_unix" + " / 1000" * power for power in range(4)]
    return f"FLOOR(CASE {' '.join(f'WHEN {unit} <= {_LATEST} THEN {unit}' for unit in units)} END)"


def _hour(dialect: Dialect) -> str:
    return f"CAST(FLOOR(at_s / 3600) AS {dialect.whole})"


def _measures(dialect: Dialect) -> list[str]:
    def counted(condition: str, name: str) -> str:
        return f"SUM(CASE WHEN {condition} THEN 1 ELSE 0 END) AS {name}"

    everything = "actor IS NOT NULL AND action IS NOT NULL AND ip IS NOT NULL AND at_s IS NOT NULL"
    return [
        f"{_hour(dialect)} AS hour",
        "COUNT(*) AS records",
        counted("actor IS NOT NULL", "who"),
        counted("action IS NOT NULL", "what"),
        counted(everything, "who_what_when_where"),
        counted("ip IS NOT NULL", "place"),
        counted("request_id IS NOT NULL", "correlated"),
        counted("status IS NOT NULL", "told"),
        counted("status >= 500", "errors"),
        "CASE WHEN MIN(request_id) <> MAX(request_id) THEN 1 ELSE 0 END AS ids_differ",
        "MIN(at_s) AS first_at",
        "MAX(at_s) AS last_at",
    ]


def _events(dialect: Dialect, packs: Iterable[Pack]) -> list[str]:
    rules = [rule for pack in packs if "json" in pack.shapes for rule in pack.rules if _portable(rule)]
    made = []
    for kind in KINDS:
        own = [_rule(dialect, rule) for rule in rules if rule.event == kind]
        condition = "\n     OR ".join(own) or "1 = 0"
        made.append(f"SUM(CASE WHEN {condition} THEN 1 ELSE 0 END) AS {kind.replace('.', '_')}")
    return made


_KNOWN = frozenset({"@action", "@status", "@outcome", "@method", "@path", "@actor"})


def portable(packs: Iterable[Pack]) -> tuple[Pack, ...]:
    """The packs with those rules alone that the query has: for comparing what both count."""
    return tuple(
        Pack(pack.name, pack.shapes, tuple(rule for rule in pack.rules if _portable(rule)))
        for pack in packs
        if "json" in pack.shapes
    )


def _portable(rule: Rule) -> bool:
    return all(test.field in _KNOWN for group in (*rule.when, *rule.unless) for test in group)


def _rule(dialect: Dialect, rule: Rule) -> str:
    when = " OR ".join(_all(dialect, group) for group in rule.when)
    if not rule.unless:
        return f"({when})"
    unless = " OR ".join(_all(dialect, group) for group in rule.unless)
    return f"(({when}) AND NOT ({unless}))"


def _all(dialect: Dialect, group: tuple[Test, ...]) -> str:
    return "(" + " AND ".join(f"COALESCE({_test(dialect, test)}, 1 = 0)" for test in group) + ")"


def _test(dialect: Dialect, test: Test) -> str:
    name = test.field.removeprefix("@")
    if test.present is not None:
        return f"{name} IS {'NOT ' if test.present else ''}NULL"
    if test.range is not None:
        return _within(name if name == "status" else dialect.double(name), *test.range)
    if name == "status" and all(text.isdecimal() and str(int(text)) == text for text in test.texts):
        return f"status IN ({', '.join(test.texts)})"
    known = {"status": f"CAST(status AS {dialect.text})", "actor": dialect.lower("actor")}.get(name, name)
    return dialect.matches(known, "|".join(_pattern(dialect, text) for text in test.texts))


def _within(number: str, low: float, high: float) -> str:
    bounds = [f"{number} {sign} {bound:.17g}" for sign, bound in ((">=", low), ("<=", high)) if math.isfinite(bound)]
    return " AND ".join(bounds) or f"{number} IS NOT NULL"


def _pattern(dialect: Dialect, text: str) -> str:
    """A pattern in which a class of one character stands for what has a meaning of its own."""
    return ".*".join("".join(_plain(dialect, letter) for letter in part) for part in text.split("*"))


def _plain(dialect: Dialect, letter: str) -> str:
    if letter in "'\\^[]":
        return dialect.letter(letter)
    return letter if letter.isalnum() or letter in '_/:@#,;=!<>~%& -"' else f"[{letter}]"


def _listed(words: Iterable[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)
