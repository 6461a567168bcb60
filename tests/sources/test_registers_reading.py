"""What a register may say: the header, the rules of each kind, and complaints that point at the line."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from soc2ev.sources.registers.fields import same_person
from soc2ev.sources.registers.reading import clashes, read
from soc2ev.sources.registers.schemas import MODELS
from soc2ev.sources.registers.tables import TABLES, rows

HEADER = """\
id: {id}
kind: {kind}
schema: 1
owner: platform
period: 2026-10
criteria: [CC7.2]
prepared_by: Ann Archer
reviewed_by: Bo Baker
reviewed_on: 2026-11-02
status: approved
"""

WAIVER = """\
control: change-approved
items: ["acme/api@*"]
attributes: [B]
reason: retired in March
approver: Cleo Carter
approved_on: 2026-09-01
expires_on: 2027-03-01
"""


def header(kind: str, identity: str = "one") -> str:
    return HEADER.format(id=identity, kind=kind)


def said(text: str, name: str = "r.yaml") -> list[str]:
    return [str(problem) for problem in read(text.encode(), name).problems]


def table(text: str, name: str) -> list[dict]:
    return [dict(row) for one, row in rows("r.yaml", read(text.encode(), "r.yaml")) if one == name]


def replaced(text: str, key: str, value: str | None) -> str:
    lines = [line for line in text.splitlines() if not line.startswith(f"{key}:")]
    return "\n".join(lines if value is None else [*lines, f"{key}: {value}"]) + "\n"


def test_a_record_of_a_waiver_becomes_its_row():
    """A single waiver gives one row in registers and one in waivers, with dates as dates."""
    text = header("waiver", "W-1") + WAIVER
    assert said(text) == []
    assert [
        {
            "file": "r.yaml",
            "id": "W-1",
            "status": "approved",
            "period": "2026-10",
            "control": "change-approved",
            "items": ["acme/api@*"],
            "attributes": ["B"],
            "reason": "retired in March",
            "approver": "Cleo Carter",
            "approved_on": date(2026, 9, 1),
            "expires_on": date(2027, 3, 1),
        }
    ] == table(text, "waivers")
    assert [("W-1", "waiver", "approved", date(2026, 11, 2), None)] == [
        (row["record"], row["kind"], row["status"], row["reviewed_on"], row["problem"])
        for row in table(text, "registers")
    ]


@pytest.mark.parametrize(
    ("key", "value", "place", "says"),
    [
        ("reviewed_by", '" ANN  archer "', 17, "reviewed_by: the same person as prepared_by"),
        ("reviewed_by", None, 9, "status: 'approved' needs reviewed_by"),
        ("reviewed_on", None, 9, "status: 'approved' needs reviewed_on"),
        ("owner", None, 9, "status: 'approved' needs owner"),
        ("reviewed_on", "2026-02-30", 17, "reviewed_on: 2026-02-30 is no day"),
        ("reviewed_on", "02.11.2026", 17, "reviewed_on: a day is written as 2026-10-31"),
        ("valid_until", "2026-11-01", 18, "valid_until: it ended before it was reviewed"),
        ("period", "2026-13", 17, "period: period '2026-13'"),
        ("criteria", "[CC99]", 17, "criteria.0: 'CC99' is no criterion"),
        ("schema", "2", 17, "schema: Input should be 1"),
        ("status", "done", 17, "status: Input should be 'draft', 'in review', 'approved' or 'retired'"),
        ("id", "two words", 17, "id: at most 100 letters"),
        ("reason", '"  "', 17, "reason: blank"),
        ("reason", '"a\\eb"', 17, "reason: control characters"),
        ("approver", "true", 17, "approver: Input should be a valid string"),
        ("expires_on", "2027-09-02", 17, "expires_on: at most twelve months"),
        ("expires_on", "2026-09-01", 17, "expires_on: expires before it was approved"),
        ("expires_on", None, 1, "expires_on: missing"),
        ("aprover", "x", 18, "aprover: unknown key; did you mean 'approver'?"),
        ("evidence", "[https://x/y]", 18, "evidence.0: an address cannot be kept"),
        ("evidence", f"[{'x' * 501}]", 18, "evidence.0: the path of a file"),
        ("evidence", r'["a\nb"]', 18, "evidence.0: the path of a file"),
        ("reason", "x" * 20_001, 17, "reason: longer than"),
        ("evidence", "[/etc/passwd]", 18, "evidence.0: a path relative to this file"),
        ("evidence", "[..]", 18, "evidence.0: the path of a file"),
        ("evidence", r"['a\b']", 18, "evidence.0: a path relative to this file"),
    ],
)
def test_each_rule_complains_at_its_line(key, value, place, says):
    """A rule that is broken gives one complaint, with file, line and column."""
    problems = said(replaced(header("waiver") + WAIVER, key, value))
    assert len(problems) == 1, problems
    assert problems[0].startswith(f"r.yaml:{place}:"), problems
    assert says in problems[0]


def test_twelve_months_to_the_day_are_allowed():
    """An acceptance may last a year, also one that begins on the 29th of February."""
    text = header("waiver") + WAIVER
    assert said(replaced(text, "expires_on", "2027-09-01")) == []
    leap = replaced(text, "approved_on", "2028-02-29")
    assert said(replaced(leap, "expires_on", "2029-02-28")) == []
    assert "2029-02-28 at the latest" in said(replaced(leap, "expires_on", "2029-03-01"))[0]


def test_a_file_that_is_wrong_gives_one_row_and_no_entries():
    """One wrong record makes the whole file unusable: its row names kind, record and problem."""
    text = replaced(header("waiver", "W-1") + WAIVER, "expires_on", "2030-01-01")
    assert table(text, "waivers") == []
    (row,) = table(text, "registers")
    assert (row["record"], row["kind"], row["status"]) == ("W-1", "waiver", None)
    assert "expires_on: at most twelve months" in row["problem"]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "r.yaml:1:1: a register is a mapping"),
        (b"- 1", "r.yaml:1:1: a register is a mapping"),
        (b"\xff", "r.yaml: not UTF-8"),
        (b"kind: waver\nid: a", "r.yaml:1:1: kind: 'waver' is no kind of register; did you mean 'waiver'?"),
        (b"id: a", "r.yaml:1:1: kind: missing"),
        (b"kind: [x]", "kind: '['x']' is no kind of register"),
        (b"id: a\nid: b", "r.yaml:2:1: the key 'id' stands here twice"),
        (b"a: &x 1\nb: *x", "anchors and aliases"),
        (b"a: " + b"[" * 100, "nested too deeply"),
        (b"a\0b", "r.yaml"),
        (b"kind: !python/object:os.system x", "tags such as !python/object:os.system"),
        (b"#" * (1024 * 1024 + 1), "larger than"),
    ],
)
def test_bytes_that_are_no_register_are_told_and_never_raise(body, says):
    """Whatever the bytes are, reading them gives a problem, and one row with the file's name as record."""
    reading = read(body, "r.yaml")
    assert says in str(reading.problems[0])
    assert reading.records == ()
    made = list(rows("sub/r.yaml", reading))
    assert [name for name, _ in made] == ["registers"]
    assert made[0][1]["problem"]


