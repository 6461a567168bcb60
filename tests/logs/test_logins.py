"""What records of authentications say: time, user, address, outcome and method, in each known format."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from soc2ev.logs import together
from soc2ev.logs.events import Matcher, packs
from soc2ev.logs.measured import Measured
from soc2ev.logs.measuring import measure, read

NOW = 1_795_000_000.0
AT = "2026-10-05T10:00:00Z"
OKTA = {
    "published": AT,
    "eventType": "user.session.start",
    "outcome": {"result": "SUCCESS"},
    "actor": {"id": "u1", "alternateId": "ann@example.com"},
    "client": {"ipAddress": "10.0.0.1"},
    "uuid": "1",
    "legacyEventType": "x",
}
TRAIL = {
    "eventTime": AT,
    "eventSource": "signin.amazonaws.com",
    "eventName": "ConsoleLogin",
    "sourceIPAddress": "10.0.0.1",
    "eventVersion": "1.08",
    "userIdentity": {"arn": "arn:aws:iam::123456789012:user/ann", "type": "IAMUser"},
    "responseElements": {"ConsoleLogin": "Failure"},
}
JOURNAL = {"__REALTIME_TIMESTAMP": "1791194400000000", "SYSLOG_IDENTIFIER": "sshd", "PRIORITY": "6", "_PID": "7"}
PLAIN = {"timestamp": AT, "event": "user.login.failed", "actor_id": "u1", "ip": "10.0.0.1"}
ALL = {"when", "who", "where", "outcome", "how"}


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    return Matcher(packs())


def one_by_one(file: Path, matcher: Matcher) -> Measured:
    made = Measured(NOW)
    for _, records in read(file, NOW, lambda _: None):
        for record in records or ():
            made.add(record, matcher.events(record))
    return made


def counted(folder: Path, matcher: Matcher, *lines: object) -> tuple[int, dict[str, int]]:
    """Records of authentications and what they say, the same by column and one by one."""
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    # A plan with few records is counted one by one; behind a first line that opens no document they are columns.
    file = folder / "a.log"
    file.write_text("\n".join(["one", *(text for text in texts for _ in range(5))]) + "\n")
    slow, fast = one_by_one(file, matcher).logins, measure(file, NOW, matcher, lambda _: None).logins
    assert (slow.records, slow.present) == (fast.records, fast.present)
    return slow.records // 5, {name: count // 5 for name, count in slow.present.items()}


@pytest.mark.parametrize(
    ("line", "missing"),
    [
        (TRAIL, set()),
        ({**TRAIL, "userIdentity": {"arn": "a"}, "additionalEventData": {"MFAUsed": "No"}}, set()),
        ({**TRAIL, "userIdentity": {"arn": "a"}}, {"how"}),
        ({**OKTA, "authenticationContext": {"credentialType": "PASSWORD", "credentialProvider": None}}, set()),
        ({**OKTA, "debugContext": {"debugData": {"factor": "PASSWORD_AS_FACTOR"}}}, set()),
        ({**OKTA, "authenticationContext": {"credentialType": None}}, {"how"}),
        ({"@timestamp": AT, "event": {"category": ["authentication"], "outcome": "success", "action": "ssh_login"}, "user": {"name": "a"}, "source": {"ip": "10.0.0.1"}, "system": {"auth": {"ssh": {"method": "publickey"}}}, "ecs": {"version": "8"}}, set()),
        ({"action": "user.failed_login", "@timestamp": 1_790_000_000_000, "actor": "ann", "actor_ip": "10.0.0.1", "_document_id": "x", "org": "acme"}, {"how"}),
        ({"action": "user.failed_login", "@timestamp": 1_790_000_000_000, "actor": "ann", "actor_ip": "10.0.0.1", "_document_id": "x", "org": "acme", "hashed_token": "x="}, set()),
        ({**PLAIN, "auth_method": "password"}, set()),
        ({**PLAIN, "method": "password"}, set()),
        ({**PLAIN, "method": "POST"}, {"how"}),
        ({**PLAIN, "mfa": False}, set()),
        ({**PLAIN, "provider": "-"}, {"how"}),
        ({**PLAIN, "provider": None, "details": {"mechanism": "oidc"}}, set()),
        ({**PLAIN, "ip": None, "timestamp": "never", "actor_id": ""}, {"how", "where", "when", "who"}),
        ({**PLAIN, "event": "login", "amr": ["pwd", "otp"]}, {"outcome"}),
        ({**PLAIN, "event": "login", "amr": ["pwd"], "outcome": "success"}, set()),
        ({**PLAIN, "event": "login", "amr": ["pwd"], "message": "Accepted"}, set()),
        (f"{AT} host sshd[1]: Failed password for bob from 10.0.0.1 port 22 ssh2", set()),
        (f"{AT} host sshd[1]: Failed password for invalid user bob from ::1 port 22 ssh2", set()),
        ({**JOURNAL, "MESSAGE": "Accepted publickey for bob from 10.0.0.1 port 22 ssh2"}, set()),
        ({**JOURNAL, "MESSAGE": "Failed password for invalid user bob from 10.0.0.1 port 22 ssh2"}, set()),
        (f"{AT} host sshd[1]: Invalid user bob from 10.0.0.1 port 22", {"how"}),
        (f"{AT} host sshd[1]: Invalid user  from 10.0.0.1 port 22", {"how", "who"}),
        (f"{AT} host su: pam_unix(su:auth): authentication failure; logname=ann uid=1 euid=0 tty=/dev/pts/0 ruser=ann rhost=  user=root", {"how", "where"}),
        (f"{AT} host login: pam_unix(login:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=10.0.0.1 ", {"how", "who"}),
        ({**PLAIN, "event": "login.failed", "actor_id": None, "ip": None, "amr": ["pwd"], "message": "no token for bob from the store"}, {"who", "where"}),
    ],
)  # fmt: skip
def test_what_a_record_says_is_found_in_each_format(tmp_path, matcher, line, missing):
    """By name of field and by sshd's sentence; empty values and the verb of a request are no method."""
    assert (1, dict.fromkeys(ALL - missing, 1)) == counted(tmp_path, matcher, line)


