"""The manifest language: what it refuses, how lists are read to their end, and what a failure costs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from werkzeug import Request, Response

from soc2ev.errors import ConfigError, TamperedError
from soc2ev.sources import logs
from soc2ev.sources.logs import engine, facts, facts_buckets, library, manifest, readonly, record, rows, sieve

HEAD = """
id: acme
title: Acme
category: application
transport: http
base_url: ${config.url}
config: {url: {}, token: {secret: true, optional: true}}
auth: {type: bearer, secret: token}
requires: [reading]
docs: https://example.com
verified: today
"""


def write(team, text, name="acme", head=HEAD):
    """A manifest of the team's own."""
    folder = team.root / ".soc2ev" / "sources"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.yaml").write_text(head + text, encoding="utf-8")


def paged(paginate, path="/list"):
    """A manifest with one list by pages, and one source for each of its rows."""
    return f"""
requests:
  - {{id: list, path: {path}, paginate: {paginate}}}
sources:
  - each: list.rows[]
    record: {{native: =item.name, enabled: =item.on}}
"""


PAGES = [[{"name": "a", "on": True}, {"name": "b", "on": False}], [{"name": "c", "on": True}], []]


def _by_offset(request: Request) -> Response:
    names = [row for page in PAGES for row in page]
    start = int(request.args["start"])
    return Response(json.dumps({"rows": names[start : start + 2]}), content_type="application/json")


def _by_number(key):
    def answer(request: Request) -> Response:
        number = int(request.args.get(key) or 0)
        # An empty page lies between two full ones: only the system knows that it is not the last.
        body = {"rows": PAGES[number], "next": number + 1 if number < 2 else None, "more": number < 1}
        body["url"] = f"/list?{key}={number + 1}" if number < 2 else None
        return Response(json.dumps(body), content_type="application/json")

    return answer


@pytest.mark.parametrize(
    ("paginate", "handler", "asked"),
    [
        ("{type: offset, param: start, items: [rows]}", _by_offset, 3),
        ("{type: page, param: n, items: [rows]}", _by_number("n"), 3),
        ("{type: page, param: n, items: [rows], more: more}", _by_number("n"), 2),
        ("{type: cursor, param: n, items: [rows], next: next}", _by_number("n"), 3),
        ("{type: next_url, items: [rows], next: url}", _by_number("n"), 3),
    ],
)
def test_lists_are_read_to_their_end(team, httpserver, paginate, handler, asked):
    """Every way of paging finds the rows of all pages, and each page is a body of its own."""
    httpserver.expect_request("/list").respond_with_handler(handler)
    write(team, paged(paginate))
    found = team.collect({"connector": "acme", "url": httpserver.url_for("")})
    assert {"acme:a": True, "acme:b": False, "acme:c": True} == {
        key: row["enabled"] for key, row in found.sources.items()
    }
    assert found.claim.complete
    assert asked == sum(item.request["role"] == "answer" for item, _ in found.stored)


@pytest.mark.parametrize(
    ("paginate", "page", "says"),
    [
        ("{type: offset, param: n, items: [rows], more: more}", {"rows": [], "more": True}, "was there already"),
        ("{type: page, param: n, items: [rows], more: more}", {"rows": [], "more": True}, "was there already"),
        ("{type: token, param: n, items: [rows], next: next}", {"rows": [], "next": "a"}, "was there already"),
        ("{type: next_url, items: [rows], next: next}", {"rows": [], "next": "/list"}, "was there already"),
        ("{type: next_url, items: [rows], next: next}", {"rows": [], "next": 7.5}, "names no next one"),
        ("{type: next_url, items: [rows], next: _links.next.href}", {"rows": [], "_links": 7}, "names no next one"),
        ("{type: next_url, items: [rows], next: _links.next.href}", {"rows": [], "_links": [7]}, "names no next one"),
        (
            "{type: next_url, items: [rows], next: _links.next.href}",
            {"rows": [], "_links": {"next": "x"}},
            "no next one",
        ),
        ("{type: cursor, param: n, items: [rows], next: next}", {"rows": [], "next": ["a"]}, "names no next one"),
        ("{type: offset, param: n, items: [rows], more: more}", {"rows": []}, "neither true nor false"),
        (
            "{type: next_url, items: [rows], next: next, more: more}",
            {"rows": [], "more": "yes"},
            "neither true nor false",
        ),
        ("{type: token, param: n, items: [rows], next: next}", [], "a page has no rows"),
        (
            "{type: token, param: n, items: [rows], next: next, more: more}",
            {"rows": [], "more": True},
            "there is more, and next names no next one",
        ),
        (
            "{type: token, param: n, items: [rows], next: next, total: found.count}",
            {"rows": [], "found": {"count": 1}},
            "found.count says 1, and 0 came",
        ),
        ("{type: page, param: n, items: [rows], total: count}", {"rows": [], "count": 7}, "count says 7, and 0 came"),
    ],
)
def test_a_page_that_does_not_say_what_comes_next_ends_the_list_in_doubt(team, httpserver, paginate, page, says):
    """One that leads back, names no address, or is not the last by what it says: a few questions, and unknown."""
    httpserver.expect_request("/list").respond_with_json(page)
    write(team, paged(paginate))
    found = team.collect({"connector": "acme", "url": httpserver.url_for("")})
    assert not found.claim.complete
    assert says in found.claim.reason
    assert len(httpserver.log) <= 3


