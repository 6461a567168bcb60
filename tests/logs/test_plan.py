"""The planned query: the same rows from DuckDB as from the records here, and results that come back."""

from __future__ import annotations

import csv
import json
import random
import re
from pathlib import Path

import duckdb  # noqa: TID251  the other engine of the conformance test
import pytest

from soc2ev.errors import ConfigError
from soc2ev.logs import aggregate
from soc2ev.logs.dialects import ENGINES
from soc2ev.logs.events import KINDS, Matcher, packs
from soc2ev.logs.measuring import read
from soc2ev.logs.plan import FIELDS, RUN_HERE, plan, portable
from soc2ev.vault import Vault

from .samples import app, line

NOW = 1_793_000_000.0
WORDS = """
    auth.login.success auth.login.failed LoginFailed user.login user-login login_failed authz.denied access_denied
    api_key.created apiKeyCreated api_key.revoked token.issued session.revoked admin.user.updated user.role.updated
    data.export report.exported rate_limit.exceeded webhook.delivery.failed webhook.sent mfa.enabled user.invited
    invitation.accepted user.created permission.revoked user.deleted user.suspended password.changed log.level.changed http.request secret.read
"""


def sample(size: int = 4000) -> list[dict[str, object]]:
    """Events of two days with holes in every field."""
    r = random.Random(11)
    made = []
    for _ in range(size):
        one = app(r.choice(WORDS.split()), r.uniform(0, 2 * 86_400), request_id=f"r{r.randrange(500)}")
        one |= {
            "status": r.choice([200, 201, 302, 401, 403, 404, 429, 500, 503, 999, None]),
            "outcome": r.choice(["success", "FAILURE", "denied", "odd", None]),
            "method": r.choice(["GET", "post", "DELETE", None]),
            "path": r.choice(
                ["/login", "/api/admin/x", "/api/tokens", "/v1/api_keys/7", "/x/export?all=1", "/a_b%c", "/it's", None]
            ),
        }
        for name in r.sample(["actor_id", "ip", "event", "request_id", "timestamp"], r.choice([0, 0, 0, 1, 2])):
            one[name] = r.choice([None, "", "-"])
        made.append({name: value for name, value in one.items() if value is not None})
    return made


def here(file: Path) -> list[aggregate.Row]:
    records = [record for _, found in read(file, NOW, print) for record in found or ()]
    return aggregate.aggregate(records, Matcher(portable(packs())))


def written(folder: Path, records: list[dict[str, object]]) -> Path:
    file = folder / "api.jsonl"
    file.write_bytes(b"\n".join(map(line, records)) + b"\n")
    return file


@pytest.fixture
def engine():
    """DuckDB far from UTC, which has no part in it."""
    made = duckdb.connect(":memory:")
    made.execute("set TimeZone = 'Asia/Kathmandu'")
    yield made
    made.close()


def asked(engine, query: str) -> list[aggregate.Row]:
    answer = engine.execute(query)
    names = [column[0] for column in answer.description]
    rows = [dict(zip(names, row, strict=True)) for row in answer.fetchall()]
    return aggregate.rows(json.dumps(rows, default=int).encode())


def test_duckdb_gives_the_same_rows_as_the_records_here(tmp_path, engine):
    """Over JSON text in one column: equal digests, and every kind of event occurs."""
    file = written(tmp_path, sample())
    engine.execute("create table raw(payload varchar)")
    engine.executemany("insert into raw values (?)", [(row,) for row in file.read_text().splitlines()])
    theirs = asked(engine, plan("duckdb", "raw", packs(), json_column="payload"))
    ours = here(file)
    assert ours == sorted(theirs, key=lambda row: (row["hour"] is not None, row["hour"] or 0))
    assert aggregate.digest(ours) == aggregate.digest(theirs)
    assert {kind.replace(".", "_") for kind in KINDS} <= {
        name for name, count in aggregate.totals(ours).items() if count
    }


def test_columns_and_timestamps_of_a_table_give_the_same(tmp_path, engine):
    """Typed columns under other names; a field that the table lacks is nowhere."""
    records = [{**one, "ts": one["timestamp"]} for one in sample(1000) if one.get("timestamp", "-") not in ("-", "")]
    file = written(
        tmp_path,
        [{name: value for name, value in one.items() if name not in ("timestamp", "outcome")} for one in records],
    )
    engine.execute("create schema logs")
    engine.execute(
        f"create table logs.api as select * from read_json('{file}', columns={{ts: 'TIMESTAMPTZ', event: 'VARCHAR', actor_id: 'VARCHAR', ip: 'VARCHAR', status: 'INTEGER', method: 'VARCHAR', path: 'VARCHAR', request_id: 'VARCHAR'}})"
    )
    query = plan("duckdb", "logs.api", packs(), columns={"time": "ts", "outcome": ""}, text_time=False)
    assert aggregate.digest(here(file)) == aggregate.digest(asked(engine, query))