@pytest.mark.parametrize(
    "line",
    [
        {"timestamp": AT, "event": "http.request", "status": 401, "path": "/v1/invoices"},
        '10.0.0.1 - - [05/Oct/2026:10:00:00 +0000] "GET /v1/x HTTP/1.1" 401 5 "-" "curl"',
        {**PLAIN, "event": "invoice.sent"},
    ],
)
def test_a_request_that_was_refused_is_no_authentication(tmp_path, matcher, line):
    """Else each expired token of an API would be a login that lacks its method."""
    assert (0, {}) == counted(tmp_path, matcher, line)


def test_a_login_by_its_path_is_one(tmp_path, matcher):
    """Records of requests without an action, as access logs have them."""
    line = '10.0.0.1 - bob [05/Oct/2026:10:00:00 +0000] "POST /login HTTP/1.1" 401 5 "-" "curl"'
    assert (1, {"when": 1, "who": 1, "where": 1, "outcome": 1}) == counted(tmp_path, matcher, line)


def test_routes_count_logins_alike(tmp_path, matcher):
    """By column, one by one, and in pieces that are put together, over a mixture of everything above."""
    r = random.Random(7)
    names = ("auth_method", "method", "mfa", "provider", "path", "message", "request", "status", "outcome")
    values = ("password", "POST", "", "-", None, True, 401, 1.5, "Accepted publickey for x", "GET /login HTTP/1.1")
    lines = []
    for _ in range(3_000):
        more = {name: r.choice(values) for name in r.sample(names, r.randrange(4))}
        event = r.choice(("user.login", "user.login.failed", "http.request", "login", "invoice.sent"))
        lines.append(json.dumps(r.choice((OKTA, TRAIL, {**PLAIN, "event": event, **more}))))
    file = tmp_path / "a.log"
    file.write_text("\n".join(["one", *lines]) + "\n")
    slow, fast = one_by_one(file, matcher).logins, measure(file, NOW, matcher, lambda _: None).logins
    assert slow.records > 1_000
    assert (slow.records, slow.present) == (fast.records, fast.present)
    with together.Together(b"k" * 32, matcher, NOW, 1) as pool:
        made = {one: held for one, held, leaks in pool.files([file], lambda _: None, None) if list(leaks)}[file]
    assert (slow.records, slow.present) == (made.logins.records, made.logins.present)
