"""How the engines that keep logs spell what engines spell differently: one dialect of SQL each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one engine spells what engines spell differently; `x` is an expression of text unless said otherwise."""

    quote: str
    document: Callable[[str], str]
    """column of JSON text -> the document, or what has no fields when the text is no JSON"""
    json: Callable[[str, str], str]
    """(document, dotted path) -> text; NULL when it is not there, null, an object or a list"""
    epoch: Callable[[str], str]
    """timestamp -> whole seconds since 1970"""
    integer: Callable[[str], str]
    """text -> whole number, NULL when it is none"""
    double: Callable[[str], str]
    replace: Callable[[str, str, str], str]
    """(x, pattern, replacement with {1} and {2}) -> all replaced"""
    matches: Callable[[str, str], str]
    """(x, pattern) -> whether all of it matches, to the last character"""
    text: str = "VARCHAR"
    whole: str = "BIGINT"
    blank: str = "[[:space:]]"
    """One blank in a pattern within a literal."""
    letter: Callable[[str], str] = lambda letter: f"\\x{ord(letter):02x}"
    """How a quote, a backslash, a caret or a bracket is spelled in a pattern within a literal."""
    # The dotted capital I is the one letter whose lower case is two, which engines that map letter by letter miss.
    lower: Callable[[str], str] = lambda x: f"LOWER(REPLACE({x}, CHR(304), CONCAT('i', CHR(775))))"
    table: Callable[[str], str] = lambda table: ".".join(f'"{part}"' for part in table.split("."))


def _grouped(text: str, mark: str) -> str:
    return text.replace("{1}", f"{mark}1").replace("{2}", f"{mark}2")


def _backquoted(table: str) -> str:
    return ".".join(f"`{part}`" for part in table.split("."))


def _spark_json(document: str, path: str) -> str:
    """What begins as an object or a list may be text: it is none when it is read as such. Asked for such text alone."""
    text = f"get_json_object({document}, '$.{path}')"
    first, *inner = path.split(".")

    def unlike(kind: str) -> str:
        for part in reversed(inner):
            kind = f"STRUCT<`{part}`: {kind}>"
        return f"from_json({document}, '`{first}` {kind}').{_backquoted(path)} IS NULL"

    return (
        f"CASE WHEN SUBSTR({text}, 1, 1) NOT IN ('{{', '[') THEN {text}"
        f" WHEN {unlike('MAP<STRING, STRING>')} AND {unlike('ARRAY<STRING>')} THEN {text} END"
    )


def _clickhouse_json(document: str, path: str) -> str:
    """JSON's 200.0 is written as 200 by this engine alone, and would then be a whole number."""
    keys = ", ".join(f"'{part}'" for part in path.split("."))
    text = f"JSONExtract({document}, {keys}, 'Nullable(String)')"
    return (
        f"CASE JSONType({document}, {keys}) WHEN 'Object' THEN NULL WHEN 'Array' THEN NULL"
        f" WHEN 'Double' THEN replaceRegexpOne({text}, '^(-?[0-9]+)$', '\\\\1.0') ELSE {text} END"
    )


