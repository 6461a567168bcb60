"""An aggregation that ran elsewhere, through the front door: planned, run, imported, judged, packed, verified."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import duckdb  # noqa: TID251  the engine in which somebody's logs lie
import pytest

from soc2ev.logs import aggregate
from soc2ev.vault import Vault

AT = "2026-11-02T09:00:00Z"
PERIOD = ("--period", "2026-10")
CLAIM = "that the engine gave this result is declared, not observed"


class Company:
    """A folder with a configuration whose logs lie in an engine elsewhere, here DuckDB."""

    def __init__(self, path: Path, soc2ev) -> None:
        self.path, self._soc2ev = path, soc2ev
        self.lines: list[dict] = []
        self.configure()

    def configure(self, files: str = "[]", listed: str = "api") -> None:
        text = f"version: 1\norganisation: Example Co\nsources: {{files: {files}}}\n"
        (self.path / "soc2ev.yaml").write_text(text)
        folder = self.path / "registers"
        folder.mkdir(exist_ok=True)
        events = "[auth.failure, token.created]"
        entry = f"{{key: {listed}, owner: ann, purpose: x, required_events: {events}}}"
        (folder / "log-sources.yaml").write_text(f"sources: [{entry}]\n")

    def log(self, event: str, at: str, **more) -> None:
        line = {"timestamp": at, "event": event, "actor_id": "u1", "ip": "10.0.0.1", "status": 200, "request_id": "r1"}
        self.lines.append({**line, "outcome": None, "method": None, "path": None, **more})

    def run(self, *words: str):
        return self._soc2ev(*words, cwd=self.path)

    def told(self, *words: str):
        done = self.run(*words, "--format", "json")
        return json.loads(done.out)

    def plan(self, *further: str, engine: str = "duckdb", name: str = "q.sql") -> str:
        query = self.run("logs", "plan", "--engine", engine, "--table", "t", *further).out
        (self.path / name).write_text(query)
        return query

    def ran(self, query: str, name: str = "r.csv") -> list[dict]:
        """Run the query and write its result as a user would export it."""
        (self.path / "t.jsonl").write_text("\n".join(map(json.dumps, self.lines)))
        with duckdb.connect() as engine:
            columns = dict.fromkeys(self.lines[0], "varchar")
            engine.read_json(str(self.path / "t.jsonl"), columns=columns).to_table("t")
            found = engine.execute(query)
            names = [one[0] for one in found.description]
            rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
        self.write(rows, name)
        return rows

    def write(self, rows: list[dict], name: str = "r.csv") -> None:
        with (self.path / name).open("w", newline="") as file:
            made = csv.DictWriter(file, list(aggregate.COLUMNS))
            made.writeheader()
            made.writerows(rows)

    def give(
        self, result: str = "r.csv", *further: str, query: str = "q.sql", id_: str = "3f0c", engine: str = "duckdb"
    ):
        words = ("--query-text", query, "--query-id", id_, "--at", AT, "--engine", engine, "--name", "api")
        return self.run("logs", "import", result, *words, *further)

    def items(self, control: str) -> dict[str, dict]:
        found = self.told("check", *PERIOD)["findings"]
        (finding,) = [one for one in found if one["control"] == control]
        return {one["id"]: one for one in finding["items"]}

    def rows(self, sql: str) -> list[dict]:
        return self.told("query", sql, *PERIOD)

    @property
    def stored(self) -> int:
        vault = self.path / "evidence"
        return len(list(Vault.open(vault).items())) if vault.is_dir() else 0


@pytest.fixture
def company(tmp_path, soc2ev) -> Company:
    made = Company(tmp_path, soc2ev)
    made.log("user.login.failed", "2026-10-05T10:00:00Z", status=401)
    made.log("user.login.failed", "2026-10-05T11:30:00Z", status=401)
    made.log("api_token.created", "2026-10-20T08:00:00Z", ip=None)
    made.log("user.login.failed", "2026-11-01T10:00:00Z", status=401)
    made.log("user.login.failed", "no time")
    return made


def test_the_whole_road_from_the_plan_to_a_verified_pack(company):
    """What the engine counted is in tables, items, pages and pack, named as declared, and turns nothing met."""
    company.ran(company.plan())
    done = company.give()
    assert 0 == done.code
    assert (
        "speaks for api from 2026-10-05T10:00:00Z to 2026-11-01T10:00:00Z: auth.failure 3, token.created 1" in done.err
    )
    assert "1 records without a time speak for no period" in done.err
    assert "does not measure leaks, gaps" in done.err
    assert "basis is declared" in done.err
    assert "warning" not in done.err
    assert 0 == company.run("collect", *PERIOD).code
    (row,) = company.rows("select * from log_aggregations")
    told = {name: row[name] for name in ("source", "listed", "basis", "planned", "speaks", "records", "undated")}
    assert {"source": "api", "listed": True, "basis": "declared", "planned": True, "speaks": True} | {
        "records": 3,
        "undated": 1,
    } == told
    assert (1.0, 2 / 3) == (row["who_share"], row["where_share"])
    events = company.rows('select event, "count" from log_aggregation_events where "count" > 0 order by event')
    assert [{"event": "auth.failure", "count": 2}, {"event": "token.created", "count": 1}] == events
    item = company.items("log-events-covered")["auth.failure"]
    assert "not tested" == item["outcomes"]["A"]["outcome"]
    assert f"Imported aggregations count 2 of api (duckdb, query 3f0c); {CLAIM}" in item["outcomes"]["A"]["reason"]
    assert set(row["evidence"]) & set(item["outcomes"]["A"]["evidence"])
    context = company.items("log-context-sufficient")["api"]["outcomes"]["A"]
    assert "not tested" == context["outcome"]
    assert f"counts who in 100%, what in 100%, where in 67%; {CLAIM}" in context["reason"]
    (source,) = company.rows("select events_covered, events_reason from log_sources where key = 'api'")
    assert None is source["events_covered"]
    pack = company.told("pack", *PERIOD)["pack"]
    held = b"".join(file.read_bytes() for file in Path(pack).rglob("*") if file.is_file() and "raw" in file.parts)
    assert (company.path / "r.csv").read_bytes() in held
    assert (company.path / "q.sql").read_bytes() in held
    assert company.told("verify", pack)["ok"]


def test_an_aggregation_never_says_that_nothing_leaks(company):
    """Leaks, gaps and clocks were not looked for: NULL, not tested, and no number."""
    company.ran(company.plan())
    company.give()
    company.run("collect", *PERIOD)
    (row,) = company.rows("select * from log_samples")
    assert ("declared", 0, 3) == (row["basis"], row["files"], row["lines"])
    for name in ("clean", "impersonal", "correlated", "context", "clocks", "continuous", "leaks", "gaps", "unparsed"):
        assert None is row[name], name
    outcomes = company.items("log-content-clean")["api"]["outcomes"]
    assert {"not tested"} == {one["outcome"] for one in outcomes.values()}
    assert "looks for nothing that must not stand in a log" in outcomes["A"]["reason"]


def test_an_import_does_not_lift_what_a_sample_of_the_source_shows(company):
    """With files of the same source the files answer; the import changes no outcome."""
    (company.path / "api.jsonl").write_text(json.dumps({**company.lines[0], "password": "hunter2x9Qr"}) + "\n")
    company.configure("[{path: api.jsonl, format: jsonl, source: API}]")
    company.run("collect", *PERIOD)
    alone = {name: one["outcomes"] for name, one in company.items("log-content-clean").items()}
    company.ran(company.plan())
    company.give()
    assert alone == {name: one["outcomes"] for name, one in company.items("log-content-clean").items()}
    assert "deviation" == alone["API"]["A"]["outcome"]
    assert ["met", "not tested"] == [
        company.items("log-events-covered")[name]["outcomes"]["A"]["outcome"]
        for name in ("auth.failure", "token.created")
    ]


def test_only_hours_of_the_period_speak(company):
    """Another period has other numbers; one in which there is no hour has no row."""
    company.ran(company.plan())
    company.give()
    sql = "select records from log_aggregations where speaks"
    counts = {
        name: [one["records"] for one in company.told("query", sql, "--period", name)]
        for name in ("2026-10", "2026-11", "2026-09", "2026")
    }
    assert {"2026-10": [3], "2026-11": [1], "2026-09": [], "2026": [4]} == counts


def test_an_hour_behind_the_run_does_not_speak(company):
    """A query cannot have counted what happened after it ran."""
    company.log("user.login", "2026-11-20T10:00:00Z")
    company.ran(company.plan())
    company.give()
    sql = "select records from log_aggregations where speaks"
    assert [{"records": 1}] == company.told("query", sql, "--period", "2026-11")


def test_the_same_import_again_changes_nothing(company):
    """Also when the same rows come in another form; the answer says that it was there."""
    rows = company.ran(company.plan())
    company.give()
    stored = company.stored
    (company.path / "r.json").write_text(json.dumps(rows[::-1]))
    again, other = company.give(), company.give("r.json")
    assert (0, 0, stored) == (again.code, other.code, company.stored)
    assert "already there" in again.err
    assert "already there" in other.err


def test_one_run_has_one_result(company):
    """Another result under the same id is refused, and nothing is stored."""
    rows = company.ran(company.plan())
    company.give()
    stored = company.stored
    company.write([*rows[:-1], {**rows[-1], "records": 9, "who": 9}], "other.csv")
    done = company.give("other.csv")
    assert (2, stored) == (done.code, company.stored)
    assert "imported before with another result" in done.err


def test_the_newest_run_over_a_table_counts_an_hour(company):
    """Of two results with the same hours none is counted twice, and one run under two names is one run."""
    company.ran(company.plan())
    company.give()
    company.give("r.csv", id_="4a1d")
    company.give("r.csv", "--name", "again", "--source", "api", id_="4a1d")
    company.run("collect", *PERIOD)
    (row,) = company.rows("select sum(\"count\")::bigint as n from log_aggregation_events where event = 'auth.failure'")
    assert 2 == row["n"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda text: text.replace("SUM(CASE", "SUM(1 + CASE", 1), "not the text that its command prints"),
        (lambda text: "\n".join(text.splitlines()[2:]), "no comment with the command"),
        (lambda text: text.replace("--engine duckdb", "--engine athena"), "planned for athena"),
        (lambda text: text.replace("--table t", "--table 't; drop table t'"), "cannot stand in a query"),
        (lambda text: text.replace("--table t", "--table other"), "not the text that its command prints"),
        (lambda text: text.replace("--engine duckdb", "--moon"), "is not one that plans a query"),
    ],
)
def test_another_query_supports_nothing(company, change, reason):
    """It is stored and marked with the reason; no table about events or samples has it."""
    query = company.plan()
    company.ran(query)
    (company.path / "q.sql").write_text(change(query))
    done = company.give()
    assert 0 == done.code
    assert "supports nothing" in done.err
    assert reason in done.err
    assert "speaks for" not in done.err
    (row,) = company.rows("select planned, planned_reason, speaks from log_aggregations")
    assert (False, False) == (row["planned"], row["speaks"])
    assert reason in row["planned_reason"]
    assert [] == company.rows("select * from log_samples")
    assert [] == company.rows("select * from log_aggregation_events")


def test_blanks_and_a_semicolon_make_no_other_query(company):
    """An editor's line ends and the semicolon of a console are no change."""
    query = company.plan("--columns", "ip=", "--json-column", "")
    company.ran(query)
    (company.path / "q.sql").write_bytes(query.replace("\n", " \r\n").encode() + b";\r\n")
    done = company.give()
    assert "speaks for api" in done.err
    assert "told of no column for ip" in done.err
    (row,) = company.rows("select where_share, who_share from log_aggregations")
    assert (None, 1.0) == (row["where_share"], row["who_share"])