def test_hostile_keys_cannot_steer_a_terminal():
    """Escape sequences and lone surrogates in keys appear escaped, so that messages stay UTF-8 and plain."""
    problems = said(header("waiver") + WAIVER + '"\\e]0;x": 1\n')
    assert "\\x1b]0;x: unknown key" in problems[0]
    problems += said("id: a\n" + 'kind: "\\e[2J\\ud800"\n') + said(header("waiver") + WAIVER + '"\\ud800": 1\n')
    assert all(problem.isprintable() for problem in problems)
    assert "cannot be written" in problems[1]


def test_records_share_what_stands_beside_them():
    """Under `records` each record has its own id, inherits the rest and may say otherwise."""
    text = (
        header("waiver", "all").replace("status: approved", "status: draft")
        + "control: shared\nrecords:\n"
        + "  - {id: A, items: [x], reason: r, approver: c, approved_on: 2026-01-01, expires_on: 2026-06-01}\n"
        + "  - {id: B, items: [y], reason: r, approver: c, approved_on: 2026-01-01, expires_on: 2026-06-01,"
        + " control: own, status: approved}\n"
    )
    assert said(text) == []
    assert [(row["id"], row["control"], row["status"]) for row in table(text, "waivers")] == [
        ("A", "shared", "draft"),
        ("B", "own", "approved"),
    ]


