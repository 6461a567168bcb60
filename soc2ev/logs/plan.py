"""
The aggregation of `soc2ev.logs.aggregate` as one SELECT for the engine where the logs lie: one scan, one row an hour.

The rules are those of the shipped pack `common`, and of the user's packs for JSON records that use only `@` fields. The
dialects differ in four things alone: reading JSON, time, numbers and regular expressions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from soc2ev.errors import ConfigError
from soc2ev.logs.events import KINDS, Pack, Rule, Test

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
RUN_HERE = frozenset({"duckdb"})
"""Engines with which the query is run in our tests; for the others it is written after their documentation."""
_NAME = re.compile(r"^[A-Za-z_][\w$]{0,127}(?:\.[A-Za-z_][\w$]{0,127})*$")
_TABLE = re.compile(r"^[A-Za-z_][\w$-]{0,127}(?:\.[A-Za-z_][\w$-]{0,127}){0,3}$")
_SUCCESS = "success succeeded successful ok allow allowed granted pass passed true"
_FAILURE = "failure failed fail error deny denied rejected refused unauthorized forbidden false"


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one engine spells what engines spell differently; `x` is an expression."""

    quote: str
    json: Callable[[str, str], str]
    """(column, dotted path) -> text, NULL when it is not there."""
    text_time: Callable[[str], str]
    """ISO 8601 text -> timestamp, NULL when it is none."""
    epoch: Callable[[str], str]
    """timestamp -> whole seconds since 1970."""
    integer: Callable[[str], str]
    text: str
    replace: Callable[[str, str, str], str]
    """(x, pattern, replacement with {1} and {2}) -> all replaced."""
    matches: Callable[[str, str], str]
    """(x, pattern) -> whether all of it matches."""
    table_quote: Callable[[str, str], str] = lambda table, quote: ".".join(
        f"{quote}{part}{quote}" for part in table.split(".")
    )


def _standard_json(name: str) -> Callable[[str, str], str]:
    return lambda column, path: f"{name}({column}, '$.{path}')"


def _grouped(text: str, mark: str) -> str:
    return text.replace("{1}", f"{mark}1").replace("{2}", f"{mark}2")