@pytest.mark.parametrize(
    "change",
    [
        {"who": 99},
        {"errors": 1, "told": 0},
        {"auth_failure": 99},
        {"first_at": 1},
        {"last_at": None},
        {"who_what_when_where": 1, "who": 0},
        {"records": 0},
        {"ids_differ": 1},
    ],
)
def test_a_result_that_no_records_give_is_refused(company, change):
    """Exit 2, nothing is stored; so it is for an hour that stands there twice."""
    rows = company.ran(company.plan())
    dated = next(row for row in rows if row["hour"] is not None)
    company.write([{**row, **change} if row is dated else row for row in rows])
    assert (2, 0) == (company.give().code, company.stored)
    company.write([*rows, dated])
    done = company.give()
    assert (2, 0) == (done.code, company.stored)
    assert "stands there twice" in done.err


def test_a_source_that_nobody_lists_is_told(company):
    """On the screen and in the table; with --source it is the inventory's."""
    company.configure(listed="aws-cloudtrail:main")
    company.ran(company.plan())
    assert "warning: api: no register of log sources lists it" in company.give().err
    assert "warning" not in company.give("r.csv", "--source", "AWS-CloudTrail:main", id_="x").err
    company.run("collect", *PERIOD)
    rows = company.rows("select source, listed from log_aggregations order by imported_at")
    assert [("api", False), ("AWS-CloudTrail:main", True)] == [(one["source"], one["listed"]) for one in rows]
    assert 2 == company.give("r.csv", "--source", "a\nb", id_="y").code