@pytest.mark.parametrize("count", [0, None, "7", True])
def test_a_total_that_is_none_says_nothing(team, httpserver, count):
    """Rows that came meanwhile are more than a total said, and what is no number is no total."""
    httpserver.expect_request("/list").respond_with_json({"rows": PAGES[1], "count": count})
    write(team, paged("{type: token, param: n, items: [rows], next: next, total: count}"))
    assert team.collect({"connector": "acme", "url": httpserver.url_for("")}).claim.complete


def test_lists_by_link_headers_are_read_to_their_end(team, httpserver):
    """RFC 8288: the body itself is the list."""

    def answer(request: Request) -> Response:
        number = int(request.args.get("page", "0"))
        link = {"Link": f'<{httpserver.url_for("/list")}?page={number + 1}>; rel="next"'} if number < 1 else {}
        return Response(json.dumps(PAGES[number]), content_type="application/json", headers=link)

    httpserver.expect_request("/list").respond_with_handler(answer)
    write(team, paged("{type: link}").replace("list.rows[]", "list[]"))
    assert 3 == len(team.collect({"connector": "acme", "url": httpserver.url_for("")}).sources)


def test_a_list_that_is_longer_than_allowed_is_stated_as_cut(team, httpserver):
    """What came is listed; the coverage is incomplete and says so."""
    httpserver.expect_request("/list").respond_with_handler(_by_number("n"))
    write(team, paged("{type: cursor, param: n, items: [rows], next: next, most: 1}"))
    found = team.collect({"connector": "acme", "url": httpserver.url_for("")})
    assert (2, False) == (len(found.sources), found.claim.complete)
    assert "goes on after 1 pages" in found.claim.reason


def test_a_next_page_elsewhere_is_not_asked_for(team, httpserver):
    """A next address of another host gets no request and no token; the list is then unknown."""
    body = {"rows": [{"name": "a"}], "url": "https://elsewhere.example.com/list"}
    httpserver.expect_request("/list").respond_with_json(body)
    write(team, paged("{type: next_url, items: [rows], next: url}"))
    found = team.collect({"connector": "acme", "url": httpserver.url_for(""), "token": {"env": "TOKEN"}})
    assert "leads away" in found.claim.reason
    assert ["acme:acme"] == list(found.sources)


STATES = """
requests:
  - {id: main, path: /main}
  - {id: extra, path: /extra, absent_on: [404], unknown_on: {"402": the plan does not have it}}
sources:
  - record:
      enabled: =main.on
      integrity: "=choose(extra.lock == `true`, 'worm_compliance', 'none')"
      retention_days: =days(main.kept)
"""


@pytest.mark.parametrize(
    ("status", "integrity", "complete", "access", "says"),
    [
        (200, "worm_compliance", True, None, ""),
        (404, "none", True, None, ""),
        (402, None, False, None, "the plan does not have it"),
        (403, None, False, "missing", "403"),
        (500, None, False, None, "500"),
    ],
)
def test_what_an_error_means(team, httpserver, status, integrity, complete, access, says):
    """Absent is a known no; every other error makes just the facts that need the answer unknown."""
    httpserver.expect_request("/main").respond_with_json({"on": True, "kept": "90d"})
    httpserver.expect_request("/extra").respond_with_json({"lock": True}, status=status)
    write(team, STATES)
    found = team.collect({"connector": "acme", "url": httpserver.url_for("")})
    row = found.sources["acme:acme"]
    assert (True, 90, integrity) == (row["enabled"], row["retention_days"], row["integrity"])
    assert ([] if complete else ["integrity"]) == row["unknown"]
    assert says in row["reasons"]
    assert (complete, access) == (found.claim.complete, found.claim.scope.get("access"))