@pytest.mark.parametrize(
    ("records", "says"),
    [
        ("[{id: A}, {id: A}]", "missing"),
        ("[{}]", "r.yaml:11:11: records.0.id: missing"),
        ("[1]", "r.yaml:11:11: records.0: Input should be a valid dictionary"),
        ("{}", "r.yaml:11:1: records: Input should be a valid list"),
        ("[]\naprover: x", "r.yaml:12:1: aprover: unknown key; did you mean 'approver'?"),
        (f"[{'{}, ' * 2001}]", "more than 2000 records"),
    ],
)
def test_wrong_records_are_told_where_they_stand(records, says):
    """Entries under `records` that are no records are refused at their place."""
    assert says in said(header("waiver") + f"records: {records}\n")[0]


def test_ids_of_records_are_unique_in_a_file():
    """Two records of a file cannot have one id."""
    one = "{id: A, control: c, items: [x], reason: r, approver: c, approved_on: 2026-01-01, expires_on: 2026-06-01}"
    text = header("waiver") + f"records: [{one}, {one.replace('id: A', 'id: a')}]\n"
    assert said(text) == ["r.yaml:11:1: records: 'a' stands here twice"]


def test_ids_and_accounts_are_unique_between_files():
    """An id in two files, or an account that two people claim, is a problem of the later file."""
    people = "people: [{name: %s, github: [{login: x, id: 7}]}]\n"
    readings = {
        "a.yaml": read((header("people", "same") + people % "Ann").encode(), "a.yaml"),
        "b.yaml": read((header("people", "same") + people % "Bo").encode(), "b.yaml"),
        "c.yaml": read((header("people", "other") + people % "Ann").encode(), "c.yaml"),
    }
    assert [str(problem) for problem in clashes(readings)] == [
        "b.yaml: id same already stands in a.yaml",
        "b.yaml: github 7 already stands in a.yaml",
    ]


def test_one_account_belongs_to_one_person():
    """Within a file an account of two people is refused: it would hide who approved what."""
    text = header("people") + "people: [{name: Ann, jira: [a1]}, {name: Bo, jira: [a1]}]\n"
    assert "the jira account 'a1' belongs to 'Ann' and to 'Bo'" in said(text)[0]


def test_people_become_persons_and_accounts():
    """GitHub accounts are known by number, addresses in lower case; each account is told once."""
    text = header("people") + (
        "people:\n"
        "  - name: Ann\n"
        "    github: [{login: ann, id: 7}, {login: ann-old, id: 7}]\n"
        "    jira: [5]\n"
        "    emails: [Ann@X.example, ann@x.example]\n"
        "    employed_until: 2026-10-31\n"
        "  - {name: bot, machine: true}\n"
    )
    assert said(text) == []
    assert [("Ann", False, date(2026, 10, 31)), ("bot", True, None)] == [
        (row["person"], row["machine"], row["employed_until"]) for row in table(text, "people")
    ]
    assert [(row["system"], row["account"], row["login"]) for row in table(text, "accounts")] == [
        ("github", "7", "ann"),
        ("jira", "5", None),
        ("email", "ann@x.example", None),
    ]


ACCESS = """\
system: datadog
decisions: [{principal: a@x, role: admin, decision: remove, why: left, done_on: 2026-10-09, proof: SEC-1}]
can_stop_logging: [{principal: root, decision: keep, why: break-glass}]
"""
SIGN_OFF = "person: Cleo\nrole: head\nat: 2026-11-05T09:30:00+01:00\nquestion: retention-documented\n"


def test_access_decisions_say_whether_they_are_about_stopping_logs():
    """Both lists of an access review lie in one table, told apart by can_stop."""
    rows_ = table(header("log_access_review") + ACCESS, "register_access_decisions")
    assert [(r["principal"], r["can_stop"], r["entry"]) for r in rows_] == [
        ("a@x", False, 1),
        ("root", True, 1),
    ]
    (review,) = table(header("log_access_review") + ACCESS, "register_access_reviews")
    assert (
        review["system"],
        review["period"],
        review["decisions"],
        review["can_stop_logging"],
    ) == ("datadog", "2026-10", 1, 1)


def test_instants_are_utc():
    """A time with an offset becomes the same instant in UTC; one without is refused."""
    text = header("sign_off") + SIGN_OFF
    (row,) = table(text, "sign_offs")
    assert datetime(2026, 11, 5, 8, 30, tzinfo=UTC) == row["signed_at"]
    assert "at: a time is written with its offset" in said(replaced(text, "at", "2026-11-05T09:30"))[0]
    assert "is no time" in said(replaced(text, "at", "0001-01-01T00:00+10:00"))[0]