def test_another_record_gives_another_digest(tmp_path):
    """One event more, or one in another hour, shows."""
    records = sample(300)
    before = aggregate.digest(here(written(tmp_path, records)))
    assert before == aggregate.digest(here(written(tmp_path, records[::-1])))
    assert before != aggregate.digest(here(written(tmp_path, [*records, app("user.login")])))


@pytest.mark.parametrize(
    ("rule", "records", "event"),
    [
        ('{"@status": "50*"}', [{"status": 503}, {"status": "500"}, {"status": 404}], 2),
        ('{"@status": [401, "0404"]}', [{"status": 401}, {"status": 404}], 1),
        (
            '{"@actor": {from: 1000001, to: 2000000}}',
            [{"actor_id": 1_000_001}, {"actor_id": "1000000"}, {"actor_id": "u1"}],
            1,
        ),
        ('{"@path": "/it\'s"}', [{"path": "/it's"}, {"path": "/it-s"}], 1),
        ('{"@path": "*a\\\\b^[c]*"}', [{"path": "/a\\b^[c]"}, {"path": "/aXb^[c]"}, {"path": "/a\\bX[c]"}], 1),
        ('{"@path": "/end"}', [{"path": "/end"}, {"path": "/end\n"}, {"path": "/END"}], 2),
    ],
)
def test_rules_of_the_users_own_mean_the_same(tmp_path, engine, rule, records, event):
    """Patterns for numbers, ranges for text, large bounds, and letters that mean something in SQL or in a pattern."""
    own = tmp_path / ".soc2ev" / "events"
    own.mkdir(parents=True)
    (own / "own.yaml").write_text(f"pack: own\nshapes: [json]\nrules:\n  - {{event: key.revoked, when: {rule}}}\n")
    engine.execute("create table raw(payload varchar)")
    engine.executemany("insert into raw values (?)", [(json.dumps(app("x", **one)),) for one in records])
    found = asked(engine, plan("duckdb", "raw", packs(tmp_path), json_column="payload"))
    file = written(tmp_path, [app("x", **one) for one in records])
    matched = Matcher(portable(packs(tmp_path)))
    ours = aggregate.aggregate((one for _, known in read(file, NOW, print) for one in known or ()), matched)
    assert (event, event) == tuple(aggregate.totals(rows)["key_revoked"] for rows in (ours, found))


def test_a_column_may_be_called_as_a_field_of_the_query_is(engine):
    """A table whose columns have the names that the query makes for other things."""
    engine.execute("create table t(at_s varchar, action varchar, told_status varchar, doc varchar)")
    engine.execute("insert into t values ('2026-10-05T10:00:00+02:00', 'user.login.failed', '401', 'u1')")
    names = {"time": "at_s", "status": "told_status", "actor": "doc", "action": "action"}
    nowhere = dict.fromkeys(("ip", "outcome", "method", "path", "id"), "")
    (row,) = asked(engine, plan("duckdb", "t", packs(), columns=names | nowhere))
    assert (1_791_187_200 // 3600, 1_791_187_200, 1, 1, 1) == tuple(
        row[name] for name in ("hour", "first_at", "told", "who", "auth_failure")
    )


@pytest.mark.parametrize("engine_name", ENGINES)
def test_every_dialect_has_its_own_functions_and_one_scan(engine_name):
    """One FROM of the table, all columns of the aggregation, and balanced quotes and brackets."""
    query = plan(engine_name, "acme.logs.raw", packs(), json_column="payload")
    table, *steps = re.findall(r"^ *FROM (.+)$", query, re.MULTILINE)
    assert (["d", "f", "c", "p", "r"], True) == (steps, table.endswith(" t"))
    assert all(re.search(rf"\bAS {name}\b", query) for name in aggregate.COLUMNS)
    bare = re.sub(r"'(?:[^']|'')*'", "", query.split("\n", 1)[1])
    assert (0, bare.count("(")) == (bare.count("'"), bare.count(")"))
    own = {
        "duckdb": "json_extract_string(doc, '$.event')",
        "athena": "TRY(json_parse(t.payload))",
        "trino": "json_extract_scalar(doc, '$.event')",
        "bigquery": "`acme.logs.raw`",
        "snowflake": "TRY_PARSE_JSON(t.payload)",
        "spark": "get_json_object(doc, '$.event')",
        "clickhouse": "toInt64OrNull",
    }
    assert own[engine_name] in query


def test_the_command_says_where_it_was_run(soc2ev, tmp_path):
    """The first line says of DuckDB, Spark and ClickHouse that the tests run it there, and of the others that not."""
    for engine_name in ENGINES:
        done = soc2ev("logs", "plan", "--engine", engine_name, "--table", "t", "--columns", "time=ts,ip=", cwd=tmp_path)
        first = done.out.splitlines()[0]
        proven = engine_name in RUN_HERE
        assert (0, proven, not proven) == (
            done.code,
            f"run on {engine_name} in the tests" in first,
            "not run there" in first,
        )
    assert {"duckdb", "spark", "clickhouse"} == RUN_HERE


