"""Formats: every line's fields get the same names, whatever wrote it, and nothing that is broken is fatal."""

from __future__ import annotations

import json

import pytest

from soc2ev.logs import jsontext
from soc2ev.logs.formats import Parser, Record
from soc2ev.logs.instants import instant, iso

from .samples import COMBINED, ECS, OTLP, cloudtrail, github, line, ocsf, okta

NOW = 1_791_200_000.0  # 2026-10-05T11:33:20Z
AT = 1_791_194_400  # 2026-10-05T10:00:00Z


def one(text: bytes | str) -> Record:
    records = Parser(NOW).records(text.encode() if isinstance(text, str) else text)
    assert len(records) == 1
    return records[0]


KNOWN = [
    (
        line(cloudtrail("CreateUser")),
        "cloudtrail",
        "CreateUser",
        "arn:aws:iam::123456789012:user/Mary_Major",
        "192.0.2.0",
    ),
    (line(okta("user.session.start")), "okta", "user.session.start", "00u1qw1mqitPHM8AJ0g7", "198.51.100.7"),
    (line(github("org.add_member")), "github", "org.add_member", "octocat", "203.0.113.9"),
    (line(ECS), "ecs", "logged-in", "u1", "192.0.2.7"),
    (COMBINED.encode(), "access", None, "frank", "198.51.100.7"),
    (
        b'{"time":"2026-10-05T10:00:00Z","type":"user.login","userId":7,"client_ip":"192.0.2.7"}',
        "json",
        "user.login",
        "7",
        "192.0.2.7",
    ),
    (
        b"ts=2026-10-05T10:00:00Z level=info event=user.login user=ann ip=192.0.2.7",
        "pairs",
        "user.login",
        "ann",
        "192.0.2.7",
    ),
    (
        (
            b"I, [2026-10-05T10:00:00.123456 #4242]  INFO -- : [0c2e9b6a-7a3a-4a51-9d4b-1b8b6a3a0001] method=POST path=/login"
            b" format=html controller=SessionsController action=create status=200 duration=5.2 user_id=7 ip=192.0.2.7"
        ),
        "pairs",
        "SessionsController#create",
        "7",
        "192.0.2.7",
    ),
    (
        (
            b'{"log":"{\\"event\\":\\"user.login\\",\\"user\\":\\"ann\\",\\"ip\\":\\"192.0.2.7\\"}\\n","stream":"stdout",'
            b'"time":"2026-10-05T10:00:00.5Z"}'
        ),
        "json",
        "user.login",
        "ann",
        "192.0.2.7",
    ),
]


@pytest.mark.parametrize(("text", "shape", "action", "actor", "ip"), KNOWN, ids=range(len(KNOWN)))
def test_who_what_when_where_have_one_name_in_every_format(text, shape, action, actor, ip):
    """Time, action, actor and address are found wherever a vendor puts them."""
    found = one(text)
    assert (shape, action, actor, ip, AT) == (found.shape, found.action, found.actor, found.ip, int(found.at or 0))


def test_the_nested_records_of_otlp_come_one_by_one_with_the_attributes_of_their_resource():
    """The lists of resourceLogs are unfolded; a time of zero means unknown, as the specification says."""
    first, second = Parser(NOW).records(line(OTLP))
    assert ("otlp", "u1", 429, "my.service") == (
        first.shape,
        first.actor,
        first.status,
        first.fields["resource.service.name"],
    )
    assert (1_791_194_400.3, 1_791_194_401.3, {"traceId": "5B8EFFF798038103D269B633813FC60C"}) == (
        first.at,
        first.arrival,
        first.ids,
    )
    assert (None, "second") == (second.at, second.message)


def test_ocsf_tells_outcome_correlation_and_when_it_was_logged():
    """status_id 1 and 2 are success and failure; metadata.logged_time is the arrival."""
    found = one(line(ocsf(3002, 1, 2)))
    assert ("failure", AT + 0.123, AT + 1.123, ["c-1"]) == (
        found.outcome,
        found.at,
        found.arrival,
        list(found.ids.values()),
    )


