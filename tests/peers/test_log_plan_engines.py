"""What `logs plan` prints, run on Spark and on ClickHouse: the rows are DuckDB's, and those of our own reading."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb  # noqa: TID251  the engine that the others are compared with
import pytest

from soc2ev.logs import aggregate
from soc2ev.logs.dialects import ENGINES
from soc2ev.logs.events import Matcher, packs
from soc2ev.logs.formats import Record
from soc2ev.logs.measuring import read
from soc2ev.logs.plan import RUN_HERE, label, portable
from tests.conftest import Run

NOW = 1_793_000_000.0
HOME = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "soc2ev-peers"
OWN_PACK = """
pack: own
shapes: [json]
rules:
  - {event: rate_limit, when: {"@path": ["*/it's [odd]^1\\\\m*", "/a.c"]}}
  - {event: role.changed, when: {"@status": "30*", "@method": [get, post]}}
  - {event: session.revoked, when: {"@actor": {from: 1000001, to: 2000000}}}
  - {event: mfa.changed, when: {"@actor": ["ÉLODIE*", "иван"]}}
  - {event: user.created, when: {"@path": "*login*", "@outcome": {present: false}}, unless: {"@actor": "u2*"}}
"""
"""Rules of a user's own: each letter that means something in a pattern or a literal, patterns for numbers, other scripts."""
SPARK = """
import json, sys
from pyspark.sql import SparkSession
job = json.load(sys.stdin)
made = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
for name, value in job["settings"].items():
    made = made.config(name, value)
spark = made.getOrCreate()
spark.sparkContext.setLogLevel("ERROR")
for table in job["tables"]:
    schema = ", ".join(f"`{name}` {kind}" for name, kind in table["columns"].items())
    text = spark.createDataFrame([tuple(row) for row in table["rows"]], ", ".join(f"`{name}` string" for name in table["columns"]))
    cast = text.selectExpr(*[f"CAST(`{name}` AS {kind}) `{name}`" for name, kind in table["columns"].items()])
    cast.createOrReplaceTempView(table["name"])
    for setting in table["settings"]:
        spark.sql(setting)
    spark.sql(table["query"]).coalesce(1).write.option("header", True).csv(table["out"])
"""
CLICKHOUSE = """
import json, sys
from chdb import session
job = json.load(sys.stdin)
made = session.Session()
for table in job["tables"]:
    kinds = table["columns"]
    made.query(f"CREATE TABLE {table['name']} (" + ", ".join(f"`{name}` {kind}" for name, kind in kinds.items()) + ") ENGINE = Memory")
    for at in range(0, len(table["rows"]), 500):
        rows = [json.dumps(dict(zip(kinds, row)), ensure_ascii=False) for row in table["rows"][at : at + 500]]
        made.query(f"INSERT INTO {table['name']} SETTINGS date_time_input_format = 'best_effort' FORMAT JSONEachRow " + chr(10).join(rows))
    for setting in table["settings"]:
        made.query(setting)
    body = str(made.query(table["query"], "CSVWithNames"))
    open(table["out"], "w").write(body)
"""


@dataclass(frozen=True)
class Peer:
    """How an engine is started, and what its types are called."""

    script: str
    module: str
    text: str
    whole: str
    instant: str
    elsewhere: str
    """Puts the session into New York."""
    utc: str
    settings: Mapping[str, str] = field(default_factory=dict)


