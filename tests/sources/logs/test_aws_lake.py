"""Event data stores of CloudTrail, against answers as AWS documents them: moto has none."""

from __future__ import annotations

import json

import pytest
from werkzeug import Request, Response

from tests.sources.logs.aws_account import REGION, entry

_ARN = f"arn:aws:cloudtrail:{REGION}:123456789012:eventdatastore/"
_IDENTITY = (
    '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
    "<Arn>arn:aws:iam::123456789012:user/soc2ev</Arn><UserId>A</UserId><Account>123456789012</Account>"
    "</GetCallerIdentityResult></GetCallerIdentityResponse>"
)
_ALL = [{"Name": "m", "FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]}]
_STORES = {
    "lake": {"Status": "ENABLED", "RetentionPeriod": 2557, "KmsKeyId": "arn:aws:kms:x:1:key/k", "MultiRegionEnabled": True},
    "stopped": {"Status": "STOPPED_INGESTION", "RetentionPeriod": 90, "MultiRegionEnabled": False},
    "new": {"Status": "CREATED", "RetentionPeriod": 366, "MultiRegionEnabled": True},
}  # fmt: skip


@pytest.fixture
def lake(aws, httpserver):
    """An account with these stores in two pages; by name of an operation the answer that it gives instead."""
    instead: dict[str, Response] = {}

    def answer(request: Request) -> Response:
        op = request.headers.get("X-Amz-Target", "").rpartition(".")[2]
        if op in instead:
            return instead[op]
        if not op:
            return Response(_IDENTITY, content_type="text/xml")
        asked = json.loads(request.get_data())
        if op == "GetEventDataStore":
            name = asked["EventDataStore"].rpartition("/")[2]
            told = {"Name": name, "EventDataStoreArn": _ARN + name, "AdvancedEventSelectors": _ALL, **_STORES[name]}
            return Response(json.dumps(told), content_type="application/x-amz-json-1.1")
        names = list(_STORES)[2:] if asked.get("NextToken") else list(_STORES)[:2]
        page = {"EventDataStores": [{"Name": name, "EventDataStoreArn": _ARN + name} for name in names]}
        page |= {} if asked.get("NextToken") else {"NextToken": "more"}
        return Response(json.dumps(page), content_type="application/x-amz-json-1.1")

    httpserver.expect_request("/").respond_with_handler(answer)
    aws.setenv("AWS_ENDPOINT_URL", httpserver.url_for("").rstrip("/"))
    return instead


def _refused(op):
    return Response(json.dumps({"__type": "AccessDeniedException", "message": op}), 403)


def test_stores_of_events_keep_what_they_say_and_are_off_when_they_take_nothing(team, lake):
    """Days, key and regions of each; a store that was only made is not known to take anything."""
    found = team.collect(entry("aws-cloudtrail-lake"))
    names = ("enabled", "retention_days", "retention_infinite", "encryption", "exclusions")
    assert {
        "aws-cloudtrail-lake:lake": (True, 2557, False, "arn:aws:kms:x:1:key/k", []),
        "aws-cloudtrail-lake:stopped": (False, 90, False, "provider_managed", [f"regions other than {REGION}"]),
        "aws-cloudtrail-lake:new": (None, 366, False, "provider_managed", []),
    } == {key: tuple(row[name] for name in names) for key, row in found.sources.items()}
    (sink,) = found.of("aws-cloudtrail-lake:lake", "collected_log_sinks")
    assert ("event_data_store", "lake", 2557) == (sink["type"], sink["target"], sink["retention_days"])
    assert found.claim.complete


def test_a_store_or_a_list_that_is_refused_is_unknown_and_never_off(team, lake):
    """Without the list there is one unknown source; without a store's own answer its name stays."""
    lake["GetEventDataStore"] = _refused("GetEventDataStore")
    found = team.collect(entry("aws-cloudtrail-lake"))
    assert {(None, None)} == {(row["enabled"], row["retention_days"]) for row in found.sources.values()}
    assert (3, "missing") == (len(found.sources), found.claim.scope["access"])
    lake["ListEventDataStores"] = _refused("ListEventDataStores")
    (row,) = team.collect(entry("aws-cloudtrail-lake")).sources.values()
    assert (None, None) == (row["enabled"], row["retention_infinite"])


def test_no_store_is_off(team, lake):
    """An empty list is known to be empty."""
    lake["ListEventDataStores"] = Response('{"EventDataStores": []}', content_type="application/x-amz-json-1.1")
    (row,) = team.collect(entry("aws-cloudtrail-lake")).sources.values()
    assert (False, "No event data store") == (row["enabled"], row["title"])
