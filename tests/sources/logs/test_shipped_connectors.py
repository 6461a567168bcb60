"""
Shipped manifests of systems that do not run here, against answers in the shapes that their vendors document.

A folder of `fixtures` belongs to each: `routes.yaml` says which address gets which answer, `expected.yaml` which rows
come of them. Answers on a second page are in files whose names end in -2.json.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import yaml
from werkzeug import Request, Response

from soc2ev.errors import ConfigError
from soc2ev.sources.logs import explain, facts, library, paging, paths
from soc2ev.sources.logs.manifest import Manifest, Paging, Redaction, parse
from soc2ev.sources.logs.manifest import Request as ManifestRequest
from soc2ev.sources.logs.sieve import sifted
from tests.sources.logs.runs import SECRET, Collected, Team

FIXTURES = Path(__file__).parent / "fixtures"
RUNNING = {"alertmanager", "openbao", "prometheus"}
"""Manifests over http that are tested against the system itself."""
RECORDED = sorted(file.parent.name for file in FIXTURES.glob("*/routes.yaml"))
"""Those with answers; what runs here may have some for campaigns."""
NAMES = [name for name in RECORDED if name not in RUNNING]
LISTING = {("elasticsearch", "rights")}
"""Questions of which no fact comes: they tell whether the lists are whole."""
UNTOLD = ("key", "connector", "entry", "observed_at", "reasons", "source_key", "position")
SENTINEL = "S3NTINEL"


@dataclass
class Vendor:
    """The answers of one system, and what was asked of it."""

    name: str
    base: str
    failing: dict[str, int] = field(default_factory=dict)
    """By file, or `*` for all: the status that is answered instead."""
    asked: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    """Addresses for which the fixture has no answer."""
    wrong: list[str] = field(default_factory=list)
    """Headers that were not as documented."""

    def __post_init__(self) -> None:
        self.folder = FIXTURES / self.name
        self.told = yaml.safe_load((self.folder / "routes.yaml").read_text())
        answers = {where: {"file": one} if isinstance(one, str) else one for where, one in self.told["answers"].items()}
        self.answers = {_address(where): one for where, one in answers.items()}

    @property
    def entry(self) -> dict[str, Any]:
        """The entry of sources.logs."""
        return {"connector": self.name, "name": "main", "url": self.base, **self.told["entry"]}

    @property
    def beside(self) -> list[dict[str, Any]]:
        """Entries of other connectors that ask at the same address: their answers are peers."""
        return [{"url": self.base, **one} for one in self.told.get("beside", [])]

    def answer(self, request: Request) -> Response:
        """As the vendor answers."""
        where = _address(request.full_path)
        for header, value in self.told["sends"].items():
            if request.headers.get(header) != _sent(value):
                self.wrong.append(header)
        found = self.answers.get(where)
        if found is None:
            self.unknown.append(request.full_path)
            return Response(status=404)
        self.asked.append(where)
        status = self.failing.get(found["file"]) or self.failing.get("*")
        if status:
            return Response(json.dumps({"message": "no"}), status, content_type="application/json")
        body = (self.folder / found["file"]).read_text().replace("@BASE", self.base)
        return Response(body, 200, self._headers(found), content_type="application/json")

    def _headers(self, found: dict[str, str]) -> dict[str, str]:
        link = found.get("link", "")
        if not link:
            return {}
        return {"Link": link.replace("@BASE", self.base) if "<" in link else f'<{self.base}{link}>; rel="next"'}

    def file_of(self, request: str) -> set[str]:
        """Files that answer the request of that id: their names begin with it."""
        return {one["file"] for one in self.answers.values() if re.fullmatch(rf"{request}(-.*)?\.\w+", one["file"])}


def _sent(value: str) -> str:
    """What a header holds: `@SECRET`, or `@BASIC user`."""
    if value.startswith("@BASIC "):
        return "Basic " + b64encode(f"{value.removeprefix('@BASIC ')}:{SECRET}".encode()).decode()
    return value.replace("@SECRET", SECRET)


def _address(where: str) -> str:
    parts = urlsplit(where)
    return f"{parts.path}?{sorted(parse_qsl(parts.query, keep_blank_values=True))}"


@pytest.fixture
def run(httpserver, tmp_path):
    """Collect from a system whose files fail as told."""

    def start(name: str, failing: dict[str, int] | None = None) -> tuple[Vendor, Collected]:
        vendor = Vendor(name, httpserver.url_for("").rstrip("/"), failing or {})
        httpserver.clear()
        httpserver.expect_request(re.compile(".*")).respond_with_handler(vendor.answer)
        folder = tmp_path / f"team-{len(list(tmp_path.iterdir()))}"
        team = Team(folder, now=lambda: datetime(2026, 11, 20, 12, tzinfo=UTC))
        return vendor, team.collect(vendor.entry)

    return start


def off(found: Collected) -> set[str]:
    """Keys of the sources that are called off."""
    return {key for key, row in found.sources.items() if row["enabled"] is False}


def off_when_whole(name: str) -> set[str]:
    """Those that are off when everything answers."""
    expected = yaml.safe_load((FIXTURES / name / "expected.yaml").read_text())
    return {key for key, told in expected.items() if told["facts"].get("enabled") is False}


def manifest_of(name: str) -> Manifest:
    """The shipped manifest."""
    return library.load(name, None).manifest


def as_told(found: Collected) -> dict[str, Any]:
    """The rows by source and list, without NULLs and without what every row has."""
    told: dict[str, Any] = {}
    for key, row in found.sources.items():
        told[key] = {"facts": {name: _plain(value) for name, value in row.items() if _says(name, value)}}
    for table, rows in found.rows.items():
        if table != "collected_log_sources":
            for row in rows:
                entry = {name: _plain(value) for name, value in row.items() if _says(name, value)}
                told[row["source_key"]].setdefault(table.removeprefix("collected_"), []).append(entry)
    return told


def _says(name: str, value: Any) -> bool:
    return name not in UNTOLD and value is not None and value != []


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


@pytest.mark.parametrize("name", NAMES)
def test_documented_answers_become_these_rows(run, name):
    """Every question is asked as documented, to its last page; the rows are the expected ones; no secret is stored."""
    vendor, found = run(name)
    assert ([], []) == (vendor.unknown, vendor.wrong)
    spare = set().union(*map(vendor.file_of, vendor.told.get("unasked", [])))
    assert {where for where, one in vendor.answers.items() if one["file"] not in spare} == set(vendor.asked)
    assert (None, True) == (found.claim.reason, found.claim.complete)
    assert yaml.safe_load((vendor.folder / "expected.yaml").read_text()) == as_told(found)
    # Answers hold secrets too, and the credential is one.
    assert SECRET.startswith(SENTINEL)
    assert [] == [item.request for item, body in found.stored if SENTINEL.encode() in body]
    said = repr((found.rows, found.claims, found.said, [(item.request, item.response) for item, _ in found.stored]))
    assert SENTINEL not in said


@pytest.mark.parametrize("name", NAMES)
def test_without_access_nothing_is_called_off(run, name):
    """403 to everything: no fact is false, each that needs an answer is named as unknown, and access is missing."""
    _, found = run(name, {"*": 403})
    assert found.sources
    assert {None} == {row["enabled"] for row in found.sources.values()}
    assert {None} == {row.get("delivering") for row in found.sources.values()}
    assert [] == [table for table, rows in found.rows.items() if table != "collected_log_sources" and rows]
    wanted = {
        fact
        for source in manifest_of(name).sources
        for fact, value in source.record.items()
        if isinstance(value, str)
        and _asks(value, manifest_of(name), source.let)
        and fact not in ("native", "within", "title")
    }
    assert wanted <= {fact for row in found.sources.values() for fact in row["unknown"]}
    assert (False, "missing") == (found.claim.complete, found.claim.scope.get("access"))


def _asks(text: str, manifest: Manifest, lets: dict[str, str]) -> bool:
    """Whether an expression depends on an answer."""
    if not text.startswith("="):
        return False
    names = {request.id for request in manifest.requests} | {"item"}
    return any(re.search(rf"\b{name}\b", text) for name in names) or any(
        re.search(rf"\b{name}\b", text) and _asks(str(value), manifest, {}) for name, value in lets.items()
    )


@pytest.mark.parametrize(
    ("name", "request_id"),
    [
        (name, request.id)
        for name in NAMES
        for request in manifest_of(name).requests
        if request.id not in Vendor(name, "").told.get("unasked", [])
    ],
)
def test_one_denied_question_says_nothing_bad_or_good(run, name, request_id):
    """403 to one question: nothing turns off, endless, unenforced or a dead end; the claim is incomplete."""
    files = Vendor(name, "").file_of(request_id)
    assert files
    _, found = run(name, dict.fromkeys(files, 403))
    assert (False, "missing") == (found.claim.complete, found.claim.scope.get("access"))
    expected = yaml.safe_load((FIXTURES / name / "expected.yaml").read_text())
    assert [] == [said for said in _verdicts(as_told(found)) if said not in _verdicts(expected)]
    assert any(row["unknown"] for row in found.sources.values()) or (name, request_id) in LISTING


def _verdicts(told: dict[str, Any]) -> list[tuple[str, str, Any]]:
    """What would be a finding, or would hide one."""
    bad = {"enabled": False, "delivering": False, "retention_infinite": True, "reaches": "none", "enforced": False}
    made = []
    for key, source in told.items():
        for row in [source["facts"], *(row for name, rows in source.items() if name != "facts" for row in rows)]:
            made += [(key, name, row.get("rule") or row.get("scope")) for name in bad if row.get(name) == bad[name]]
    return made


@pytest.mark.parametrize(
    ("name", "file"), [(name, file.name) for name in NAMES for file in sorted((FIXTURES / name).glob("*-2.json"))]
)
def test_a_missing_second_page_is_never_complete(run, name, file):
    """An error on the second page: the claim says so, and no source is called off because of it."""
    # Other errors of servers are tried again, with waits.
    _, found = run(name, {file: 501})
    assert not found.claim.complete
    assert "broke off" in str(found.claim.reason)
    assert [] == sorted(off(found) - off_when_whole(name))
    assert any(row["unknown"] for row in found.sources.values())


@pytest.mark.parametrize(
    ("name", "request_id", "code"),
    [
        (name, request.id, code)
        for name in NAMES
        for request in manifest_of(name).requests
        for code in request.unknown_on
    ],
)
def test_what_a_plan_does_not_have_is_unknown_with_its_reason(run, name, request_id, code):
    """The status that a plan without the feature gets leaves facts unknown, with the manifest's reason."""
    vendor = Vendor(name, "")
    _, found = run(name, dict.fromkeys(vendor.file_of(request_id), int(code)))
    assert manifest_of(name).request(request_id).unknown_on[code] in str(found.claim.reason)
    assert [] == sorted(off(found) - off_when_whole(name))
    assert any(row["unknown"] for row in found.sources.values())