PEERS = {
    "spark": Peer(
        SPARK,
        "pyspark",
        "STRING",
        "INT",
        "TIMESTAMP",
        "SET TIME ZONE 'America/New_York'",
        "SET TIME ZONE 'UTC'",
        {
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.sql.shuffle.partitions": "1",
            # A run of seconds is over before the second compiler has paid for itself.
            "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
            "spark.sql.session.timeZone": "UTC",
        },
    ),
    "clickhouse": Peer(
        CLICKHOUSE,
        "chdb",
        "Nullable(String)",
        "Nullable(Int32)",
        "Nullable(DateTime64(6, 'UTC'))",
        "SET session_timezone = 'America/New_York'",
        "SET session_timezone = 'UTC'",
    ),
}
DUCKDB = Peer("", "", "VARCHAR", "INTEGER", "TIMESTAMPTZ", "SET TimeZone = 'America/New_York'", "SET TimeZone = 'UTC'")
TIMES: tuple[Any, ...] = (
    *("2026-10-05T10:00:00Z", "2026-10-05T10:00:00+00:00", "2026-10-05 10:00:00", "2026-10-05T12:30:00+02:30"),
    *("2026-10-05T09:59:59.999999Z", "2026-10-05T09:59:59.9999999999Z", "2026-10-05T10:00:00,001Z", "2026-10-05T10"),
    *(
        "2026-10-05T10:59:59.999-0000",
        "2026-10-04T22:00:00-1200",
        "2026-10-06T09:59:59+23:59",
        "2026-10-05T10:00+24:00",
    ),
    *("2026-10-05T10:00Z", "2026-10-05T10:00:00 UTC", "2026-10-05T10:00:00GMT", "2026-10-05 10:00:00 +0200"),
    *(
        "2026/10/05 10:00:00",
        "2026/10-05 10:00:00",
        "[2026-10-05T10:00:00Z]",
        "  2026-10-05T10:00:00Z ",
        "2026-10-05_10:00",
    ),
    *(
        "2026-10-05",
        "2026-10",
        "2026",
        "10:00:00",
        "2026-10-05T24:00:00Z",
        "2026-10-05T23:59:60Z",
        "2026-13-05T10:00:00Z",
    ),
    *(
        "2026-02-29T10:00:00Z",
        "2028-02-29T10:00:00Z",
        "2100-02-29T00:00:00Z",
        "2000-02-29T23:59:59Z",
        "2026-04-31T10:00:00Z",
    ),
    *("1970-01-01T00:00:00Z", "1969-12-31T23:59:59.9Z", "1970-01-01T00:00:00+01:00", "0000-01-01T00:00:00Z"),
    *("9999-12-31T23:59:59Z", "9999-12-31T23:59:59-01:00", "2107-03-01T00:00:00Z", "2400-12-31T23:59:59.5Z"),
    *("2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00", "2026-11-01T01:30:00", "2026-03-08T02:30:00"),
    *("1791194400", "1791194400.999", "1791194399999", "1791194399999999", "1791194399999999999", "12345678", "1e9"),
    *(
        1_791_194_400,
        1_791_194_399.999,
        1_791_194_399_999,
        1_791_194_399_999_999,
        1_791_194_399_999_999_999,
        1.7911944e9,
    ),
    *(0, -1, -0.0, 123, True, None, "", "-", "infinity", "now", "epoch", "today", "2026-10-05T10:00:00 Europe/Berlin"),
    *(
        "2026-10-05T10:00:00Z\n x",
        "2026-10-05T10:00:00Zé",
        "２０２６-10-05T10:00:00Z",
        "2026-10-05T10:00:00.",
        {"a": 1},
        ["x"],
    ),
    "2026-10-05T10:00:00.00000000000000000000000Z",
)
"""Texts that one or other of the engines' own readings takes for a time, or for another one."""
EVERYWHERE = ("2026-10-05T09:59:59.999999Z", "1970-01-01T00:00:00Z", "1969-12-31T23:59:59.9Z", "2107-03-01T00:00:00Z")
"""Of these, some that each engine has a timestamp for."""
STATUSES: tuple[Any, ...] = (
    *(
        99,
        100,
        200,
        399,
        400,
        401,
        403,
        429,
        499,
        500,
        599,
        600,
        999,
        "200",
        " 503 ",
        "+404",
        "0500",
        "00000000000000000404",
    ),
    *(
        "200.0",
        200.0,
        2e2,
        -0.0,
        -500,
        "-500",
        "5e2",
        "500ms",
        "",
        "-",
        "OK",
        "Failed ",
        "true",
        True,
        False,
        None,
        "50",
        "5000",
    ),
    *(9_999_999_999_999, "99999999999999999999999", {"x": 500}, [500], "500\n", "0x1f4", "null", 503.5),
)
WORDS: tuple[Any, ...] = (
    *(
        "user.login",
        "User Login",
        "UserLogin",
        "USER_LOGIN",
        "userLOGINFailed",
        "user/login/failed",
        "login\nfailed",
        "loginFailed\n",
    ),
    *(
        "apiKeyCreated",
        "API_KEY.created",
        "webhook.delivery.failed",
        "Zürich.LoginFailed",
        "лог.login",
        "login😀failed",
        "aBcDeF",
    ),
    *('say "login"', "it's.login", "back\\login", "", "-", " ", "--", "null", "NULL", "None", True, 7, 7.5, None),
    *(
        {"action": {"deep": 1}},
        ["user.login"],
        [],
        {},
        '{"action": "user.login"}',
        "[1]",
        "[GET] login",
        "{login}",
        '["login"]',
    ),
)
OUTCOMES = (
    "success",
    "SUCCESS",
    " Failure ",
    "FAİLED",
    "DENIED",
    "Allow",
    "oK",
    "o\u212a",
    "unknown",
    "",
    "-",
    None,
    True,
    False,
    0,
)
PATHS: tuple[Any, ...] = (
    *(
        "/login",
        "/LOGIN",
        "/login\n",
        "/login/",
        "/x/login?next=/",
        "/Admin/users",
        "/admin\n/x",
        "/api/admin/x",
        "/a_b%c",
        "/LOGİN",
    ),
    *(
        "/x/it's [odd]^1\\more",
        "/x/it-s [odd]^1\\more",
        "/x/it's o^1\\",
        "/A.C",
        "/abc",
        "/x/export",
        "",
        "-",
        None,
        5,
        ["/login"],
    ),
)
ACTORS: tuple[Any, ...] = (
    *(
        "u1",
        "",
        "-",
        " ",
        None,
        0,
        False,
        "0",
        "null",
        "Élodie-2",
        "ÉLODIE",
        "ИВАН",
        "иван ",
        1_500_000,
        "1000001",
        1_000_000,
        "1e6",
    ),
    *({"id": "u1"}, ["u1"], '{"x":1}', "[1]", "NaN", "a" * 300),
)
IDS: tuple[Any, ...] = (
    "r1",
    "R1",
    "r1 ",
    9_007_199_254_740_993,
    9_007_199_254_740_992,
    "",
    "-",
    None,
    1,
    1.0,
    -0.0,
    0,
    "é",
    "e\u0301",
)
BROKEN = (
    "not json",
    '{"event": "user.login", "timest',
    '{"event": "user.login"} {',
    "{'event': 'user.login'}",
    "[]",
    "null",
    "17",
    '"x"',
)