@pytest.mark.parametrize(
    ("body", "known"),
    [
        ('{"errors": []}', True),
        ('{"errors": ["no such route"]}', False),
        ('{"errors": [], "data": null}', False),
        ('{"errors": null}', False),
        ("{}", False),
        ("[]", False),
        ("", False),
        ("<html>no</html>", False),
    ],
)
@pytest.mark.parametrize("stored", ["", ", keep: [lock]"])
def test_what_else_has_that_status_is_not_absent(team, httpserver, body, known, stored):
    """Where the body of a known no is declared, the status alone is an error like others, whatever is kept."""
    httpserver.expect_request("/main").respond_with_json({"on": True, "kept": "90d"})
    httpserver.expect_request("/extra").respond_with_data(body, status=404)
    write(team, STATES.replace("absent_on: [404]", "absent_on: [404], absent_says: {errors: []}" + stored))
    found = team.collect({"connector": "acme", "url": httpserver.url_for("")})
    row = found.sources["acme:acme"]
    assert ("none" if known else None, known) == (row["integrity"], found.claim.complete)


@pytest.mark.parametrize("asked", ["path: /extra", "call: extra, absent_on: [404]"])
def test_the_body_of_a_known_no_belongs_to_a_status(asked):
    """It says nothing without the status that it comes with, nor where there is no body."""
    head = HEAD if "path" in asked else HEAD.replace("transport: http", "transport: python")
    text = f"requests:\n  - {{id: extra, {asked}, absent_says: {{errors: []}}}}\nsources:\n  - record: {{enabled: =extra.on}}\n"
    with pytest.raises(ConfigError, match="absent_says"):
        manifest.parse((head + text).encode(), "acme.yaml")


def test_a_value_of_another_type_is_unknown(team, httpserver):
    """Text where a truth is expected is no answer; it is never taken for yes."""
    httpserver.expect_request("/main").respond_with_json({"on": "yes", "kept": "soon"})
    httpserver.expect_request("/extra").respond_with_json({})
    write(team, STATES)
    row = team.collect({"connector": "acme", "url": httpserver.url_for("")}).sources["acme:acme"]
    assert (None, None, ["enabled"]) == (row["enabled"], row["retention_days"], row["unknown"])


def test_what_is_masked_never_reaches_the_vault(team, httpserver):
    """Secrets of an answer are masked before it is stored, and an answer that failed is stored without its body."""
    httpserver.expect_request("/main").respond_with_json({"on": True, "url": "https://x.example.com/S3NTINEL"})
    httpserver.expect_request("/extra").respond_with_json({"key": "S3NTINEL"}, status=403)
    text = STATES.replace("path: /main", "path: /main, redact: [{path: url, keep: host}]")
    write(team, text.replace("path: /extra", "path: /extra, keep: [lock]"))
    found = team.collect({"connector": "acme", "url": httpserver.url_for("")})
    assert (True, None) == tuple(found.sources["acme:acme"][name] for name in ("enabled", "integrity"))
    assert [] == [item.request for item, body in found.stored if b"S3NTINEL" in body]
    assert any(b"https://x.example.com/***" in body for _, body in found.stored)


def test_the_token_is_sent_and_not_stored(team, httpserver):
    """The bearer token is in the request on the wire, and in nothing that is kept."""
    token = team.environment["TOKEN"]
    headers = {"Authorization": f"Bearer {token}"}
    httpserver.expect_request("/main", headers=headers).respond_with_json({"on": True, "echo": token})
    httpserver.expect_request("/extra", headers=headers).respond_with_json({})
    write(team, STATES)
    found = team.collect({"connector": "acme", "url": httpserver.url_for(""), "token": {"env": "TOKEN"}})
    assert found.sources["acme:acme"]["enabled"] is True
    assert [] == [item.request for item, body in found.stored if token in f"{item.request}{body!r}"]