@pytest.mark.parametrize(
    ("kind", "body", "says"),
    [
        ("sign_off", SIGN_OFF + "control: c\n", "question: give exactly one of control, question"),
        (
            "sign_off",
            replaced(SIGN_OFF, "question", None),
            "question: give exactly one of control, question",
        ),
        ("sign_off", SIGN_OFF + "disposition: explained\n", "note: 'explained' needs a note"),
        ("log_sources", "sources: []\n", "sources: empty; only a draft may be"),
        ("production_change", "kinds: []\n", "kinds: empty; only a draft may be"),
        (
            "production_change",
            "kinds: [{kind: database, included: yes, description: d}]\n",
            "kinds.0.included: Input should be a valid boolean",
        ),
        (
            "customer_commitments",
            "commitments: [{customer: A, retention_days: 0, source: s}]\n",
            "commitments.0.retention_days",
        ),
        (
            "alert_review",
            "population: {alerts: 1, from: pack}\nreviewed: [{alert: 1, verdict: ok}]\n",
            "reviewed.0.verdict",
        ),
        (
            "alert_review",
            (
                "population: {alerts: 1, from: pack}\nreviewed:\n"
                "  - {alert: A, verdict: expected}\n  - {alert: A, verdict: expected}\n"
            ),
            "reviewed: 'a' stands here twice",
        ),
        (
            "incident_log_sample",
            (
                "incident: I\nquery: q\nwindow: {from: 2026-01-02T00:00Z, to: 2026-01-01T00:00Z}\nretrieved_by: a\n"
                "retrieved_on: 2026-01-03\nminutes_to_retrieve: 1\nsample: s\nshows: [who]\n"
            ),
            "window.to: it ends before it begins",
        ),
        (
            "emergency_change",
            (
                "emergencies: [{id: E, change: c, reason: r, approver: a, approved_at: 2026-01-01T00:00Z,"
                " systems: [s], testing: t, rollback: r, reviewed_on: 2026-01-02}]\n"
            ),
            "emergencies.0.reviewed_on: a review has somebody who made it",
        ),
        (
            "procedures",
            "procedures: [{key: k, title: t, document: d.md, approved_on: 2026-01-02, next_review_on: 2026-01-02}]\n",
            "next_review_on: the next review comes after",
        ),
        ("abuse_monitoring", "scenarios: [{id: theft, owner: a}]\n", "scenarios.0.id: Input should be"),
        (
            "exception",
            (
                "type: retention\napplies_to: a\nrequirement: {field: f, required: 365, actual: 90}\nreason: r\n"
                "risk: low\napproved_by: a\napproved_on: 2026-01-01\nexpires_on: 2027-01-02\n"
            ),
            "expires_on: at most twelve months",
        ),
        ("high_risk_review", "change: c\n", "authentication: missing"),
    ],
)
def test_rules_of_single_kinds(kind, body, says):
    """What a kind asks for beside the header is refused when it is missing or makes no sense."""
    problems = said(header(kind) + body)
    assert any(says in problem for problem in problems), problems


def test_an_empty_log_of_emergencies_can_be_approved():
    """No emergency in a period is something that a person can confirm."""
    assert said(header("emergency_change") + "emergencies: []\n") == []


def test_every_row_has_exactly_the_declared_columns():
    """Each kind's tables are declared: no row carries a column more or less than its table."""
    declared = {one.name: {column.name for column in one.columns} for one in TABLES}
    for text in (
        header("log_access_review") + ACCESS,
        header("waiver") + WAIVER,
        header("sign_off") + SIGN_OFF,
    ):
        for name, row in rows("r.yaml", read(text.encode(), "r.yaml")):
            assert declared[name] == set(row)


def test_every_table_has_a_key_of_required_columns():
    """A key column is never NULL, and no two tables share a name."""
    assert len(TABLES) == len({one.name for one in TABLES})
    for one in TABLES:
        columns = {column.name: column for column in one.columns}
        assert all(columns[name].required for name in one.key), one.name
        assert len(columns) == len(one.columns), one.name


def test_every_list_of_a_kind_has_a_table():
    """No entry that a team writes is dropped on the way to the tables."""
    names = {one.name for one in TABLES}
    for kind, model in MODELS.items():
        assert model.table or model.tables, kind
        assert {model.table, *model.tables.values()} - {None} <= names


