"""
The embedded SQL engine behind the tables; the only importer of duckdb.

Columns are declared, rows are inserted, then the engine is locked: no file, no network, no setting can be reached
from SQL any more, and only single SELECT statements run. Both locks are needed: a locked connection would still
delete rows.
"""

from __future__ import annotations

import itertools
import json
import math
import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache

import duckdb  # noqa: TID251  the one importer

from soc2ev.errors import ControlError
from soc2ev.model import Column, Json, Table
from soc2ev.tables.row import Names

_SHORT = 100
"""Characters of texts that are likely to come again."""
_BATCH = 2_000
_TIMEOUT_SECONDS = 120
_TYPES = {"TEXT": "VARCHAR", "TEXT[]": "VARCHAR[]"}
_CLASSES: dict[str, tuple[type, ...]] = {
    "TEXT": (str,),
    "BOOLEAN": (bool,),
    "BIGINT": (int,),
    "DOUBLE": (int, float),
    "DATE": (date, str),
    "TIMESTAMP": (datetime, str),
    "TEXT[]": (list, tuple),
}
_CLOSED: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "python_enable_replacements": "false",
    "memory_limit": "2GB",
    "threads": "2",
    "max_temp_directory_size": "0B",
    "temp_directory": "",
}
# A verdict must come out the same next year: nothing that knows the time, chance or the machine.
_UNREPEATABLE = re.compile(
    r"now|today|current_(date|(local)?time(stamp)?|setting|user|role|catalog|schemas?)|get_current_\w+|session_user|"
    r"transaction_timestamp|localtime(stamp)?|random|setseed|(gen_random_)?uuid(v4|v7)?|getvariable|getenv|duckdb_\w+|"
    r"pragma_\w+|pg_\w+|approx_\w+|reservoir_quantile|tablesample|using sample",
    re.IGNORECASE,
)
_TABLE_FUNCTIONS = frozenset(["generate_series", "range", "unnest", "json_each", "json_tree", "repeat", "repeat_row"])
"""Functions that may stand in FROM; all others read files, the machine, or run SQL that stands in a string."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What a SELECT gave: column names and rows as mappings of JSON-like values; instants are aware UTC."""

    columns: tuple[str, ...]
    rows: tuple[Mapping[str, Json], ...]

    def __iter__(self) -> Iterator[Mapping[str, Json]]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