def test_a_record_holds_the_stored_answers_and_no_others(team, httpserver):
    """Each answer in the record is a stored body under its digest; a changed answer is found out."""
    httpserver.expect_request("/main").respond_with_json({"on": True, "kept": "90d"})
    httpserver.expect_request("/extra").respond_with_json({"lock": True})
    write(team, STATES)
    found = team.collect({"connector": "acme", "url": httpserver.url_for("")})
    stored = {item.digest for item, _ in found.stored}
    item, body = next((item, body) for item, body in found.stored if item.request["role"] == "record")
    assert set(json.loads(body)["bodies"]) <= stored
    assert 2 == len(json.loads(body)["bodies"])
    forged = body.replace(b'\\"on\\": true', b'\\"on\\": false').replace(b'\\"on\\":true', b'\\"on\\":false')
    assert forged != body
    with pytest.raises(TamperedError):
        list(rows.rows(item, forged))
    with pytest.raises(TamperedError):
        record.read(b"{}")


def test_the_teams_own_manifest_takes_the_place_of_a_shipped_one(team, httpserver):
    """Same id: the one beside soc2ev.yaml is used, and the coverage says which it was."""
    httpserver.expect_request("/main").respond_with_json({"on": False})
    httpserver.expect_request("/extra").respond_with_json({})
    write(team, STATES.replace("sources:", "sources:", 1), name="prometheus")
    file = team.root / ".soc2ev" / "sources" / "prometheus.yaml"
    file.write_text(file.read_text().replace("id: acme", "id: prometheus"))
    found = team.collect({"connector": "prometheus", "url": httpserver.url_for("")})
    assert found.sources["prometheus:prometheus"]["enabled"] is False
    assert (False, ".soc2ev/sources/prometheus.yaml") == (
        found.claim.details["shipped"],
        found.claim.details["manifest"],
    )


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"connector": "prometeus", "url": "https://x"}, "did you mean 'prometheus'"),
        ({"connector": "prometheus"}, "url is missing"),
        ({"connector": "prometheus", "url": "http://prometheus.example.com"}, "https"),
        ({"connector": "prometheus", "url": "https://x", "flavour": "y"}, "flavour"),
        ({"connector": "prometheus", "url": "https://x", "token": "literal"}, "never written here"),
        ({"connector": "prometheus", "url": "https://x", "api_token": "literal"}, "never written here"),
    ],
)
def test_an_entry_that_does_not_fit_stops_before_anything_is_asked(team, entry, says):
    """Unknown connectors and keys, missing settings, open addresses and literal secrets are refused."""
    with pytest.raises(ConfigError) as refused:
        team.collect(entry)
    assert says in f"{refused.value.message} {refused.value.hint}"


def test_two_entries_of_one_name_are_refused(team):
    """Their streams could not be told apart."""
    with pytest.raises(ConfigError, match="give each a name"):
        team.collect({"connector": "nginx", "path": "a"}, {"connector": "nginx", "path": "b"})


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("op", "s3.delete_bucket"),
        ("op", "secretsmanager.get_secret_value"),
        ("op", "ssm.get_parameters_by_path"),
        ("op", "sts.get_session_token"),
        ("op", "sts.assume_role"),
        ("op", "s3.get_object"),
        ("op", "logs.get_log_events"),
        ("op", "describe_trails"),
        ("sql", "DELETE FROM t"),
        ("sql", "SELECT 1; DROP TABLE t"),
        ("sql", "WITH x AS (DELETE FROM t RETURNING 1) SELECT 1"),
        ("sql", "SELECT pg_read_file('x')"),
        ("sql", "SELECT rolpassword FROM pg_authid"),
        ("sql", "SELECT set_config('a', 'b', false)"),
        ("path", "list"),
        ("path", "/a/../b"),
        ("path", "/x?key=${config.api_key}"),
    ],
)
def test_what_does_not_only_read_is_refused(kind, text):
    """Operations that change something or hand out secrets, writing SQL, and secrets in addresses."""
    with pytest.raises(ValueError, match=r"."):
        readonly.refuse_request(kind, text, post=False)