@pytest.mark.parametrize("name", NAMES)
def test_the_manifest_is_clean_and_explained(name):
    """Lint finds nothing; `explain` lists each call, the right that it needs and every setting."""
    file = library.names(None)[name]
    assert [] == list(library.lint(None, [file]))
    read = library.load(name, None)
    told = explain.as_json(read)
    assert [request.asks for request in read.manifest.requests] == [call["asks"] for call in told["calls"]]
    text = "\n".join(explain.in_words(read))
    assert [] == [request.asks for request in read.manifest.requests if request.asks not in text]
    assert told["requires"]
    assert {"url", *(setting for setting, one in read.manifest.config.items() if one.secret)} <= set(told["settings"])


def test_every_shipped_manifest_over_http_is_tested():
    """A manifest without fixtures is one that runs here."""
    shipped = {name for name in library.names(None) if manifest_of(name).transport == "http"}
    assert shipped - RUNNING == set(NAMES)


def test_numbers_in_paths_count_in_lists():
    """-1 is the last element; beyond the end, and in a text, there is nothing."""
    page = {"data": [{"id": "a"}, {"id": "b"}]}
    assert ["b", "a", None, None] == [
        paths.at(page, path) for path in ("data.-1.id", "data.0.id", "data.2.id", "data.0.id.0")
    ]
    assert paths.at({"data": []}, "data.-1.id") is None


