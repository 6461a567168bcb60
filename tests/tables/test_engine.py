"""The SQL engine: declared columns, nothing from outside, nothing that does not repeat."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import duckdb  # noqa: TID251  to list the functions that the engine has
import pytest

from soc2ev.errors import ControlError
from soc2ev.model import Column, Table
from soc2ev.tables import engine as engine_
from soc2ev.tables.engine import Engine

COLUMNS = {"k": "TEXT", "n": "BIGINT", "b": "BOOLEAN", "d": "DATE", "seen": "TIMESTAMP", "l": "TEXT[]", "f": "DOUBLE"}
FACTS = Table(
    "facts",
    "",
    (*(Column(name, kind, "") for name, kind in COLUMNS.items()), Column("must", "TEXT", "", required=True)),
    ("k",),
)
NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = Engine()
    made.create(FACTS)
    yield made
    made.close()


@pytest.fixture
def locked(engine: Engine) -> Engine:
    engine.insert(FACTS, [{"k": "a", "n": 1, "must": "x", "seen": NOON}, {"k": "b", "n": 2, "must": "x"}])
    engine.lock()
    return engine


def back(engine: Engine, **row: Any) -> dict[str, Any]:
    engine.insert(FACTS, [{"k": "a", "must": "x", **row}])
    (found,) = engine.select("select * from facts")
    return {name: found[name] for name in row}


@pytest.mark.parametrize(
    "row",
    [
        {"k": "ü𝄞\u202e'\";--", "n": -(2**63), "b": False, "d": date(2026, 2, 28), "l": ["a", None, ""], "f": 0.1},
        {"k": "a\0b", "n": 2**63 - 1, "b": True, "l": [], "f": 1.0},
        {"n": None, "b": None, "d": None, "seen": None, "l": None, "f": None},
        {"seen": datetime(1, 1, 1, tzinfo=UTC)},
        {"seen": datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)},
    ],
)
def test_values_come_back_as_they_went_in(engine: Engine, row: dict[str, Any]) -> None:
    """Text with NUL and any letters, whole numbers to their limits, lists, dates and instants survive."""
    assert row == back(engine, **row)


def test_instants_are_kept_as_aware_utc(engine: Engine) -> None:
    """An instant with another offset is the same instant in UTC; text with an offset is not cut off."""
    east = timezone(timedelta(hours=2))
    assert {"seen": NOON} == back(engine, seen=NOON.astimezone(east))
    assert timedelta(0) == back(Engine_with_facts(), seen=NOON)["seen"].utcoffset()
    assert {"seen": NOON} == back(Engine_with_facts(), seen="2026-10-01T14:00:00+02:00")
    assert {"seen": NOON} == back(Engine_with_facts(), seen="2026-10-01 12:00:00")


def Engine_with_facts() -> Engine:  # noqa: N802
    made = Engine()
    made.create(FACTS)
    return made


@pytest.mark.parametrize(
    "row",
    [
        {"k": None},
        {"must": None},
        {"other": 1},
        {"n": "abc"},
        {"n": "12"},
        {"n": 1.5},
        {"n": True},
        {"n": 2**63},
        {"b": "true"},
        {"b": 1},
        {"d": "x"},
        {"d": "2026-01-01T10:00:00"},
        {"d": NOON},
        {"d": 20260101},
        {"seen": NOON.replace(tzinfo=None)},
        {"seen": "yesterday"},
        {"seen": "infinity"},
        {"seen": 5},
        {"l": "x"},
        {"l": ["x", 1]},
        {"l": [["x"]]},
        {"f": "1.5"},
        {"f": float("nan")},
        {"f": float("inf")},
        {"k": 5},
        {"k": {"a": 1}},
        {"k": b"x"},
        {"k": "\ud800"},
        {"l": ["\udfff"]},
    ],
)
def test_what_a_column_does_not_hold_is_refused(engine: Engine, row: dict[str, Any]) -> None:
    """NULL in a key, an undeclared column and a value of another type are errors and never become NULL."""
    with pytest.raises(ValueError, match=r".") as caught:
        engine.insert(FACTS, [{"k": "a", "must": "x", **row}])
    assert "\n" not in str(caught.value)
    assert 0 == len(engine.select("select * from facts"))


def test_rows_beyond_a_batch_are_all_inserted(engine: Engine) -> None:
    """More rows than one batch holds arrive, and are counted."""
    assert 4_321 == engine.insert(FACTS, ({"k": str(at), "must": "x"} for at in range(4_321)))
    assert 4_321 == sum(1 for _ in engine.stream("select * from facts"))


def test_packed_rows_are_the_same_in_less_memory(engine: Engine) -> None:
    """Before and after further rows come; a month of a large project has hundreds of thousands."""

    def held() -> int:
        (used,) = engine.stream("select sum(memory_usage_bytes)::BIGINT as used from duckdb_memory()")
        return int(used["used"])

    texts = [f"https://github.example/acme/api/pull/{at}" for at in range(20_000)]
    engine.insert(FACTS, ({"k": text, "must": "acme/api", "l": ["a", None], "seen": NOON} for text in texts))
    before, whole = held(), list(engine.stream("select * from facts"))
    engine.compact()
    assert (True, whole) == (held() < before / 2, list(engine.stream("select * from facts")))
    engine.insert(FACTS, [{"k": "last", "must": "x"}])
    engine.compact()
    assert [*texts, "last"] == [row["k"] for row in engine.select("select k from facts")]


def test_a_row_is_a_mapping_of_its_columns(locked: Engine) -> None:
    """With all that a dict has for those who read it."""
    row, other = locked.select("select k, n, l from facts order by k")
    assert {"k": "a", "n": 1, "l": None} == row == dict(row.items())
    assert row != other
    assert (["k", "n", "l"], 3, "a", None, 7) == (list(row), len(row), row.get("k"), row.get("l", 7), row.get("x", 7))
    assert ("l" in row, "x" in row, "{'k': 'a', 'n': 1, 'l': None}") == (True, False, repr(row))
    with pytest.raises(KeyError):
        row["x"]


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_csv('{file}')",
        "select * from read_text('{file}')",
        "select * from read_blob('{file}')",
        "select * from '{file}'",
        "select * from glob('/*')",
        "select * from sniff_csv('{file}')",
        "select getenv('HOME')",
        "select * from duckdb_settings()",
        'select * from "duckdb_settings" ()',
        "select * from pg_settings",
        "select current_setting('threads')",
        "copy facts to '{file}.out'",
        "copy (select 1) to '{file}.out'",
        "export database '{file}.out'",
        "attach '{file}.db' as other",
        "install httpfs",
        "load httpfs",
        "set threads = 1",
        "reset threads",
        "pragma version",
        "pragma table_info('facts')",
        "call duckdb_settings()",
        "explain select 1",
        "select 1; select 2",
        "select 1; delete from facts",
        "delete from facts",
        "insert into facts(k, must) values ('z', 'z')",
        "update facts set n = 3",
        "drop table facts",
        "create table other as select 1",
        "create temp macro m() as 1",
        "with gone as (delete from facts returning *) select * from gone",
        "with more as (insert into facts(k, must) values ('z', 'z') returning *) select * from more",
        "with other as (update facts set n = 9 returning *) select * from other",
        "prepare p as select 1",
        "begin",
        "rollback",
        "use memory",
        "checkpoint",
        "select * from enable_logging(storage = 'file', storage_path = '{file}.out')",
        "select write_log('x')",
        "select * from which_secret('s3://x', 's3')",
        "select",
        "",
        "selekt 1",
        "select 1 as a, 2 as a",
        "select * from facts f join facts g on f.k = g.k",
    ],
)
def test_a_locked_engine_lets_nothing_in_or_out(locked: Engine, tmp_path: Path, sql: str) -> None:
    """No file, setting, other database or change of a row can be reached; what cannot be told apart is refused."""
    file = tmp_path / "secret.csv"
    file.write_text("a,b\n1,2\n")
    with pytest.raises(ControlError) as caught:
        locked.select(sql.format(file=file))
    assert "\n" not in caught.value.message
    assert [{"k": "a", "n": 1}, {"k": "b", "n": 2}] == list(locked.select("select k, n from facts order by k"))
    assert [file] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "sql",
    [
        "select now()",
        "SELECT NOW ( )",
        "select Current_Date",
        "select current_timestamp",
        "select current_localtimestamp()",
        "select localtime",
        "select today()",
        "select random()",
        "select uuid()",
        "select 'x' || gen_random_uuid()",
        "select * from facts using sample 1",
        "select * from facts tablesample 10%",
        "select version()",
        "select approx_quantile(n, 0.5) from facts",
        "select * from query('select now()')",
        "select * from query_table('facts')",
        "select * from json_execute_serialized_sql(json_serialize_sql('select now()'))",
        'select 1 as "\'", now() as "\'\'"',
        "select $$'$$ as a, now() as b, $$'$$ as c",
        "select e'\\'' as a, now() as b, e'\\'' as c",
        "select 1 /* ' */, now() /* ' */",
        "select 'ü𝄞', now()",
    ],
)
def test_what_does_not_repeat_is_refused(locked: Engine, sql: str) -> None:
    """Time, chance and the machine are refused in any case, and however quotes try to hide them."""
    with pytest.raises(ControlError, match="does not give the same answer twice"):
        locked.select(sql)


def test_every_function_that_the_engine_calls_volatile_is_refused(locked: Engine) -> None:
    """No function that is not consistent, and no table function that reads anything, is left out of the list."""
    with duckdb.connect() as connection:
        rows = connection.execute(
            "select distinct function_name from duckdb_functions() where stability <> 'CONSISTENT' or"
            " (function_type in ('table', 'table_macro') and function_name similar to '.*(read|scan|query|sql|setting).*')"
        ).fetchall()
    names = {name for (name,) in rows if name.isidentifier()}
    assert {"random", "read_csv", "query", "now"} <= names
    for name in sorted(names):
        with pytest.raises(ControlError, match="does not give the same answer twice"):
            locked.select(f"select * from {name}(1)")


@pytest.mark.parametrize(
    "sql",
    [
        "select 'now()' as said",
        "select 1 as x -- now()",
        "select /* now() /* nested */ random() */ 1 as x",
        "select $$ random() $$ as x",
        "with sample as (select 1 as query) select query from sample",
        "from facts",
        "values (1)",
        "select table_name from information_schema.tables",
        "select unnest(generate_series(1, 3)) as x",
        "select k from facts where seen < '2027-01-01'::timestamp",
    ],
)
def test_words_in_strings_comments_and_names_are_no_functions(locked: Engine, sql: str) -> None:
    """What only looks like a forbidden function runs."""
    assert len(locked.select(sql)) > 0


def test_parameters_are_bound_as_instants(locked: Engine) -> None:
    """Instants are given in UTC; a parameter that the text does not use is left out."""
    found = locked.select("select k from facts where seen = $start", {"start": NOON, "end": NOON})
    assert [{"k": "a"}] == list(found)
    assert (("k",), 1) == (found.columns, len(found))


def test_every_value_of_an_answer_can_be_written_as_json(locked: Engine) -> None:
    """Decimals are numbers; intervals, blobs, times and infinities are text; instants inside lists are aware."""
    sql = """select [seen] as l, {'a': seen} as s, 1.5 as dec, sum(n) as total, interval 1 day as i, 'nan'::double as f,
        'x'::blob as x, time '10:00' as t, d from facts where k = 'a' group by seen, d"""
    (row,) = locked.select(sql)
    assert ([NOON], {"a": NOON}, 1.5, 1, None) == (row["l"], row["s"], row["dec"], row["total"], row["d"])
    assert all(isinstance(row[name], str) for name in "ifxt")
    json.dumps({name: value for name, value in row.items() if name not in "ls"}, allow_nan=False)


def test_a_query_without_end_is_stopped(locked: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The watchdog ends a query that takes too long, and the engine answers the next one."""
    monkeypatch.setattr(engine_, "_TIMEOUT_SECONDS", 0.2)
    began = time.monotonic()
    with pytest.raises(ControlError, match="does not run"):
        locked.select("select sum(a.i * b.i) from range(10000000) a(i), range(10000000) b(i)")
    assert time.monotonic() - began < 20
    assert [{"n": 3}] == list(locked.select("select sum(n) as n from facts"))


def test_derived_tables_are_made_before_the_lock(locked: Engine) -> None:
    """After the lock not even our own SQL changes a row."""
    with pytest.raises(RuntimeError, match="before the lock"):
        locked.derive("delete from facts")


@pytest.mark.parametrize("sql", ["set threads = 1", "set enable_external_access = true", "reset lock_configuration"])
def test_a_setting_that_got_past_the_parser_is_refused(locked: Engine, sql: str) -> None:
    """The second lock holds on the connection itself."""
    with pytest.raises(duckdb.Error, match="configuration"):
        locked._connection.execute(sql)
