"""Events: which canonical ones a record tells of, by format, and packs that a team adds."""

from __future__ import annotations

import json

import pytest

from soc2ev import yamlfile
from soc2ev.errors import ConfigError
from soc2ev.logs.events import CANONICAL, KINDS, Matcher, packs, parse
from soc2ev.logs.formats import Parser

from .samples import COMBINED, ECS, OTLP, app, cloudtrail, github, line, ocsf, okta

MATCHER = Matcher(packs())


def events(text: bytes | str, matcher: Matcher = MATCHER) -> set[str]:
    data = text.encode() if isinstance(text, str) else text
    return {kind for record in Parser(1_791_200_000.0).records(data) for kind in matcher.events(record)}


def _without(record: dict[str, object], *names: str) -> dict[str, object]:
    return {name: value for name, value in record.items() if name not in names}


DENIED = {"errorCode": "AccessDenied", "errorMessage": "User is not authorized"}
CONSOLE = {"eventSource": "signin.amazonaws.com", "eventType": "AwsConsoleSignIn"}


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (cloudtrail("ConsoleLogin", **CONSOLE, responseElements={"ConsoleLogin": "Success"}), {"auth.success"}),
        (
            cloudtrail(
                "ConsoleLogin",
                **CONSOLE,
                errorMessage="Failed authentication",
                responseElements={"ConsoleLogin": "Failure"},
            ),
            {"auth.failure"},
        ),
        (cloudtrail("CreateAccessKey"), {"token.created", "admin.action"}),
        (cloudtrail("CreateAccessKey", **DENIED), {"authz.failure"}),
        (cloudtrail("DeleteAccessKey"), {"token.revoked", "key.revoked", "admin.action"}),
        (
            cloudtrail("UpdateAccessKey", requestParameters={"status": "Inactive"}),
            {"token.revoked", "key.revoked", "admin.action"},
        ),
        (cloudtrail("StopLogging", eventSource="cloudtrail.amazonaws.com"), {"logging.changed", "admin.action"}),
        (cloudtrail("GetSecretValue", eventSource="secretsmanager.amazonaws.com", readOnly=True), {"sensitive.read"}),
        (
            cloudtrail("RunInstances", eventSource="ec2.amazonaws.com", errorCode="Client.UnauthorizedOperation"),
            {"authz.failure"},
        ),
        (
            cloudtrail("DescribeTags", eventSource="ec2.amazonaws.com", readOnly=True, errorCode="ThrottlingException"),
            {"rate_limit"},
        ),
        (cloudtrail("AttachUserPolicy"), {"role.changed", "admin.action"}),
        (cloudtrail("CreateUser"), {"user.created", "admin.action"}),
        (cloudtrail("DeactivateMFADevice"), {"mfa.changed", "admin.action"}),
        (cloudtrail("DescribeInstances", eventSource="ec2.amazonaws.com", readOnly=True), set()),
        (okta("user.session.start"), {"auth.success"}),
        (okta("user.session.start", "FAILURE"), {"auth.failure"}),
        (okta("policy.evaluate_sign_on", "DENY"), {"authz.failure"}),
        (okta("system.api_token.create"), {"token.created", "admin.action"}),
        (okta("system.api_token.revoke"), {"token.revoked", "key.revoked", "admin.action"}),
        (okta("system.org.rate_limit.violation"), {"rate_limit"}),
        (okta("user.account.privilege.grant"), {"role.changed", "admin.action"}),
        (okta("user.mfa.factor.deactivate"), {"mfa.changed"}),
        (okta("user.lifecycle.deactivate"), {"user.deactivated", "admin.action"}),
        (okta("user.session.clear"), {"session.revoked"}),
        (okta("system.log_stream.lifecycle.deactivate"), {"logging.changed", "admin.action"}),
        (github("org.invite_member"), {"user.invited", "admin.action"}),
        (github("org.remove_member"), {"user.deactivated", "permission.revoked", "admin.action"}),
        (github("personal_access_token.access_revoked"), {"token.revoked", "key.revoked", "permission.revoked"}),
        (github("repo.download_zip"), {"sensitive.read"}),
        (github("protected_branch.rejected_ref_update"), {"authz.failure"}),
        (github("workflows.completed_workflow_run"), set()),
        (github("repo.create"), {"admin.action"}),
        (github("org.saml_disabled"), {"admin.action"}),
        (_without(github("protected_branch.destroy"), "_document_id", "@timestamp"), {"admin.action"}),
        (_without(okta("user.session.start"), "published"), {"auth.success"}),
        (cloudtrail("PasswordUpdated", eventSource="signin.amazonaws.com"), {"credential.rotated"}),
        (cloudtrail("Authenticate", eventSource="sso.amazonaws.com"), {"auth.success"}),
        (
            cloudtrail("DeleteModelInvocationLoggingConfiguration", eventSource="bedrock.amazonaws.com"),
            {"logging.changed"},
        ),
        (ocsf(3002, 1), {"auth.success"}),
        (ocsf(3002, 1, 2), {"auth.failure"}),
        (ocsf(6003, 1, 2), {"authz.failure"}),
        (ocsf(4002, 1, http_response={"code": 429}), {"rate_limit"}),
        (ocsf(3001, 10), {"mfa.changed"}),
        (ocsf(6001, 7), {"sensitive.read", "data.export"}),
        (ECS, {"auth.success"}),
        (OTLP, {"rate_limit"}),
        (app("auth.login.success", status=200), {"auth.success"}),
        (app("auth.login.failed", status=401), {"auth.failure"}),
        (app("LoginFailed"), {"auth.failure"}),
        (app("user.login", outcome="failure"), {"auth.failure"}),
        (app("user.login", status=429), {"rate_limit"}),
        (app("http.request", status=401, path="/api/me"), {"auth.failure"}),
        (app("http.request", status=403, path="/api/me"), {"authz.failure"}),
        (app("http.request", status=429, path="/api/me"), {"rate_limit"}),
        (app("http.request", status=200, path="/api/me", method="GET"), set()),
        (app("http.request", status=200, path="/login", method="POST"), {"auth.success"}),
        (app("authz.denied"), {"authz.failure"}),
        (app("api_key.created"), {"token.created"}),
        (app("api_key.revoked"), {"token.revoked", "key.revoked"}),
        (app("admin.settings.updated"), {"admin.action"}),
        (app("http.request", status=200, path="/admin/users", method="GET"), {"admin.action"}),
        (app("http.request", status=403, path="/admin/users", method="GET"), {"authz.failure"}),
        (app("data.export"), {"sensitive.read", "data.export"}),
        (app("webhook.delivery.failed", status=403), {"webhook.failure"}),
        (app("webhook.delivered", status=200), set()),
        (app("user.role.updated"), {"role.changed"}),
        (app("user.invited"), {"user.invited"}),
        (app("invitation.accepted"), {"user.accepted"}),
        (app("user.deactivated"), {"user.deactivated"}),
        (app("session.revoked"), {"session.revoked"}),
        (app("http.request", limit_req_status="REJECTED"), {"rate_limit"}),
    ],
    ids=lambda value: None,
)
def test_records_of_every_format_tell_of_their_events(record, expected):
    """The same canonical names for CloudTrail, Okta, GitHub, OCSF, ECS, OTLP and applications; others tell of none."""
    assert expected == events(line(record))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (COMBINED, {"admin.action"}),
        (COMBINED.replace('" 200 ', '" 401 '), {"auth.failure"}),
        ("Oct  5 10:00:00 host sshd[42]: Failed password for root from 192.0.2.7 port 4242 ssh2", {"auth.failure"}),
        (
            '{"SYSLOG_IDENTIFIER":"sshd","MESSAGE":"Failed password for root from 192.0.2.7 port 4242 ssh2"}',
            {"auth.failure"},
        ),
        ('{"SYSLOG_IDENTIFIER":"useradd","MESSAGE":"new user: name=ann, UID=1001"}', {"user.created"}),
        ("Oct  5 10:00:00 host sshd[42]: Accepted publickey for ann from 192.0.2.7 port 4242 ssh2", {"auth.success"}),
        ("Oct  5 10:00:00 host sudo: ann : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/ls", {"admin.action"}),
        (
            '2026/10/05 10:00:00 [error] 31#0: *1 limiting requests, excess: 5.1 by zone "one", client: 192.0.2.7',
            {"rate_limit"},
        ),
    ],
)
def test_lines_of_text_tell_of_their_events(text, expected):
    """Access logs, sshd, sudo and nginx's error log."""
    assert expected == events(text)