class Engine:
    """Declared tables in memory: create, insert, then lock and select."""

    def __init__(self) -> None:
        self._connection = duckdb.connect(":memory:", config=_CLOSED)
        # The tables of a database that is attached like this can be compressed, those of the first one cannot:
        # https://duckdb.org/docs/stable/sql/statements/checkpoint
        self._connection.execute("attach ':memory:' as evidence (compress)")
        self._connection.execute("use evidence")
        # Else a cast to an instant with a zone, and back, would depend on the machine.
        self._connection.execute("set TimeZone = 'UTC'")
        self._locked = False
        self._texts: dict[str, str] = {}

    def close(self) -> None:
        """Give the memory back; the engine is of no use afterwards."""
        self._connection.close()

    def create(self, table: Table) -> None:
        """Create the declared table, empty."""
        required = {*table.key, *(column.name for column in table.columns if column.required)}
        columns = ", ".join(
            f'"{column.name}" {_type(column)}{" NOT NULL" if column.name in required else ""}'
            for column in table.columns
        )
        self._connection.execute(f'create table "{table.name}" ({columns})')

    def insert(self, table: Table, rows: Iterable[Mapping[str, Json]]) -> int:
        """
        Insert the rows; the number inserted.

        ValueError for a row with a column that is not declared, a value of another type, or a NULL in the key.
        """
        names = [column.name for column in table.columns]
        types = {column.name: column.type for column in table.columns}
        shape = json.dumps([{column.name: _type(column) for column in table.columns}])
        listed = ", ".join(f'r."{name}"' for name in names)
        read = f"select unnest(from_json_strict(?::JSON, '{shape}')) as r"
        sql = f'insert into "{table.name}" select {listed} from ({read})'  # noqa: S608
        inserted = 0
        for batch in _batched(rows, _BATCH):
            plain = [typed(table.name, types, row) for row in batch]
            try:
                self._connection.execute(sql, [json.dumps(plain, allow_nan=False)])
            except duckdb.Error as problem:
                raise ValueError(f"{table.name}: {_first_line(problem)}") from None
            inserted += len(batch)
        return inserted

    def derive(self, sql: str) -> None:
        """Run the project's own SQL of a derived table; never the user's."""
        if self._locked:
            raise RuntimeError("derived tables are made before the lock")
        self._connection.execute(sql)

    def stream(self, sql: str) -> Iterator[Mapping[str, Json]]:
        """The rows of the project's own SELECT in batches, so that memory stays flat; before the lock only."""
        cursor = self._connection.cursor().execute("use evidence").execute(sql)
        columns = tuple(entry[0] for entry in cursor.description or ())
        while batch := cursor.fetchmany(_BATCH):
            for row in batch:
                yield dict(zip(columns, map(_aware, row), strict=True))

    def compact(self) -> None:
        """Take as little memory as the rows need; not while a `stream` is read."""
        self._connection.execute("checkpoint evidence")

    def lock(self) -> None:
        """From here on nothing outside the tables can be reached, and only SELECT runs."""
        self._connection.execute("set enable_external_access = false")
        self._connection.execute("set lock_configuration = true")
        self._locked = True

    def select(self, sql: str, parameters: Mapping[str, Json] | None = None) -> Rows:
        """
        The rows of one SELECT.

        ControlError when the text is not exactly one SELECT, uses something that does not repeat (time, chance, the
        machine), does not run, or takes longer than two minutes.
        """
        self._refuse(sql)
        used = {name: value for name, value in (parameters or {}).items() if re.search(rf"\${name}\b", sql)}
        watchdog = threading.Timer(_TIMEOUT_SECONDS, self._connection.interrupt)
        watchdog.start()
        try:
            # `with gone as (delete from changes returning *) select ...` is a SELECT to the parser.
            self._connection.execute("begin transaction read only")
            cursor = self._connection.execute(sql, {name: _naive(value) for name, value in used.items()})
            columns = tuple(entry[0] for entry in cursor.description or ())
            if len(set(columns)) != len(columns):
                raise ControlError(f"two columns have one name: {', '.join(columns)}")
            names = Names(columns)
            rows = tuple(names.row([self._shared(value) for value in row]) for row in _fetched(cursor))
        except duckdb.Error as problem:
            raise ControlError(f"SQL does not run: {_first_line(problem)}") from None
        finally:
            watchdog.cancel()
            self._leave_transaction()
        return Rows(columns, rows)

    def _shared(self, value: Json) -> Json:
        """The value, with a text that was there before as that very text: repositories and digests come often."""
        if isinstance(value, str):
            return self._texts.setdefault(value, value) if len(value) <= _SHORT else value
        if isinstance(value, list):
            return [self._shared(part) for part in value]
        return _aware(value)

    def _refuse(self, sql: str) -> None:
        try:
            statements = self._connection.extract_statements(sql)
        except duckdb.Error as problem:
            raise ControlError(f"SQL cannot be read: {_first_line(problem)}") from None
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise ControlError("exactly one SELECT statement is allowed")
        if found := _unrepeatable(sql):
            raise ControlError(
                f"SQL uses {found}, which does not give the same answer twice",
                hint="use $start and $end, the instants of the period",
            )

    def _leave_transaction(self) -> None:
        try:
            self._connection.execute("rollback")
        except duckdb.TransactionException:
            return  # it never began


def _type(column: Column) -> str:
    return _TYPES.get(column.type, column.type)


def _batched(rows: Iterable[Mapping[str, Json]], size: int) -> Iterator[tuple[Mapping[str, Json], ...]]:
    # itertools.batched came with Python 3.12.
    iterator = iter(rows)
    while batch := tuple(itertools.islice(iterator, size)):
        yield batch