def test_post_is_sent_to_questions_only():
    """A POST needs both the mark in the manifest and a path that only answers questions."""
    readonly.refuse_request("path", "/graphql", post=True)
    with pytest.raises(ValueError, match="POST"):
        readonly.refuse_request("path", "/api/users", post=True)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("requests: [{id: a, path: /a}]\nsources: [{record: {enabled: =b.on}}]", "names 'b'"),
        ("requests: [{id: a, path: /a}]\nsources: [{record: {enabled: '=a.['}}]", "JMESPath"),
        ("requests: [{id: a, path: /a}]\nsources: [{record: {enabled: '=shout(a)'}}]", "shout"),
        ("requests: [{id: a, path: /a}]\nsources: [{record: {enabeld: true}}]", "did you mean 'enabled'"),
        ("requests: [{id: a, op: s3.delete_bucket}]\nsources: [{record: {enabled: true}}]", "does not only read"),
        ("requests: [{id: a, path: /a, colour: red}]\nsources: [{record: {enabled: true}}]", "unknown key"),
        ("requests: [{id: a, path: /a}, {id: a, path: /b}]\nsources: [{record: {enabled: true}}]", "two requests"),
        ("requests: [{id: item, path: /a}]\nsources: [{record: {enabled: true}}]", "name of the language"),
        ("requests: [{id: a, path: /a, body: {}}]\nsources: [{record: {enabled: true}}]", "read_only_post"),
        ("requests: [{id: a, path: /a}]\nsources: [{join: {a: item}, record: {enabled: true}}]", "for_each"),
    ],
)
def test_a_wrong_manifest_is_refused_with_its_place(text, says):
    """The message names file, line and column."""
    with pytest.raises(ConfigError) as refused:
        manifest.parse((HEAD + text).encode(), "acme.yaml")
    assert says in refused.value.message
    assert refused.value.message.startswith("acme.yaml:")


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        *[(text, True) for text in ("!a.on", "a[?!b.on]", "!a[?on]", "!a[]", "a.on && !a.{x: on}")],
        *[(text, False) for text in ("!(a.on)", "!a[0]", "!a[*].on", "!contains(a.on, 'x')", "a[?!(b.on)].c", "!a")],
    ],
)
def test_a_negation_that_ends_before_the_dot_is_refused_in_a_file(tmp_path, text, refused):
    """`!a.b` is null whatever a.b is. What was collected with such a manifest can still be read."""
    file = tmp_path / library.OWN / "acme.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(f'{HEAD}requests: [{{id: a, path: /a}}]\nsources: [{{record: {{enabled: "={text}"}}}}]\n')
    assert refused == any("(!a).b" in one for one in library.lint(tmp_path, [file]))
    assert manifest.parse(file.read_bytes(), "acme.yaml")
    if refused:
        with pytest.raises(ConfigError, match="means"):
            library.load("acme", tmp_path)
    else:
        assert library.load("acme", tmp_path)


@pytest.mark.parametrize(
    ("given", "region"), [("eu-west-1", "eu-west-1"), ("=item.home", "us-east-2"), ("=item.none", None), ("", None)]
)
def test_a_region_may_be_that_of_the_element(given, region):
    """A constant, an expression over `item`, or the entry's own when there is none."""
    asked = manifest.Request(id="a", op="cloudtrail.get_trail_status", region=given)
    assert region == engine._region(asked, {"item": {"home": "us-east-2"}}, "")


@pytest.mark.parametrize("home", ["eu-west-1.example.com/", "EU", 7])
def test_a_region_that_is_none_is_not_asked(home):
    """What an answer names becomes part of an address: other than letters, digits and hyphens is refused."""
    asked = manifest.Request(id="a", op="cloudtrail.get_trail_status", region="=item")
    with pytest.raises(ValueError, match="is no region"):
        engine._region(asked, {"item": home}, "")


def test_an_expression_for_a_region_knows_earlier_answers_only():
    """As everywhere in a request."""
    text = HEAD.replace("transport: http\nbase_url: ${config.url}", "transport: aws").replace("auth:", "docs_auth:")
    text = "".join(line for line in text.splitlines(keepends=True) if "docs_auth" not in line)
    asked = "requests: [{id: a, op: s3.list_buckets, region: =later.x}]\nsources: [{record: {enabled: true}}]"
    with pytest.raises(ConfigError, match="names 'later'"):
        manifest.parse((text + asked).encode(), "acme.yaml")