def test_every_canonical_kind_can_be_seen():
    """No kind is without a rule; a team can trust that 0 means not observed."""
    assert set(KINDS) == {rule.event for pack in packs() for rule in pack.rules}
    assert 9 == len(CANONICAL)


def test_a_team_adds_its_own_events(tmp_path):
    """A file in .soc2ev/events counts beside the shipped ones."""
    folder = tmp_path / ".soc2ev" / "events"
    folder.mkdir(parents=True)
    (folder / "own.yaml").write_text(
        "pack: own\nshapes: [json]\nrules:\n"
        "  - event: sensitive.read\n    when: {op: fetch, tier: {from: 3}, legal_hold: {present: false}}\n"
    )
    own = Matcher(packs(tmp_path))
    assert {"sensitive.read"} == events(json.dumps({"op": "FETCH", "tier": 4}), own)
    assert set() == events(json.dumps({"op": "fetch", "tier": 2}), own)
    assert set() == events(json.dumps({"op": "fetch", "tier": 4, "legal_hold": "x"}), own)
    assert set() == events(json.dumps({"op": "fetch", "tier": 4}))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[]", "x.yaml:1:1"),
        ("pack: a\nrules: []\nshape: json", "unknown key 'shape'"),
        ("pack: a\nshapes: [jsonl]\nrules: []", "unknown shape"),
        ("pack: a\nrules:\n  - {event: auth.succes, when: {a: b}}", "x.yaml:3:5: unknown event 'auth.succes'"),
        ("pack: a\nrules:\n  - {event: auth.success}", "x.yaml:3:5"),
        ("pack: a\nrules:\n  - {event: auth.success, when: {'@who': b}}", "unknown field @who"),
        ("pack: a\nrules:\n  - {event: auth.success, when: {a: {below: 4}}}", "unknown key 'below'"),
        ("pack: a\nrules:\n  - {event: auth.success, when: {a: []}}", "expected a text"),
        ("pack: a\nrules:\n  - {event: auth.success, when: [b]}", "expected {field: value}"),
    ],
)
def test_a_pack_that_is_wrong_is_refused_with_its_place(text, complaint):
    """file:line:column and what was expected."""
    with pytest.raises(ConfigError, match=complaint.replace("{", "\\{").replace("}", "\\}")):
        parse(yamlfile.parse(text.encode(), "x.yaml"))


def test_what_is_remembered_never_changes_an_answer():
    """The same path with another status, and another path with the same status, are told apart."""
    mixed = Matcher(packs())
    found = [
        events(line(app("http.request", path=path, status=status, method="GET")), mixed)
        for path, status in [("/admin/a", 200), ("/x", 200), ("/admin/b", 403), ("/admin/c", 200), ("/x", 403)]
    ]
    assert [{"admin.action"}, set(), {"authz.failure"}, {"admin.action"}, {"authz.failure"}] == found