def test_a_next_page_that_is_named_behind_the_last_one_is_not_asked_for():
    """Where `more` is declared only its true goes on; without it the name alone does."""
    how = {"type": "next_url", "items": ["rows"], "next": "links.next"}
    page = {"rows": [1], "meta": {"has_more": False}, "links": {"next": "/rows?after=1"}}
    assert paging.following(Paging(**how, more="meta.has_more"), page, 1, 1) is None
    assert "/rows?after=1" == paging.following(Paging(**how), page, 1, 1)


def test_functions_say_nothing_of_what_is_unknown():
    """Rates of numbers only, rows by several values, members of an object."""
    assert [0.5, None, None, None] == [facts.per_second(*pair) for pair in ((30, 60), (30, 0), (None, 60), (True, 60))]
    rows = [{"id": "a"}, {"id": "b"}, {"id": None}, "odd"]
    assert [{"id": "a"}] == facts.lookups(rows, "id", ["a", None])
    assert [] == facts.lookups(None, "id", None)
    assert [{"name": "a", "value": 1}] == facts.named({"a": 1})
    assert [] == facts.named(None)


def test_a_name_with_dots_stands_in_quotes():
    """Only that member is kept, and only that one is masked."""
    value = {"rows": [{"action.email.to": "a@example.com", "action": {"email": {"to": "x"}}, "other": 1}]}
    assert {"rows": [{"action.email.to": "a@example.com"}]} == sifted(value, ['rows[]."action.email.to"'], [])
    masked = sifted(value, [], [Redaction(path='rows[]."action.email.to"')])
    assert "***" == masked["rows"][0]["action.email.to"]
    assert {"email": {"to": "x"}} == masked["rows"][0]["action"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"format": "yaml", "keep": []}, "needs keep"),
        ({"format": "yaml", "keep": ["a"], "paginate": Paging(type="link")}, "no pages"),
    ],
)
def test_yaml_is_stored_only_as_what_is_kept_of_it(change, says):
    """A request for YAML without `keep`, or by pages, is refused."""
    with pytest.raises(ValueError, match=says):
        ManifestRequest(id="settings", path="/config", **change)