_TRINO = Dialect(
    quote='"',
    document=lambda column: f"TRY(json_parse({column}))",
    json=lambda document, path: f"json_extract_scalar({document}, '$.{path}')",
    epoch=lambda x: f"FLOOR(to_unixtime({x}))",
    integer=lambda x: f"TRY_CAST({x} AS BIGINT)",
    double=lambda x: f"TRY_CAST({x} AS DOUBLE)",
    replace=lambda x, pattern, by: f"regexp_replace({x}, '{pattern}', '{_grouped(by, '$')}')",
    # `$` would match before a last line feed too.
    matches=lambda x, pattern: f"regexp_like({x}, '(?s)\\A({pattern})\\z')",
    blank=r"\s",
)
DIALECTS: Mapping[str, Dialect] = {
    "duckdb": Dialect(
        quote='"',
        document=lambda column: f"CASE WHEN json_valid({column}) THEN {column} END",
        json=lambda document, path: (
            f"CASE WHEN json_type({document}, '$.{path}') NOT IN ('OBJECT', 'ARRAY')"
            f" THEN json_extract_string({document}, '$.{path}') END"
        ),
        epoch=lambda x: f"FLOOR(epoch({x}))",
        integer=lambda x: f"TRY_CAST({x} AS BIGINT)",
        double=lambda x: f"TRY_CAST({x} AS DOUBLE)",
        replace=lambda x, pattern, by: f"regexp_replace({x}, '{pattern}', '{_grouped(by, chr(92))}', 'g')",
        matches=lambda x, pattern: f"regexp_full_match({x}, '(?s){pattern}')",
    ),
    "trino": _TRINO,
    "athena": _TRINO,
    "bigquery": Dialect(
        quote="`",
        document=lambda column: f"SAFE.PARSE_JSON({column}, wide_number_mode => 'round')",
        json=lambda document, path: f"JSON_VALUE({document}, '$.{path}')",
        epoch=lambda x: f"UNIX_SECONDS({x})",
        integer=lambda x: f"SAFE_CAST({x} AS INT64)",
        double=lambda x: f"SAFE_CAST({x} AS FLOAT64)",
        replace=lambda x, pattern, by: f"REGEXP_REPLACE({x}, r'{pattern}', r'{_grouped(by, chr(92))}')",
        matches=lambda x, pattern: f"REGEXP_CONTAINS({x}, r'(?s)^({pattern})$')",
        text="STRING",
        whole="INT64",
        table=lambda table: f"`{table}`",
    ),
    "snowflake": Dialect(
        quote='"',
        document=lambda column: f"TRY_PARSE_JSON({column})",
        json=lambda document, path: (
            f"CASE WHEN TYPEOF(GET_PATH({document}, '{path}')) NOT IN ('OBJECT', 'ARRAY')"
            f" THEN GET_PATH({document}, '{path}')::STRING END"
        ),
        epoch=lambda x: f"DATE_PART(EPOCH_SECOND, {x})",
        integer=lambda x: f"TRY_TO_NUMBER({x})",
        double=lambda x: f"TRY_TO_DOUBLE({x})",
        # A backslash in a string literal is an escape itself; REGEXP_LIKE matches the whole text ('s': dot is all).
        replace=lambda x, pattern, by: f"REGEXP_REPLACE({x}, '{pattern}', '{_grouped(by, chr(92) * 2)}')",
        matches=lambda x, pattern: f"REGEXP_LIKE({x}, '{pattern}', 's')",
        text="STRING",
        letter=lambda letter: "''" if letter == "'" else f"\\\\{letter.replace(chr(92), chr(92) * 2)}",
        table=lambda table: table,
    ),
    "spark": Dialect(
        quote="`",
        # Its reader takes single quotes too, and does not look at what follows the object.
        document=lambda column: f"CASE WHEN {column} RLIKE r'(?s)^\\s*[{{]\\s*\".*[}}]\\s*\\z' THEN {column} END",
        json=_spark_json,
        epoch=lambda x: f"FLOOR(unix_micros(CAST({x} AS TIMESTAMP)) / 1000000)",
        integer=lambda x: f"TRY_CAST({x} AS BIGINT)",
        double=lambda x: f"TRY_CAST({x} AS DOUBLE)",
        # Raw literals (Spark 3.4) mean the same whatever spark.sql.parser.escapedStringLiterals says.
        replace=lambda x, pattern, by: f"regexp_replace({x}, r'{pattern}', '{_grouped(by, '$')}')",
        matches=lambda x, pattern: f"{x} RLIKE r'(?s)^({pattern})\\z'",
        text="STRING",
        blank=r"\s",
        lower=lambda x: f"LOWER({x})",
        table=_backquoted,
    ),
    "clickhouse": Dialect(
        quote="`",
        document=lambda column: f"ifNull(CAST({column} AS Nullable(String)), '')",
        json=_clickhouse_json,
        epoch=lambda x: f"FLOOR(toFloat64(toDateTime64({x}, 6, 'UTC')))",
        integer=lambda x: f"toInt64OrNull({x})",
        double=lambda x: f"toFloat64OrNull({x})",
        replace=lambda x, pattern, by: f"replaceRegexpAll({x}, '{pattern}', '{_grouped(by, chr(92) * 2)}')",
        matches=lambda x, pattern: f"match({x}, '(?s)^({pattern})$')",
        text="Nullable(String)",
        whole="Nullable(Int64)",
        letter=lambda letter: f"\\\\x{ord(letter):02x}",
        lower=lambda x: f"lowerUTF8({x})",
        table=_backquoted,
    ),
}
ENGINES = tuple(DIALECTS)


__all__ = ["DIALECTS", "ENGINES", "Dialect"]
