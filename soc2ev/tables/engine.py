"""
The embedded SQL engine behind the tables; the only importer of duckdb.

Columns are declared, rows are inserted, then the engine is locked: no file, no network, no setting can be reached
from SQL any more, and only single SELECT statements run. Both locks are needed: a locked connection would still
delete rows.
"""

from __future__ import annotations

import itertools
import json
import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import duckdb  # noqa: TID251  the one importer

from soc2ev.errors import ControlError
from soc2ev.model import Column, Json, Table

_BATCH = 2_000
_TIMEOUT_SECONDS = 120
_TYPES = {"TEXT": "VARCHAR", "TEXT[]": "VARCHAR[]"}
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
    r"\b(now|today|current_(date|time|timestamp)|get_current_\w+|transaction_timestamp|localtime(stamp)?|random|setseed|"
    r"(gen_random_)?uuid(v4|v7)?|getvariable|getenv|current_setting|duckdb_\w+|pragma_\w+|tablesample|using\s+sample)\b",
    re.IGNORECASE,
)


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
        self._locked = False

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
        shape = json.dumps([{column.name: _type(column) for column in table.columns}])
        listed = ", ".join(f'r."{name}"' for name in names)
        sql = f"insert into \"{table.name}\" select {listed} from (select unnest(from_json(?::JSON, '{shape}')) as r)"  # noqa: S608
        inserted = 0
        for batch in _batched(rows, _BATCH):
            for row in batch:
                if unknown := set(row) - set(names):
                    raise ValueError(f"{table.name} has no column {', '.join(sorted(unknown))}")
            try:
                self._connection.execute(sql, [json.dumps(batch, default=_plain, allow_nan=False)])
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
        cursor = self._connection.cursor().execute(sql)
        columns = tuple(entry[0] for entry in cursor.description or ())
        while batch := cursor.fetchmany(_BATCH):
            for row in batch:
                yield dict(zip(columns, map(_aware, row), strict=True))

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
            cursor = self._connection.execute(sql, {name: _naive(value) for name, value in used.items()})
            columns = tuple(entry[0] for entry in cursor.description or ())
            if len(set(columns)) != len(columns):
                raise ControlError(f"two columns have one name: {', '.join(columns)}")
            rows = tuple(dict(zip(columns, map(_aware, row), strict=True)) for row in cursor.fetchall())
        except duckdb.Error as problem:
            raise ControlError(f"SQL does not run: {_first_line(problem)}") from None
        finally:
            watchdog.cancel()
        return Rows(columns, rows)

    def _refuse(self, sql: str) -> None:
        try:
            statements = self._connection.extract_statements(sql)
        except duckdb.Error as problem:
            raise ControlError(f"SQL cannot be read: {_first_line(problem)}") from None
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise ControlError("exactly one SELECT statement is allowed")
        if found := _UNREPEATABLE.search(_without_text(sql)):
            raise ControlError(
                f"SQL uses {found[0]}, which does not give the same answer twice",
                hint="use $start and $end, the instants of the period",
            )


def _type(column: Column) -> str:
    return _TYPES.get(column.type, column.type)


def _batched(rows: Iterable[Mapping[str, Json]], size: int) -> Iterator[tuple[Mapping[str, Json], ...]]:
    # itertools.batched came with Python 3.12.
    iterator = iter(rows)
    while batch := tuple(itertools.islice(iterator, size)):
        yield batch


def _plain(value: object) -> str:
    """A date or instant as text that the engine reads back; an instant without a zone is a mistake of ours."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("an instant without a time zone")
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    raise ValueError(f"no column holds a {type(value).__name__}")


def _naive(value: Json) -> Json:
    return value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) else value


def _aware(value: Json) -> Json:
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return value


def _first_line(problem: BaseException) -> str:
    return str(problem).partition("\n")[0]


def _without_text(sql: str) -> str:
    """The statement without comments and string literals, so that words in them are not taken for functions."""
    return re.sub(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'", " ", sql, flags=re.DOTALL)


def quoted(names: Sequence[str]) -> str:
    """Column names as an SQL list."""
    return ", ".join('"' + name.replace('"', '""') + '"' for name in names)