@pytest.mark.parametrize(
    "words",
    [
        ("--engine", "mysql", "--table", "t"),
        ("--engine", "duckdb", "--table", "t; drop table x"),
        ("--engine", "duckdb", "--table", 't" where "1'),
        ("--engine", "duckdb", "--table", "t", "--columns", "time=a b"),
        ("--engine", "duckdb", "--table", "t", "--columns", "when=ts"),
        ("--engine", "duckdb", "--table", "t", "--columns", "time"),
        ("--engine", "duckdb", "--table", "t", "--json-column", "p')--"),
        ("--engine", "duckdb", "--table", "t\n"),
        ("--engine", "duckdb", "--table", "t", "--columns", "time=tş"),
        ("--engine", "duckdb", "--table", "t", "--time-type", "epoch"),
    ],
)
def test_what_is_no_name_does_not_reach_the_query(soc2ev, tmp_path, words):
    """Exit 2, and nothing is printed as a query."""
    done = soc2ev("logs", "plan", *words, cwd=tmp_path)
    assert (2, "") == (done.code, done.out)


def imported(soc2ev, folder: Path, result: str, *further: str):
    words = ("--query-text", "q.sql", "--query-id", "3f0c", "--at", "2026-11-02T09:00:00Z", "--engine", "athena")
    return soc2ev("logs", "import", result, *words, *further, "--format", "json", cwd=folder)


@pytest.mark.parametrize("form", ["csv", "json", "jsonl"])
def test_a_result_is_stored_with_its_query(soc2ev, tmp_path, form):
    """Both bodies are in the vault byte for byte; the request has engine, id and time; the counts come out."""
    (tmp_path / "soc2ev.yaml").write_text("version: 1\norganisation: Example Co\nregisters: null\n")
    rows = [dict(row) for row in here(written(tmp_path, sample(500)))]
    (tmp_path / "q.sql").write_text(plan("athena", "t", packs()))
    result = tmp_path / f"october.{form}"
    if form == "csv":
        with result.open("w", newline="") as file:
            made = csv.DictWriter(file, [name.upper() for name in aggregate.COLUMNS])
            made.writeheader()
            made.writerows({name.upper(): value for name, value in row.items()} for row in rows)
    else:
        result.write_text(json.dumps(rows) if form == "json" else "\n".join(map(json.dumps, rows)))
    done = imported(soc2ev, tmp_path, result.name)
    found = json.loads(done.out)
    assert (0, "logs:import:october", 500) == (done.code, found["stream"], found["totals"]["records"])
    assert aggregate.digest(rows) == found["digest"]
    vault = Vault.open(tmp_path / "evidence")
    query, body = list(vault.items())
    assert (tmp_path / "q.sql").read_bytes() == vault.read(query.digest)
    assert result.read_bytes() == vault.read(body.digest)
    assert ("athena", "3f0c", "2026-11-02T09:00:00Z", query.digest) == tuple(
        body.request[name] for name in ("engine", "query_id", "ran_at", "query_sha256")
    )
    assert len(rows) == body.count
    assert vault.verify().ok


def test_what_is_no_result_is_refused_and_not_stored(soc2ev, tmp_path):
    """Missing columns, no counts, raw log lines: exit 2 and no vault."""
    (tmp_path / "soc2ev.yaml").write_text("version: 1\norganisation: Example Co\nregisters: null\n")
    (tmp_path / "q.sql").write_text("select 1")
    good = dict.fromkeys(aggregate.COLUMNS, 1)
    for number, text in enumerate(
        [
            "",
            "hour,records\n1,2\n",
            json.dumps([{**good, "records": "many"}]),
            json.dumps([{**good, "errors": -1}]),
            json.dumps([app("x")]),
            "[" * 9000,
        ]
    ):
        (tmp_path / f"r{number}.json").write_text(text)
        assert 2 == imported(soc2ev, tmp_path, f"r{number}.json").code
    (tmp_path / "good.json").write_text(json.dumps([good]))
    assert 2 == imported(soc2ev, tmp_path, "good.json", "--name", "a:b").code
    assert 2 == imported(soc2ev, tmp_path, "good.json", "--at", "2026-11-02").code
    assert not (tmp_path / "evidence").exists()
    assert 0 == imported(soc2ev, tmp_path, "good.json").code


def test_fields_are_refused_that_the_query_does_not_know():
    """The message names those that it knows."""
    with pytest.raises(ConfigError, match="unknown field"):
        plan("duckdb", "t", packs(), columns={"who": "x"})
    assert {"time", "action", "actor", "ip", "status", "outcome", "method", "path", "id"} == set(FIELDS)