def test_a_further_header_is_marked_as_a_secret():
    """A manifest whose second key is no secret is refused."""
    text = (library.names(None)["datadog"]).read_text().replace("app_key: {secret: true, ", "app_key: {")
    with pytest.raises(ConfigError, match="app_key is not marked as a secret"):
        parse(text.encode(), "datadog.yaml")


@pytest.mark.parametrize("body", ["limits_config: [", "limits_config: &a {}\nother: *a\n", "- 1\n"])
def test_yaml_that_is_none_leaves_the_retention_unknown(run, body, monkeypatch):
    """A configuration that cannot be read is neither for ever nor off."""
    original = Path.read_text
    monkeypatch.setattr(
        Path, "read_text", lambda self, *a, **k: body if self.name == "settings.yaml" else original(self, *a, **k)
    )
    _, found = run("loki")
    row = found.sources["loki:main"]
    assert (None, None) == (row["retention_days"], row["retention_infinite"])


@pytest.mark.parametrize(
    ("old", "new", "days", "infinite"),
    [
        ("retention_enabled: true", "retention_enabled: false", None, True),
        ("retention_period: 400d", "retention_period: 0s", None, True),
        ("retention_period: 400d", "retention_period: 744h0m0s", 31, False),
        ("  retention_period: 400d\n", "", None, None),
        ("  retention_enabled: true\n", "  compaction_interval: 10m\n", None, None),
    ],
)
def test_loki_deletes_only_when_its_compactor_does(run, monkeypatch, old, new, days, infinite):
    """A period alone deletes nothing; what the configuration leaves out is not known."""
    original = Path.read_text
    monkeypatch.setattr(Path, "read_text", lambda self, *a, **k: original(self, *a, **k).replace(old, new))
    row = run("loki")[1].sources["loki:main"]
    assert (days, infinite) == (row["retention_days"], row["retention_infinite"])