def test_every_shipped_manifest_is_clean():
    """They parse, only read, and say which rights they need and against what they were seen."""
    assert [] == list(logs.lint(None))
    assert {"aws-cloudtrail", "prometheus", "alertmanager", "postgresql", "openbao", "nginx"} <= set(logs.names(None))


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("400d", 400),
        ("720h", 30),
        ("1y2w", 379),
        ("P1Y", 365),
        ("P30D", 30),
        ("PT24H", 1),
        (172_800, 2),
        ("soon", None),
        ("", None),
        (True, None),
        (None, None),
        ("P", None),
        (-1, None),
    ],
)
def test_durations_are_whole_days(text, days):
    """Prometheus' and ISO 8601's spellings and seconds; what is none is unknown."""
    assert days == facts.days(text)


VERSIONED, EXPIRES = {"Status": "Enabled"}, {"Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 90}}
GONE = {**EXPIRES, "NoncurrentVersionExpiration": {"NoncurrentDays": 10}}
LOCK = {
    "ObjectLockConfiguration": {
        "ObjectLockEnabled": "Enabled",
        "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Years": 1}},
    }
}


@pytest.mark.parametrize(
    ("versioning", "rules", "lock", "days"),
    [
        ({}, [], None, None),
        ({}, [EXPIRES], None, 90),
        ({}, [{**EXPIRES, "Status": "Disabled"}], None, None),
        ({}, [{**EXPIRES, "Filter": {"Prefix": "tmp/"}}], None, None),
        ({}, [{**EXPIRES, "Filter": {"Prefix": "AWSLogs/1/"}}], None, 90),
        ({}, [{**EXPIRES, "Filter": {"Tag": {"Key": "a", "Value": "b"}}}], None, None),
        ({}, [EXPIRES, {**EXPIRES, "Expiration": {"Days": 30}}], None, 30),
        (VERSIONED, [EXPIRES], None, None),
        (VERSIONED, [GONE], None, 100),
        (VERSIONED, [GONE], LOCK, 365),
        (
            VERSIONED,
            [{**GONE, "NoncurrentVersionExpiration": {"NoncurrentDays": 10, "NewerNoncurrentVersions": 1}}],
            None,
            None,
        ),
        # What is written while it is suspended has no older version.
        ({"Status": "Suspended"}, [EXPIRES], None, 90),
        # There is no such bucket.
        (None, [], None, 0),
    ],
)
def test_how_long_a_bucket_keeps_logs(versioning, rules, lock, days):
    """None stands for ever: without a rule that reaches the logs, or under versioning without one for old versions."""
    kept = facts_buckets.bucket_retention(versioning, {"Rules": rules} if rules else None, lock, None)
    assert (days, days is None) == (kept["days"], kept["infinite"])


def test_what_is_kept_of_an_answer():
    """Paths with names, [] and *; everything else is gone."""
    value = {"a": [{"b": 1, "c": 2}], "d": {"x": {"k": 1, "l": 2}}, "e": 5}
    assert {"a": [{"b": 1}], "d": {"x": {"k": 1}}} == sieve.sifted(value, ["a[].b", "d.*.k"], [])


OPENBAO = {
    "data": {
        "file/": {"type": "file", "path": "file/", "options": {"file_path": "/var/log/audit.log", "log_raw": "false"}},
        "socket/": {"type": "socket", "path": "socket/", "options": {"address": "https://user:S3NTINEL@siem/x"}},
    }
}


@pytest.mark.parametrize(
    ("devices", "enabled", "masking"), [(OPENBAO, True, "hmac-sha256"), ({"data": {}}, False, None)]
)
def test_openbao_logs_when_a_device_is_there(team, httpserver, devices, enabled, masking):
    """At least one audit device is on; none is off. The token goes in its own header; quotas are limits."""
    headers = {"X-Vault-Token": team.environment["TOKEN"]}
    httpserver.expect_request("/v1/sys/health", headers=headers).respond_with_json({"initialized": True})
    httpserver.expect_request("/v1/sys/audit", headers=headers).respond_with_json(devices)
    httpserver.expect_request("/v1/sys/quotas/rate-limit", headers=headers).respond_with_json(
        {"data": {"keys": ["all", "few"]}}
    )
    for name, rate in (("all", 100.0), ("few", 5.0)):
        quota = {"data": {"name": name, "rate": rate, "interval": 1, "path": ""}}
        httpserver.expect_request(f"/v1/sys/quotas/rate-limit/{name}", headers=headers).respond_with_json(quota)
    found = team.collect({"connector": "openbao", "url": httpserver.url_for(""), "token": {"env": "TOKEN"}})
    row = found.sources["openbao:openbao"]
    assert (enabled, masking, "") == (row["enabled"], row["masking"], row["reasons"])
    assert [100.0, 5.0] == [one["limit_per_second"] for one in found.rows["collected_rate_limits"]]
    assert [] == [item.request for item, body in found.stored if b"S3NTINEL@" in body]