def record(number: int, **fields: Any) -> dict[str, Any]:
    """An event in an hour of its own, so that one that is read otherwise shows."""
    day, hour = divmod(number, 24)
    month, day = divmod(day, 28)
    at = f"{2020 + month // 12}-{month % 12 + 1:02}-{day + 1:02}T{hour:02}:59:59.5+00:00"
    return {"timestamp": at, "event": "user.login", "actor_id": "u1", "ip": "192.0.2.7", "status": 200, **fields}


def records() -> list[dict[str, Any]]:
    """One odd value at a time, each twice with another id, then pairs of ids in one hour."""
    columns = {
        "timestamp": TIMES,
        "status": STATUSES,
        "event": WORDS,
        "outcome": OUTCOMES,
        "path": PATHS,
        "actor_id": ACTORS,
        "ip": ACTORS,
        "method": ("GET", "post", "Delete", "", None, "GET\n", 5, ["GET"]),
    }
    odd = [(name, value) for name, values in columns.items() for value in values]
    made = [
        record(at, request_id=f"r{copy}", **{name: value}) for at, (name, value) in enumerate(odd) for copy in (1, 1, 2)
    ]
    made += [
        record(2000 + at, outcome=one, status=status)
        for at, (one, status) in enumerate((o, s) for o in OUTCOMES for s in STATUSES)
    ]
    made += [
        record(2000 + at, status=status, path=path, method="POST", event=None)
        for at, (path, status) in enumerate((p, s) for p in PATHS for s in (200, 302, 401, 503))
    ]
    made += [record(5000, request_id="r1")] * 300
    pairs = [(one, other) for at, one in enumerate(IDS) for other in IDS[at:]]
    made += [record(4000 + at, request_id=value) for at, pair in enumerate(pairs) for value in pair]
    return made