def test_both_keys_of_datadog_are_kept_out_of_everything(httpserver, tmp_path):
    """A server that repeats the second key does not get it into the vault."""
    second = "S3COND-key-of-an-application"
    body = {"indexes": [{"name": second, "num_retention_days": 15}]}
    httpserver.expect_request(re.compile(".*")).respond_with_json(body)
    team = Team(tmp_path / "team", environment={"TOKEN": SECRET, "SECOND": second})
    entry = {"connector": "datadog", "url": httpserver.url_for("").rstrip("/")}
    found = team.collect({**entry, "token": {"env": "TOKEN"}, "app_key": {"env": "SECOND"}})
    sent = {request.headers.get("DD-APPLICATION-KEY") for request, _ in httpserver.log}
    assert {second} == sent
    assert [] == [item.request for item, stored in found.stored if second.encode() in stored]
    assert second not in repr((found.rows, found.claims, found.said))


def test_azure_itself_keeps_90_days_where_nothing_is_exported(run, monkeypatch):
    """Without an export the plan's days count; with one the target's, which are not known here."""
    key, original, off_ = "azure-monitor:subscription/s1", Path.read_text, ('"enabled": true', '"enabled": false')
    assert run("azure-monitor")[1].sources[key]["retention_days"] is None
    monkeypatch.setattr(Path, "read_text", lambda self, *a, **k: original(self, *a, **k).replace(*off_))
    row = run("azure-monitor")[1].sources[key]
    assert (90, "plan") == (row["retention_days"], row["retention_basis"])


@pytest.mark.parametrize("file", ["rulesets-2.json", "limits.json"])
def test_a_404_says_nothing_of_cloudflares_rate_limits(run, file):
    """Neither a list that breaks off nor a ruleset that is not found means that nothing is limited."""
    _, found = run("cloudflare", {file: 404})
    assert not found.claim.complete
    assert "rate_limits" in found.sources["cloudflare:zone/023e105f4ecef8ad9ca31a8372d0c353"]["unknown"]


@pytest.mark.parametrize(("status", "whole"), [(404, True), (403, False), (500, False)])
def test_cloudflares_rate_limits_are_none_where_neither_way_shows_any(run, monkeypatch, status, whole):
    """Not on the list and not at the phase's own address; who may not read them there knows nothing of them."""
    original, listed = Path.read_text, '"kind": "zone",\n      "name": "default"'
    monkeypatch.setattr(
        Path, "read_text", lambda self, *a, **k: original(self, *a, **k).replace(listed, '"kind": "root"')
    )
    _, found = run("cloudflare", {"unlisted.json": status})
    unknown = found.sources["cloudflare:zone/023e105f4ecef8ad9ca31a8372d0c353"]["unknown"]
    assert ([], whole, not whole) == (
        found.rows["collected_rate_limits"],
        found.claim.complete,
        "rate_limits" in unknown,
    )


@pytest.mark.parametrize(
    ("old", "new", "who"),
    [
        ('"name": "always"', '"name": "other"', None),
        ('"24:00"', '"23:00"', "oncall@example.com"),
        ('"24:00"', '"?"', None),
        ('"times"', '"notice"', None),
    ],
)
def test_a_rule_of_grafana_that_is_always_muted_reaches_nobody(run, monkeypatch, old, new, who):
    """An interval that is not listed or not understood leaves open whom it reaches; one that ends mutes until then."""
    original = Path.read_text
    monkeypatch.setattr(
        Path,
        "read_text",
        lambda self, *a, **k: (
            original(self, *a, **k).replace(old, new) if self.name == "timings.json" else original(self, *a, **k)
        ),
    )
    rows = {row["rule"]: row for row in run("grafana")[1].rows["collected_alert_rules"]}
    assert ("pager", who) == (rows["r1"]["reaches"], rows["r5"]["reaches"])
    assert bool(who) == bool(rows["r5"]["muted_until"])