def typed(table: str, types: Mapping[str, str], row: Mapping[str, Json]) -> dict[str, Json]:
    """The row with every declared column, as JSON that the engine reads back without converting anything."""
    if unknown := row.keys() - types.keys():
        raise ValueError(f"{table} has no column {', '.join(sorted(unknown))}")
    made: dict[str, Json] = {}
    for name, kind in types.items():
        value = row.get(name)
        if value is not None:
            # A bool is an int to Python, and a datetime a date.
            strange = isinstance(value, bool) if kind in ("BIGINT", "DOUBLE") else isinstance(value, datetime)
            if not isinstance(value, _CLASSES[kind]) or (strange and kind != "TIMESTAMP"):
                raise ValueError(f"{table}.{name} is {kind} and holds no {type(value).__name__}")
            value = _plain(f"{table}.{name}", kind, value)
        made[name] = value
    return made


def _plain(where: str, kind: str, value: Json) -> Json:
    """A date or instant as text that the engine reads back; an instant without a zone is a mistake of ours."""
    if kind == "TEXT[]" and not all(part is None or isinstance(part, str) for part in value):
        raise ValueError(f"{where} is {kind} and holds something else than text")
    if kind == "DATE":
        return (date.fromisoformat(value) if isinstance(value, str) else value).isoformat()
    if kind == "TIMESTAMP":
        # Worked examples write instants of UTC as text. The engine's own cast would drop an offset.
        text = isinstance(value, str)
        moment = datetime.fromisoformat(value) if text else value
        if moment.tzinfo is None and not text:
            raise ValueError(f"{where} is an instant without a time zone")
        return (moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)).isoformat(sep=" ")
    return value


def _naive(value: Json) -> Json:
    return value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) else value


def _aware(value: Json) -> Json:
    """The value as JSON has it, but for dates and aware instants; what JSON lacks is text, a decimal a number."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    if isinstance(value, list | tuple):
        return [_aware(part) for part in value]
    if isinstance(value, dict):
        return {str(name): _aware(part) for name, part in value.items()}
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value if isinstance(value, date) or (isinstance(value, float) and math.isfinite(value)) else str(value)


def _fetched(cursor: duckdb.DuckDBPyConnection) -> Iterator[tuple[Json, ...]]:
    """The rows in batches, so that no answer is held twice."""
    while batch := cursor.fetchmany(_BATCH):
        yield from batch


def _first_line(problem: BaseException) -> str:
    return str(problem).partition("\n")[0]


def _unrepeatable(sql: str) -> str | None:
    """The first word, outside of strings and comments, that makes an answer depend on time, chance or machine."""
    words = list(_words(sql))
    for word, after in zip(words, [*words[1:], ""], strict=True):
        if after == "(" and word.lower() in _volatile():
            return word
        for form in (word, f"{word} {after}"):
            if _UNREPEATABLE.fullmatch(form):
                return form
    return None


def _words(sql: str) -> Iterator[str]:
    """Tokens of the engine's own lexer: it knows dollar quotes, escapes, nested comments and quoted names."""
    body = sql.encode()
    tokens = duckdb.tokenize(sql)
    ends = [at for at, _ in tokens[1:]] + [len(body)]
    for (at, kind), end in zip(tokens, ends, strict=True):
        if kind not in (duckdb.token_type.string_const, duckdb.token_type.comment):
            yield body[at:end].decode("utf-8", "replace").strip().strip('"')


@lru_cache(maxsize=1)
def _volatile() -> frozenset[str]:
    """Functions that the engine itself does not call consistent, and those in FROM that are not known as harmless."""
    sql = """
        select distinct lower(function_name) from duckdb_functions()
        where stability <> 'CONSISTENT' or function_type in ('table', 'pragma', 'table_macro')
    """
    with duckdb.connect(":memory:", config=_CLOSED) as connection:
        return frozenset(name for (name,) in connection.execute(sql).fetchall()) - _TABLE_FUNCTIONS


def quoted(names: Sequence[str]) -> str:
    """Column names as an SQL list."""
    return ", ".join('"' + name.replace('"', '""') + '"' for name in names)