def test_a_manifest_of_a_file_reads_json(team, tmp_path):
    """Transport file: JSON of this machine, stored as it is."""
    (tmp_path / "state.json").write_text('{"on": true}')
    text = "requests: [{id: state, path: '${config.path}'}]\nsources: [{record: {enabled: =state.on}}]\n"
    write(team, text)
    file = team.root / ".soc2ev" / "sources" / "acme.yaml"
    head = file.read_text().replace("transport: http\nbase_url: ${config.url}", "transport: file")
    head = head.replace(
        "config: {url: {}, token: {secret: true, optional: true}}\nauth: {type: bearer, secret: token}",
        "config: {path: {}}",
    )
    file.write_text(head)
    found = team.collect({"connector": "acme", "path": str(Path(tmp_path / "state.json"))})
    assert found.sources["acme:acme"]["enabled"] is True


@pytest.mark.parametrize(("column", "unknown"), [("", ["alert_rules.muted_until"]), (", muted_until: null", [])])
def test_silences_that_are_not_asked_for_are_not_known(httpserver, team, column, unknown):
    """A list of rules without the column tells of no silence, and neither that there is none."""
    httpserver.expect_request("/rules").respond_with_json([{"name": "a"}])
    rules = f"alert_rules: [{{each: '=rules', rule: =entry.name{column}}}]"
    write(team, f"requests: [{{id: rules, path: /rules}}]\nsources: [{{record: {{enabled: true, {rules}}}}}]\n")
    found = team.collect({"connector": "acme", "url": httpserver.url_for("").rstrip("/")})
    (source,) = found.sources.values()
    assert (unknown, None) == (source["unknown"], found.claim.reason)


def _with_headers(headers: str) -> str:
    config = "config: {url: {}, token: {secret: true, optional: true}, space: {optional: true, default: ''}}"
    return HEAD.replace("config: {url: {}, token: {secret: true, optional: true}}", f"{config}\nheaders: {headers}")


@pytest.mark.parametrize(("given", "sent"), [({"space": "team-a"}, "team-a"), ({}, None)])
def test_a_header_takes_a_setting_and_is_left_out_without(team, httpserver, given, sent):
    """Such as the namespace that is asked about."""
    httpserver.expect_request("/main").respond_with_json({"on": True})
    text = "requests:\n  - {id: main, path: /main}\nsources:\n  - record: {enabled: =main.on}\n"
    write(team, text, head=_with_headers("{X-Space: '${config.space}', X-Version: '3'}"))
    assert team.collect({"connector": "acme", "url": httpserver.url_for(""), **given}).claim.complete
    ((asked, _),) = httpserver.log
    assert (sent, "3") == (asked.headers.get("X-Space"), asked.headers["X-Version"])


def test_a_setting_that_is_no_plain_text_is_refused_as_a_header(team, httpserver):
    """A line break would begin another header."""
    text = "requests:\n  - {id: main, path: /main}\nsources:\n  - record: {enabled: =main.on}\n"
    write(team, text, head=_with_headers("{X-Space: '${config.space}'}"))
    with pytest.raises(ConfigError, match="X-Space is no plain text"):
        team.collect({"connector": "acme", "url": httpserver.url_for(""), "space": "a\r\nX-Other: b"})
    assert [] == httpserver.log


@pytest.mark.parametrize("name", ["token", "nothing"])
def test_a_secret_or_unknown_setting_in_a_header_is_refused(name):
    """A secret header belongs to `auth`, where it is masked."""
    text = _with_headers(f"{{X-Space: '${{config.{name}}}'}}")
    with pytest.raises(ConfigError, match="a secret header belongs to auth"):
        manifest.parse(
            (text + "requests:\n  - {id: a, path: /a}\nsources:\n  - record: {enabled: =a.on}\n").encode(), "acme.yaml"
        )