def test_kong_without_enterprise_has_no_workspaces(run, monkeypatch):
    """Where the list is no endpoint nothing is asked of it; a list that is denied leaves the default one, not whole."""
    original = Path.read_text
    _, denied = run("kong", {"workspaces.json": 404})
    assert (["kong:main"], False) == (list(denied.sources), denied.claim.complete)
    assert "exclusions" in denied.sources["kong:main"]["unknown"]
    monkeypatch.setattr(Path, "read_text", lambda self, *a, **k: original(self, *a, **k).replace('"/workspaces",', ""))
    vendor, found = run("kong")
    assert (["kong:main"], None) == (list(found.sources), found.claim.reason)
    assert not [where for where in vendor.asked if "workspaces" in where]


@pytest.mark.parametrize(
    ("old", "new", "muted"),
    [
        ('"monitor_id": 3', '"monitor_id": 4', True),
        ('"monitor_id": 3', '"monitor_tags": ["team:api"]', False),
        ('"scope": "*"', '"scope": "env:prod"', False),
        ('"end": "2026-11-22T00:00:00+00:00"', '"end": null', False),
        ('"silenced": {}', '"silenced": {"*": null}', False),
    ],
)
def test_a_monitor_that_a_downtime_may_hide_is_not_heard(run, monkeypatch, old, new, muted):
    """By tags, for some groups, or without an end: nobody says that no silence hides it."""
    original = Path.read_text
    monkeypatch.setattr(Path, "read_text", lambda self, *a, **k: original(self, *a, **k).replace(old, new))
    rules = run("datadog")[1].rules("datadog:monitors")
    assert muted == (not any(row["silence_doubt"] for row in rules.values()))
    assert rules["2"]["muted_until"] is None


ALWAYS = {"enabled": True, "schedule": None}
WIDE = {"scopes": ["/subscriptions/s1"]}


@pytest.mark.parametrize(
    ("changes", "deaf", "unsure", "nobody"),
    [
        ({}, False, False, "none"),
        ({"enabled": True}, False, True, "none"),
        ({"enabled": None}, False, True, "none"),
        (ALWAYS, False, True, "none"),
        (ALWAYS | WIDE, True, True, "none"),
        (ALWAYS | WIDE | {"conditions": [{"field": "Severity"}]}, False, True, "none"),
        (ALWAYS | {"actions": [{"actionType": "AddActionGroups"}]}, False, False, None),
    ],
)
def test_alert_processing_rules_of_azure(run, monkeypatch, changes, deaf, unsure, nobody):
    """One that takes all receivers away may be about any alert, one that is off is about none, and some add receivers."""
    original = Path.read_text

    def changed(file, *a, **k):
        text = original(file, *a, **k)
        if file.name != "processing.json":
            return text
        body = json.loads(text)
        told = body["value"][0]["properties"] | changes
        body["value"][0]["properties"] = {name: value for name, value in told.items() if value is not None}
        return json.dumps(body)

    monkeypatch.setattr(Path, "read_text", changed)
    rules = run("azure-monitor")[1].rules("azure-monitor:subscription/s1")
    assert (deaf, unsure, nobody) == (
        all(row["reaches"] == "none" for row in rules.values()),
        all(row["silence_doubt"] for row in rules.values()),
        rules["nobody"]["reaches"],
    )


@pytest.mark.parametrize(
    ("route", "receiver", "unsure"),
    [
        ({"receiver": "oncall"}, None, False),
        ({"receiver": "oncall", "mute_time_intervals": ["weekend"]}, None, True),
        ({"receiver": "oncall", "mute_time_intervals": ["weekend"]}, {"receiver": "oncall"}, False),
    ],
)
def test_timings_of_grafanas_policies_may_hold_back_what_goes_by_them(run, monkeypatch, route, receiver, unsure):
    """A rule that names its own contact point does not go by the policies."""
    original = Path.read_text

    def changed(file, *a, **k):
        body = json.loads(original(file, *a, **k)) if file.suffix == ".json" else original(file, *a, **k)
        if file.name == "policies.json":
            body["routes"] = [route]
        elif file.name == "rules.json":
            body[0]["notification_settings"] = receiver
        return body if isinstance(body, str) else json.dumps(body)

    monkeypatch.setattr(Path, "read_text", changed)
    assert unsure == bool(run("grafana")[1].rules("grafana:main")["r1"]["silence_doubt"])