def test_an_altered_result_speaks_no_more(company):
    """The vault refuses a body that is not what was stored."""
    company.ran(company.plan())
    stored = company.told(
        "logs", "import", "r.csv", "--query-text", "q.sql", "--query-id", "1", "--at", AT, "--engine", "duckdb"
    )
    digest = stored["result"].removeprefix("sha256:")
    (body,) = [
        file
        for file in (company.path / "evidence").rglob("*")
        if file.name.startswith(digest[:60]) or file.name == digest[2:]
    ]
    body.chmod(0o644)
    body.write_bytes(body.read_bytes().replace(b"2", b"3"))
    assert 6 == company.run("check", *PERIOD).code


LOGIN = {"timestamp": "2026-10-05T10:00:00Z", "event": "user.login.failed", "actor_id": "u1", "ip": "10.0.0.1"}


@pytest.mark.parametrize(
    ("lines", "answer"),
    [
        ([{**LOGIN, "auth_method": "password"}], "yes"),
        ([LOGIN], "no"),
        ([LOGIN] + [{**LOGIN, "auth_method": "mfa"}] * 3, "not known"),
        ([{**LOGIN, "event": "invoice.sent"}], "not known"),
    ],
)
def test_the_question_about_authentication_fields_has_an_answer(company, lines, answer):
    """From a sample: nine in ten say how somebody logged in, under half do, some do, or nobody logged in."""
    (company.path / "api.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    company.configure("[{path: api.jsonl, format: jsonl, source: api}]")
    company.run("collect", *PERIOD)
    (question,) = [
        one for one in company.told("checklist", *PERIOD)["questions"] if one["id"] == "cc6-1-authentication-fields"
    ]
    assert answer == question["answer"], question


def test_an_import_does_not_answer_for_authentication_fields(company):
    """The query does not count them: the source is not tested, whatever events it counts."""
    company.ran(company.plan())
    company.give()
    outcome = company.items("log-authentication-fields")["api"]["outcomes"]["A"]
    assert ("not tested", True) == (outcome["outcome"], "does not count" in outcome["reason"])