def test_only_a_draft_may_lack_people():
    """A register in review names its owner and who prepared it, but no reviewer yet; a draft names nobody."""
    text = header("waiver") + WAIVER
    for name in ("owner", "prepared_by", "reviewed_by", "reviewed_on"):
        text = replaced(text, name, None)
    in_review = said(replaced(text, "status", "in review"))
    assert [problem.split(" ", 1)[1] for problem in in_review] == ["status: 'in review' needs owner, prepared_by"]
    assert said(replaced(text, "status", "draft")) == []


@pytest.mark.parametrize(
    ("key", "name", "says"),
    [
        ("reviewed_by", "Bo\u200b Baker", "nobody can see"),
        ("prepared_by", "Ann\u00ad Archer", "nobody can see"),
        ("owner", "plat\u3164form", "nobody can see"),
        ("approver", "Cleo\u2060", "nobody can see"),
        ("reviewed_by", "\u0410nn Archer", "mixes Cyrillic and Latin"),
        ("reviewed_by", "Ann \u0391rcher", "mixes Greek and Latin"),
    ],
)
def test_names_that_only_look_different_are_refused(key, name, says):
    """Invisible characters, and letters of two alphabets in one word, would make two people of one."""
    (complaint,) = said(replaced(header("waiver") + WAIVER, key, f'"{name}"'))
    assert says in complaint


@pytest.mark.parametrize("name", ["Бо Архер", "Zoë Müller-O’Brien", "Ann Анна", "山田 太郎", "Νίκος Δήμου"])
def test_names_of_every_alphabet_are_welcome(name):
    """One word in one alphabet is what people write."""
    assert [] == said(replaced(header("waiver") + WAIVER, "reviewed_by", name))


@pytest.mark.parametrize(
    ("name", "other", "same"),
    [
        ("Ann Archer", " ann   ARCHER ", True),
        ("Ann Archer <ann@x.org>", "Ann Archer", True),
        ("Ann <ann@x.org>", "A. Archer <ANN@x.org>", True),
        ("ann@x.org", "Ann Archer <ann@x.org>", True),
        ("\uff21nn Archer", "Ann Archer", True),
        ("Straße", "STRASSE", True),
        ("Ann <ann@x.org>", "Bo <bo@x.org>", False),
        ("<ann@x.org>", "<bo@x.org>", False),
        ("Ann Archer", "Ann Archery", False),
        ("Ann <>", "Bo <>", False),
    ],
)
def test_who_is_the_same_person(name, other, same):
    """Case, spaces, Unicode forms and a mail in brackets make no other person; one mail makes one person."""
    assert same is same_person(name, other)
    assert same is same_person(other, name)


@pytest.mark.parametrize("author", ["Bo Baker <bo@example.com>", "bo  baker"])
def test_a_reviewer_with_a_mail_is_still_the_author(author):
    """Whoever wrote it does not become a second person by adding an address."""
    (complaint,) = said(
        replaced(header("waiver") + WAIVER, "prepared_by", author).replace("reviewed_by: Bo Baker\n", "")
        + "reviewed_by: Bo Baker\n"
    )
    assert "somebody else has to" in complaint


@pytest.mark.parametrize(
    ("line", "kept"), [("", ""), ("unreviewed_reason:\n", ""), ("unreviewed_reason: n/a\n", "n/a")]
)
def test_a_reason_that_is_left_out_is_empty_and_not_unknown(line, kept):
    """Nobody gave a reason: that is known."""
    text = header("alert_review") + "population: {alerts: 1, from: export}\nreviewed: []\n" + line
    assert [kept] == [row["unreviewed_reason"] for row in table(text, "register_alert_reviews")]


def test_a_complaint_of_several_lines_is_one_problem():
    """What the YAML reader says over two lines stays one complaint."""
    assert len(said("a\0b")) == 1


def test_a_file_named_after_a_kind_without_a_header_is_a_draft_of_it() -> None:
    """Its entries are seen and nobody has approved them; any part of a header asks for all of it."""
    body = b"sources:\n  - {key: 'nginx:edge'}\n"
    (record,) = read(body, "registers/log-sources.yaml").records
    assert ("log-sources", "log_sources", "draft") == (record.id, record.kind, record.status)
    assert not read(body, "registers/anything.yaml").records
    assert not read(b"status: approved\n" + body, "registers/log-sources.yaml").records
    assert not read(b"id: x\n" + body, "registers/log-sources.yaml").records