def test_an_access_log_gives_method_path_and_status():
    """The combined format's request is taken apart; its zone counts."""
    found = one(COMBINED)
    assert ("GET", "/admin/users?page=2", 200, True, AT) == (
        found.method,
        found.path,
        found.status,
        found.zoned,
        found.at,
    )


def test_an_error_log_of_apache():
    """Of 2.2 and 2.4, with the client's address without its port."""
    old = one(b"[Mon Oct 05 10:00:00 2026] [error] [client 192.0.2.7] user bob: authentication failure")
    new = one(
        b"[Mon Oct 05 10:00:00.000000 2026] [auth_basic:error] [pid 7:tid 9] [client 192.0.2.7:4711] AH01617: user bob"
    )
    assert [("error", "192.0.2.7", AT)] * 2 == [(found.level, found.ip, found.at) for found in (old, new)]
    assert ("AH01617: user bob", "auth_basic") == (new.message, new.fields["module"])
    (v6,) = Parser(NOW).records(b"[Mon Oct 05 10:00:00.000000 2026] [core:notice] [client ::1:80] caught SIGTERM")
    assert (None, "caught SIGTERM") == (v6.ip, v6.message)


def test_nginx_in_json_is_read_like_the_combined_format():
    """$time_iso8601, $remote_addr, $request, $status and $request_id have their meaning by name."""
    text = {
        "time_iso8601": "2026-10-05T12:00:00+02:00",
        "remote_addr": "192.0.2.7",
        "request": "POST /login HTTP/2.0",
        "status": "401",
        "request_time": "0.031",
        "request_id": "a1",
    }
    found = one(line(text))
    expected = ("192.0.2.7", "POST", "/login", 401, "0.031", {"request_id": "a1"}, AT)
    assert expected == (found.ip, found.method, found.path, found.status, found.latency, found.ids, found.at)


@pytest.mark.parametrize(
    ("text", "app", "message", "level", "zoned"),
    [
        (
            "<34>Oct  5 10:00:00 mymachine su: 'su root' failed for lonvick",
            "su",
            "'su root' failed for lonvick",
            "crit",
            False,
        ),
        (
            "Oct  5 10:00:00 host sshd[42]: Accepted publickey for ann",
            "sshd",
            "Accepted publickey for ann",
            None,
            False,
        ),
        (
            '<165>1 2026-10-05T10:00:00.003Z mymachine evntslog - ID47 [exampleSDID@32473 iut="3"] An application event',
            "evntslog",
            "An application event",
            "notice",
            True,
        ),
    ],
)
def test_syslog_in_its_two_forms(text, app, message, level, zoned):
    """RFC 3164 without year and zone, and RFC 5424 with structured data."""
    found = one(text)
    assert ("syslog", app, message, level, zoned) == (
        found.shape,
        found.fields["app"],
        found.message,
        found.level,
        found.zoned,
    )
    assert int(found.at or 0) == AT


def test_a_stamp_without_a_year_belongs_to_the_last_such_day():
    """December read in January is last year's."""
    january = 1_799_000_000.0  # 2027-01-03
    assert "2026-12-31T23:00:00Z" == iso(instant("Dec 31 23:00:00", january).at)
    assert "2027-01-02T23:00:00Z" == iso(instant("Jan  2 23:00:00", january).at)


@pytest.mark.parametrize(
    "record",
    [
        {"__REALTIME_TIMESTAMP": "1791194400000000", "MESSAGE": "x"},
        {
            "kind": "Event",
            "requestReceivedTimestamp": "2026-10-05T10:00:00.000000Z",
            "stageTimestamp": "2026-10-05T10:00:01Z",
        },
        {"TimeGenerated": "2026-10-05T10:00:00Z", "OperationName": "x"},
        {"CreationTime": "2026-10-05T10:00:00", "Operation": "UserLoggedIn", "Workload": "AzureActiveDirectory"},
        {"createdDateTime": "2026-10-05T10:00:00Z", "userPrincipalName": "ann@acme.io"},
        {"id": {"time": "2026-10-05T10:00:00.000Z", "applicationName": "login"}},
        {"timeMillis": 1791194400000, "level": "INFO"},
        {"log_time": "2026-10-05 10:00:00"},
        {"requestTimeEpoch": 1791194400000, "requestId": "x"},
    ],
)
def test_when_it_was_is_found_under_the_names_of_many_systems(record):
    """journald, Kubernetes' audit, Azure Monitor, Microsoft 365, Entra, Google Workspace, Log4j, API Gateway."""
    assert AT == one(json.dumps(record)).at