_TRINO = Dialect(
    quote='"',
    json=_standard_json("json_extract_scalar"),
    text_time=lambda x: f"TRY(from_iso8601_timestamp({x}))",
    epoch=lambda x: f"CAST(FLOOR(to_unixtime({x})) AS BIGINT)",
    integer=lambda x: f"TRY_CAST({x} AS INTEGER)",
    text="VARCHAR",
    replace=lambda x, pattern, by: f"regexp_replace({x}, '{pattern}', '{_grouped(by, '$')}')",
    matches=lambda x, pattern: f"regexp_like({x}, '(?s)^({pattern})$')",
)
DIALECTS: Mapping[str, Dialect] = {
    "duckdb": Dialect(
        quote='"',
        json=_standard_json("json_extract_string"),
        text_time=lambda x: f"TRY_CAST({x} AS TIMESTAMPTZ)",
        epoch=lambda x: f"CAST(FLOOR(epoch({x})) AS BIGINT)",
        integer=lambda x: f"TRY_CAST({x} AS INTEGER)",
        text="VARCHAR",
        replace=lambda x, pattern, by: f"regexp_replace({x}, '{pattern}', '{_grouped(by, chr(92))}', 'g')",
        matches=lambda x, pattern: f"regexp_full_match({x}, '(?s){pattern}')",
    ),
    "trino": _TRINO,
    "athena": _TRINO,
    "bigquery": Dialect(
        quote="`",
        json=_standard_json("JSON_VALUE"),
        text_time=lambda x: f"SAFE_CAST({x} AS TIMESTAMP)",
        epoch=lambda x: f"UNIX_SECONDS({x})",
        integer=lambda x: f"SAFE_CAST({x} AS INT64)",
        text="STRING",
        replace=lambda x, pattern, by: f"REGEXP_REPLACE({x}, r'{pattern}', r'{_grouped(by, chr(92))}')",
        matches=lambda x, pattern: f"REGEXP_CONTAINS({x}, r'(?s)^({pattern})$')",
        table_quote=lambda table, quote: f"{quote}{table}{quote}",
    ),
    "snowflake": Dialect(
        quote='"',
        json=lambda column, path: f"GET_PATH(TRY_PARSE_JSON({column}), '{path}')::STRING",
        text_time=lambda x: f"TRY_TO_TIMESTAMP_TZ({x})",
        epoch=lambda x: f"DATE_PART(EPOCH_SECOND, {x})",
        integer=lambda x: f"TRY_TO_NUMBER({x}::STRING)",
        text="STRING",
        # A backslash in a string literal is an escape itself; REGEXP_LIKE matches the whole text ('s': dot is all).
        replace=lambda x, pattern, by: f"REGEXP_REPLACE({x}, '{pattern}', '{_grouped(by, chr(92) * 2)}')",
        matches=lambda x, pattern: f"REGEXP_LIKE({x}, '{pattern}', 's')",
        table_quote=lambda table, _: table,
    ),
    "spark": Dialect(
        quote="`",
        json=_standard_json("get_json_object"),
        text_time=lambda x: f"try_to_timestamp({x})",
        epoch=lambda x: f"unix_timestamp({x})",
        integer=lambda x: f"TRY_CAST({x} AS INT)",
        text="STRING",
        replace=lambda x, pattern, by: f"regexp_replace({x}, '{pattern}', '{_grouped(by, '$')}')",
        matches=lambda x, pattern: f"{x} RLIKE '(?s)^({pattern})$'",
    ),
    "clickhouse": Dialect(
        quote="`",
        json=lambda column, path: f"nullIf(JSON_VALUE({column}, '$.{path}'), '')",
        text_time=lambda x: f"parseDateTime64BestEffortOrNull({x}, 3, 'UTC')",
        epoch=lambda x: f"toUnixTimestamp({x})",
        integer=lambda x: f"toInt32OrNull(toString({x}))",
        text="Nullable(String)",
        replace=lambda x, pattern, by: f"replaceRegexpAll({x}, '{pattern}', '{_grouped(by, chr(92) * 2)}')",
        matches=lambda x, pattern: f"match({x}, '(?s)^({pattern})$')",
    ),
}
ENGINES = tuple(DIALECTS)


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
    The query for the table. `columns` says where else a field of `FIELDS` is; empty text: nowhere.

    With `json_column` the fields are dotted paths in that column's JSON. With `text_time` false the time is a timestamp
    of the engine. ConfigError for an unknown engine or field, and for a name that could be anything but a name.
    """
    if engine not in DIALECTS:
        raise ConfigError(f"unknown engine {engine!r}", hint=f"use one of: {', '.join(ENGINES)}")
    for field in columns or {}:
        if field not in FIELDS:
            raise ConfigError(f"unknown field {field!r}", hint=f"name any of: {', '.join(FIELDS)}")
    dialect = DIALECTS[engine]
    names = {**FIELDS, **(columns or {})}
    for name in filter(None, (*names.values(), json_column)):
        _refuse(name, _NAME)
    _refuse(table, _TABLE)
    fields = {field: _source(dialect, name, json_column) for field, name in names.items()}
    time = dialect.text_time(fields["time"]) if text_time or json_column else fields["time"]
    source = dialect.table_quote(table, dialect.quote)
    return "\n".join(
        [
            "WITH r AS (",
            f"  SELECT {_columns(dialect, fields, time)}",
            f"  FROM {source}",
            ")",
            "SELECT",
            ",\n".join(f"  {line}" for line in [*_measures(), *_events(dialect, packs)]),
            "FROM r",
            "GROUP BY FLOOR(at_s / 3600)",
            "",
        ]
    )


def _refuse(name: str, form: re.Pattern[str]) -> None:
    if not form.match(name):
        raise ConfigError(
            f"{name!r} cannot stand in a query", hint="use letters, digits and _, with dots between the parts"
        )


def _source(dialect: Dialect, name: str, json_column: str) -> str:
    if not name:
        return f"CAST(NULL AS {dialect.text})"
    if json_column:
        return dialect.json(json_column, name)
    return ".".join(f"{dialect.quote}{part}{dialect.quote}" for part in name.split("."))


def _columns(dialect: Dialect, fields: Mapping[str, str], time: str) -> str:
    """The known fields of a record, spelled as the rules compare them."""
    as_text = {field: f"CAST({expression} AS {dialect.text})" for field, expression in fields.items()}
    given = {field: f"NULLIF(NULLIF({expression}, ''), '-')" for field, expression in as_text.items()}
    spaced = dialect.replace(given["action"], "([a-z0-9])([A-Z])", "{1}.{2}")
    status = dialect.integer(fields["status"])
    outcome = f"LOWER({given['outcome']})"
    made = {
        "at_s": dialect.epoch(time),
        "action": f"LOWER({dialect.replace(spaced, '[^A-Za-z0-9]+', '.')})",
        "actor": given["actor"],
        "ip": given["ip"],
        "status": f"CASE WHEN {status} BETWEEN 100 AND 599 THEN {status} END",
        "outcome": f"CASE WHEN {outcome} IN ({_listed(_SUCCESS.split())}) THEN 'success' "
        f"WHEN {outcome} IN ({_listed(_FAILURE.split())}) THEN 'failure' END",
        "method": f"LOWER({given['method']})",
        "path": f"LOWER({given['path']})",
        "request_id": given["id"],
    }
    return ",\n         ".join(f"{expression} AS {name}" for name, expression in made.items())


def _measures() -> list[str]:
    def counted(condition: str, name: str) -> str:
        return f"SUM(CASE WHEN {condition} THEN 1 ELSE 0 END) AS {name}"

    everything = "actor IS NOT NULL AND action IS NOT NULL AND ip IS NOT NULL AND at_s IS NOT NULL"
    return [
        "FLOOR(at_s / 3600) AS hour",
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
        low, high = (f"{bound:g}" for bound in test.range)
        bounds = [f"{name} >= {low}"] if low != "-inf" else []
        return " AND ".join([*bounds, *([f"{name} <= {high}"] if high != "inf" else [])]) or f"{name} IS NOT NULL"
    if name == "status":
        return f"{name} IN ({', '.join(text for text in test.texts if text.isdigit()) or 'NULL'})"
    lowered = f"LOWER({name})" if name == "actor" else name
    return dialect.matches(lowered, "|".join(_pattern(text) for text in test.texts))


def _pattern(text: str) -> str:
    """A pattern without backslashes, which engines escape differently: classes of one character instead."""
    return ".*".join("".join(_plain(letter) for letter in part) for part in text.split("*"))


def _plain(letter: str) -> str:
    if letter == "'":
        return "''"
    return letter if letter.isalnum() or letter in '_/:@#,;=!<>~%& -"' else "." if letter in "\\^" else f"[{letter}]"


def _listed(words: Iterable[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)
