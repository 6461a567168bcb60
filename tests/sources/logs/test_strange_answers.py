"""Services that are not well: answers with 200 that are none of the system. Nothing of it is off, or kept for ever."""

from __future__ import annotations

import pytest
from werkzeug import Response

from tests.sources.logs.aws_account import entry

_HEAD = """
id: acme
title: Acme
category: application
transport: http
base_url: ${config.url}
config: {url: {}}
requires: [reading]
docs: https://example.com
verified: today
"""


@pytest.mark.parametrize("body", ["{}", '{"error": "session expired"}', "[]", '{"rows": null}'])
def test_an_answer_without_what_the_system_always_shows_leaves_its_facts_unknown(team, httpserver, body):
    """An error with 200 is no empty list; one of several fields is enough."""
    httpserver.expect_request("/list").respond_with_handler(lambda _: Response(body, content_type="application/json"))
    httpserver.expect_request("/other").respond_with_json({"other": []})
    requests = "{id: list, path: /list, shows: [rows, others]}, {id: fine, path: /other, shows: [others, other]}"
    record = "{native: a, enabled: '=length(not_null(list.rows, `[]`)) > `0`', delivering: '=fine.other == `[]`'}"
    folder = team.root / ".soc2ev" / "sources"
    folder.mkdir(parents=True)
    (folder / "acme.yaml").write_text(f"{_HEAD}requests: [{requests}]\nsources: [{{record: {record}}}]\n")
    found = team.collect({"connector": "acme", "url": httpserver.url_for("")})
    row = found.sources["acme:a"]
    assert (None, True, ["enabled"]) == (row["enabled"], row["delivering"], row["unknown"])
    assert "the answer has no rows and no others" in found.claim.reason


_STRANGE = {
    "a page": (b"<!doctype html><title>Sign in</title>", "text/html"),
    "a page that is said to be JSON": (b"<html><body>Sign in</body></html>", "application/json"),
    "nothing": (b"", "application/json"),
    "an empty object": (b"{}", "application/json"),
    "an error": (b'{"error": "session expired"}', "application/json"),
    "a list": (b"[]", "application/json"),
    "null": (b"null", "application/json"),
    "a word": (b'"maintenance"', "application/json"),
}


@pytest.mark.parametrize("name", _STRANGE)
def test_what_another_than_aws_answers_is_unknown(team, aws, httpserver, name):
    """With 200, a page of a proxy or a document of another kind is no answer: nothing is off, or kept for ever."""
    body, kind = _STRANGE[name]
    for path in ("/", "/detector"):
        httpserver.expect_request(path).respond_with_handler(lambda _: Response(body, content_type=kind))
    aws.setenv("AWS_ENDPOINT_URL", httpserver.url_for("").rstrip("/"))
    asked = ["aws-alarms", "aws-guardduty", "aws-cloudtrail", "aws-wafv2", "aws-rds", "aws-s3-log-buckets"]
    found = team.collect(*map(entry, asked))
    assert not any(claim.complete for claim in found.claims.values())
    assert set(asked) == {row["connector"] for row in found.sources.values()}
    for row in found.sources.values():
        assert (None, None, True) == (row["enabled"], row.get("retention_infinite"), "enabled" in row["unknown"])