@pytest.mark.parametrize(
    "value",
    [
        "2026-10-05T10:00:00Z",
        "2026-10-05T12:00:00+02:00",
        "2026-10-05 10:00:00,000 +0000",
        "2026-10-05 10:00:00 UTC",
        "2026/10/05 10:00:00",
        "05/Oct/2026:12:00:00 +0200",
        "Mon Oct  5 10:00:00 2026",
        "Mon Oct 05 10:00:00.000000 2026",
        "20261005T100000Z",
        1791194400,
        1791194400000,
        "1791194400.000",
        1791194400000000,
        "1791194400000000000",
    ],
)
def test_times_in_many_spellings_are_one_instant(value):
    """ISO 8601, access logs, loggers and Unix numbers of four units."""
    assert AT == instant(value, NOW).at


@pytest.mark.parametrize(
    "value", [True, None, "", "yesterday", "2026-13-45T10:00:00Z", 7, float("nan"), "9" * 60, "2026-10-05", {}]
)
def test_what_is_no_time_is_none(value):
    """Nothing is guessed."""
    assert instant(value, NOW) is None


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"   ",
        b"hello world",
        b'{"a":',
        b"{}",
        b"[]",
        b"[1,2]",
        b"\xff\xfe\x00",
        b"{" * 5000,
        b'{"a":' * 3000,
        b"a=b",
        b"null",
    ],
)
def test_what_is_not_understood_gives_no_record_and_no_error(text):
    """Broken, empty and hostile lines are survived."""
    assert [] == Parser(NOW).records(text)


def test_a_message_within_syslog_may_be_json():
    """Its fields are the record's; the time of the envelope counts."""
    found = one('<14>Oct  5 10:00:00 web app[1]: {"event": "user.login", "user_id": "u9", "request_id": "r1"}')
    assert ("user.login", "u9", {"request_id": "r1"}) == (found.action, found.actor, found.ids)


def test_flat_and_nested_names_mean_the_same():
    """`http.response.status_code` is a path or a name."""
    flat = one(b'{"http.response.status_code": 403, "user.id": "u1", "@timestamp": "2026-10-05T10:00:00Z"}')
    nested = one(
        b'{"http": {"response": {"status_code": 403}}, "user": {"id": "u1"}, "@timestamp": "2026-10-05T10:00:00Z"}'
    )
    assert (403, "u1", AT) == (flat.status, flat.actor, flat.at) == (nested.status, nested.actor, nested.at)


def test_json_is_read_alike_with_and_without_the_fast_reader(monkeypatch):
    """What orjson refuses the standard library reads; what both read is equal."""
    texts = [
        b'{"a": NaN}',
        b'{"a": "\\ud800"}',
        b'{"a": "\xff"}',
        b'{"a": [1, {"b": null}]}',
    ]
    fast = [repr(jsontext.loads(text)) for text in texts]
    monkeypatch.setattr(jsontext, "_quick", None)
    assert fast == [repr(jsontext.loads(text)) for text in texts]
    with pytest.raises(ValueError):
        jsontext.loads(b"[" * 100_000)


def test_a_hundred_thousand_names_do_not_stay_in_memory():
    """Names made up by an enemy are forgotten."""
    from soc2ev.logs.formats import roles

    parser = Parser(NOW)
    for start in range(0, 60_000, 300):
        parser.records(json.dumps({f"k{at}": 1 for at in range(start, start + 300)}).encode())
    assert len(roles._remembered) <= roles._MOST_REMEMBERED