def typed(made: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What fits into columns with types: a time that is one, a whole status, text."""
    fit = []
    for one in made:
        kept = {name: value for name, value in one.items() if isinstance(value, str)}
        if isinstance(one.get("status"), int) and abs(one["status"]) < 1 << 31 and not isinstance(one["status"], bool):
            kept["status"] = one["status"]
        else:
            kept.pop("status", None)
        if kept.get("timestamp") in EVERYWHERE or kept.get("timestamp", "").endswith(":59.5+00:00"):
            fit.append(kept)
    return fit


@dataclass(frozen=True)
class Case:
    """A table, how the query is to read it, and the same records as lines."""

    name: str
    columns: tuple[str, ...]
    rows: list[list[str | None]]
    lines: list[str]
    words: tuple[str, ...] = ()
    kinds: Mapping[str, str] = field(default_factory=dict)
    utc: bool = False


FLAT = ("timestamp", "event", "actor_id", "ip", "status", "outcome", "method", "path", "request_id")


def cases() -> list[Case]:
    """JSON text in one column, nested JSON, text in columns, and columns with types."""
    made = records()
    lines = [json.dumps(one, ensure_ascii=at % 2 == 0) for at, one in enumerate(made)] + list(BROKEN)
    known = ("time", "action", "actor", "ip", "status", "outcome", "method", "path", "id")
    paths = ",".join(f"{name}=log.{column}" for name, column in zip(known, FLAT, strict=True))
    inner = [json.dumps({"log": one}) for one in made]
    texts = [{name: value for name, value in one.items() if isinstance(value, str)} for one in made]
    exact = typed(made)

    def cells(found: list[dict[str, Any]]) -> list[list[str | None]]:
        return [[None if one.get(name) is None else str(one[name]) for name in FLAT] for one in found]

    return [
        Case("json_text", ("payload",), [[line] for line in lines], lines, ("--json-column", "payload")),
        Case(
            "nested", ("payload",), [[line] for line in inner], inner, ("--json-column", "payload", "--columns", paths)
        ),
        Case("in_text", FLAT, cells(texts), [json.dumps(one) for one in texts]),
        Case(
            "in_types",
            FLAT,
            cells(exact),
            [json.dumps(one) for one in exact],
            ("--time-type", "timestamp"),
            {"timestamp": "instant", "status": "whole"},
            utc=True,
        ),
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A team's folder, with rules of its own for events."""
    own = tmp_path / ".soc2ev" / "events"
    own.mkdir(parents=True)
    (own / "own.yaml").write_text(OWN_PACK)
    return tmp_path


def printed(soc2ev: Run, engine: str, case: Case, folder: Path) -> str:
    """The query, as the command prints it."""
    done = soc2ev("logs", "plan", "--engine", engine, "--table", case.name, *case.words, cwd=folder)
    assert 0 == done.code, done.err
    return done.out


def here(case: Case, folder: Path) -> list[aggregate.Row]:
    """The rows counted from the lines by the reader of files; a line that it does not understand is a bare record."""
    file = folder / f"{case.name}.jsonl"
    file.write_text("\n".join(case.lines) + "\n", newline="")
    found = [one for _, known in read(file, NOW, print) for one in ([Record("json", {})] if known is None else known)]
    return aggregate.aggregate(found, Matcher(portable(packs(folder))))


def kinds(case: Case, peer: Peer) -> dict[str, str]:
    return {name: getattr(peer, case.kinds.get(name, "text")) for name in case.columns}


def duck(soc2ev: Run, case: Case, folder: Path) -> list[aggregate.Row]:
    """The rows from DuckDB, by way of the CSV that a user would export."""
    out = folder / f"{case.name}.duckdb.csv"
    engine = duckdb.connect(":memory:")
    engine.execute(DUCKDB.utc if case.utc else DUCKDB.elsewhere)
    described = ", ".join(f'"{name}" {kind}' for name, kind in kinds(case, DUCKDB).items())
    engine.execute(f"create table {case.name}({described})")
    cells = [list(column) for column in zip(*case.rows, strict=True)]
    engine.execute(f"insert into {case.name} select {', '.join(['unnest(?)'] * len(cells))}", cells)
    engine.execute(f"copy ({printed(soc2ev, 'duckdb', case, folder)}) to '{out}' (header)")
    engine.close()
    return aggregate.rows(out.read_bytes())


def interpreter(peer: Peer) -> Path:
    """The Python that has the engine. CI has it: without it the test fails there; elsewhere it is left out, and says so."""
    found = HOME / "engines" / "bin" / "python"
    if (
        found.exists()
        and subprocess.run([found, "-c", f"import {peer.module}"], capture_output=True, check=False).returncode == 0
    ):
        return found
    says = f"{peer.module} is not installed: run tests/peers/install.sh"
    if os.environ.get("CI"):
        pytest.fail(says)
    pytest.skip(says)


def elsewhere(soc2ev: Run, name: str, folder: Path) -> Iterator[tuple[str, list[aggregate.Row]]]:
    """(case, rows) of all cases from one run of the engine, by way of its own CSV."""
    peer = PEERS[name]
    tables = [
        {
            "name": case.name,
            "columns": kinds(case, peer),
            "rows": case.rows,
            "settings": [peer.utc if case.utc else peer.elsewhere],
            "query": printed(soc2ev, name, case, folder),
            "out": str(folder / f"{case.name}.{name}.csv"),
        }
        for case in cases()
    ]
    job = json.dumps({"tables": tables, "settings": peer.settings})
    done = subprocess.run(
        [interpreter(peer), "-c", peer.script], check=False, input=job, capture_output=True, text=True, cwd=folder
    )
    assert 0 == done.returncode, done.stderr[-4_000:]
    for table in tables:
        out = Path(str(table["out"]))
        file = next(out.glob("part-*.csv")) if out.is_dir() else out
        yield str(table["name"]), aggregate.rows(file.read_bytes())


def ordered(rows: list[aggregate.Row]) -> list[aggregate.Row]:
    return sorted(rows, key=lambda row: (row["hour"] is not None, row["hour"] or 0))


def test_duckdb_reads_odd_records_as_our_reader_does(soc2ev: Run, folder: Path) -> None:
    """The base of the comparison: the same rows from DuckDB; every measure is in them, and the rules of the user's own."""
    for case in cases():
        assert ordered(here(case, folder)) == ordered(duck(soc2ev, case, folder)), case.name
    totals = aggregate.totals(here(cases()[0], folder))
    seen = {name for name, count in totals.items() if count}
    assert {*aggregate.COUNTED, "rate_limit", "role_changed", "session_revoked", "mfa_changed", "user_created"} <= seen


@pytest.mark.parametrize("name", sorted(PEERS))
def test_the_engine_gives_the_rows_of_duckdb_and_of_our_reader(name: str, soc2ev: Run, folder: Path) -> None:
    """Over JSON, nested JSON, text and types, with a session zone far from UTC wherever times are text: equal digests."""
    theirs = dict(elsewhere(soc2ev, name, folder))
    for case in cases():
        ours = here(case, folder)
        assert ordered(ours) == ordered(theirs[case.name]), case.name
        all_three = (ours, theirs[case.name], duck(soc2ev, case, folder))
        assert 1 == len({aggregate.digest(rows) for rows in all_three}), case.name


def test_what_is_called_proven_is_run_here() -> None:
    """The label says so of DuckDB and of the engines above, and of every other that it was not run."""
    proven = {name for name in ENGINES if "not run" not in label(name)}
    assert {"duckdb", *PEERS} == proven == RUN_HERE
