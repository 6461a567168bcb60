"""`soc2ev sources` and `soc2ev collect` with connectors, as a user runs them."""

from __future__ import annotations

import json

import pytest

from tests.conftest import Run

CONFIG = "version: 1\norganisation: Example Co\nregisters: null\nsources:\n  logs:\n"


@pytest.fixture
def prometheus(httpserver):
    """Answers of a Prometheus, as far as its connector asks."""

    def serve(status=200):
        ok = lambda data: {"status": "success", "data": data}  # noqa: E731
        flags = {"storage.tsdb.retention.time": "0s", "storage.tsdb.retention.size": "0B", "storage.tsdb.path": "data/"}
        httpserver.expect_request("/api/v1/status/flags").respond_with_json(ok(flags), status=status)
        httpserver.expect_request("/api/v1/status/runtimeinfo").respond_with_json(ok({"storageRetention": "15d"}))
        httpserver.expect_request("/api/v1/rules").respond_with_json(ok({"groups": []}))
        httpserver.expect_request("/api/v1/query").respond_with_json(ok({"result": []}))
        httpserver.expect_request("/api/v1/alertmanagers").respond_with_json(ok({"activeAlertmanagers": []}))
        httpserver.expect_request("/api/v1/status/config").respond_with_json(ok({"yaml": "global: {}\n"}))
        return httpserver.url_for("").rstrip("/")

    return serve


def configure(folder, url):
    (folder / "soc2ev.yaml").write_text(f"{CONFIG}    - {{connector: prometheus, name: main, url: '{url}'}}\n")


def test_list_names_sources_and_connectors(soc2ev: Run, tmp_path):
    """The table of sources stays, connectors stand below it; JSON has both."""
    shown = soc2ev("sources", "list", cwd=tmp_path)
    assert 0 == shown.code
    assert {"git", "registers", "aws-cloudtrail"} <= set(shown.out.split())
    listed = json.loads(soc2ev("sources", "list", "--format", "json", cwd=tmp_path).out)
    assert {"source", "stream", "tables", "kind"} == set(listed[0])
    assert "openbao" in [one.get("connector") for one in listed]


def test_explain_prints_calls_rights_and_what_is_kept_without_running(soc2ev: Run, tmp_path):
    """Every call of the manifest, the least policy, what is masked; and other sources as before."""
    told = json.loads(soc2ev("sources", "explain", "aws-alarms", "--format", "json", cwd=tmp_path).out)
    assert ["sts.get_caller_identity", "cloudwatch.describe_alarms", "sns.list_subscriptions_by_topic"] == [
        call["asks"] for call in told["calls"]
    ]
    assert ["cloudwatch:DescribeAlarms", "sns:ListSubscriptionsByTopic"] == told["policy"]["Statement"][0]["Action"]
    assert ["Subscriptions[].Endpoint"] == told["calls"][2]["masks"]
    assert "cloudwatch.describe_alarms" in soc2ev("sources", "explain", "aws-alarms", cwd=tmp_path).out
    assert "regex(item, '^arn:[^:]+:sns:([^:]+):')" in told["calls"][2]["region"]
    lines = soc2ev("sources", "explain", "aws-alarms", cwd=tmp_path).out
    assert "in the region regex(item, '^arn:[^:]+:sns:([^:]+):') or else the entry's" in " ".join(lines.split())
    assert "git" in soc2ev("sources", "explain", "git", cwd=tmp_path).out
    assert 2 == soc2ev("sources", "explain", "nothing", cwd=tmp_path).code


def test_test_shows_facts_and_what_stays_empty_and_leaves_the_vault_alone(soc2ev: Run, tmp_path, prometheus):
    """One entry is asked once; the answers go to the folder of --record; no vault comes into being."""
    configure(tmp_path, prometheus())
    shown = soc2ev("sources", "test", "main", "--record", "kept", cwd=tmp_path)
    assert (0, True) == (shown.code, "retention_days" in shown.out)
    (empty,) = [line for line in shown.out.splitlines() if line.startswith("empty: ")]
    assert {"delivering", "last_error", "masking"} <= set(empty.removeprefix("empty: ").split(", "))
    assert 7 == len(list((tmp_path / "kept").iterdir()))
    assert not (tmp_path / "evidence").exists()
    told = json.loads(soc2ev("sources", "test", "main", "--format", "json", cwd=tmp_path).out)
    # The default of Prometheus where no retention is set.
    assert [15] == [row["retention_days"] for row in told["rows"] if row["table"] == "collected_log_sources"]


@pytest.mark.parametrize(("status", "code"), [(200, 0), (401, 4), (403, 4), (404, 5)])
def test_collect_and_test_end_with_what_was_not_obtained(soc2ev: Run, tmp_path, prometheus, status, code):
    """Missing access ends with 4, other failures with 5, and the reason names the question."""
    configure(tmp_path, prometheus(status))
    assert code == soc2ev("sources", "test", "prometheus", cwd=tmp_path).code
    collected = soc2ev("collect", "--period", "2026-10", "--format", "json", cwd=tmp_path)
    assert code == collected.code
    (claim,) = [one for one in json.loads(collected.out)["coverage"] if one["stream"].startswith("logs:")]
    assert ("logs:prometheus:main:sources", status == 200) == (claim["stream"], claim["complete"])
    assert status == 200 or str(status) in claim["reason"]


def test_rows_come_back_from_the_vault(soc2ev: Run, tmp_path, prometheus):
    """What was collected can be queried, with the body that it came from."""
    configure(tmp_path, prometheus())
    assert 0 == soc2ev("collect", "--period", "2026-10", cwd=tmp_path).code
    sql = "select key, retention_days, evidence like 'sha256:%' as stored from collected_log_sources"
    found = soc2ev("query", sql, "--period", "2026-10", "--format", "json", cwd=tmp_path)
    assert [{"key": "prometheus:main", "retention_days": 15, "stored": True}] == json.loads(found.out)


def test_new_writes_a_manifest_that_is_clean_and_never_twice(soc2ev: Run, tmp_path):
    """The template passes lint; an existing file stays; a broken one ends lint with 2."""
    made = soc2ev("sources", "new", "intercom", cwd=tmp_path)
    file = tmp_path / ".soc2ev" / "sources" / "intercom.yaml"
    assert (0, str(file)) == (made.code, made.out.strip())
    assert 0 == soc2ev("sources", "lint", cwd=tmp_path).code
    assert 2 == soc2ev("sources", "new", "intercom", cwd=tmp_path).code
    assert 2 == soc2ev("sources", "new", "../x", cwd=tmp_path).code
    file.write_text(file.read_text().replace("=settings.logging.enabled", "=nothing.enabled"))
    linted = soc2ev("sources", "lint", str(file), cwd=tmp_path)
    assert (2, True) == (linted.code, "intercom.yaml:" in linted.out)
