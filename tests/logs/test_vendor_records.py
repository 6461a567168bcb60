"""Records as vendors write them, each with the events that it tells of, and none besides."""

from __future__ import annotations

import json

import pytest

from soc2ev.logs.events import Matcher, packs
from soc2ev.logs.formats import Parser

from .samples import app, cloudtrail, github, line, ocsf, okta

MATCHER = Matcher(packs())
S3, KMS, STS = (
    {"eventSource": "s3.amazonaws.com"},
    {"eventSource": "kms.amazonaws.com"},
    {"eventSource": "sts.amazonaws.com"},
)
SIGNIN = {"eventSource": "signin.amazonaws.com", "eventType": "AwsConsoleSignIn", "requestParameters": None}
ROOT = {"userIdentity": {"type": "Root", "principalId": "1", "arn": "arn:aws:iam::1:root", "accountId": "1"}}
SERVICE = {
    "userIdentity": {"type": "AWSService", "invokedBy": "lambda.amazonaws.com"},
    "sourceIPAddress": "lambda.amazonaws.com",
}
GOOD, BAD = {"responseElements": {"ConsoleLogin": "Success"}}, {"responseElements": {"ConsoleLogin": "Failure"}}
DENIED = {"errorCode": "AccessDenied", "errorMessage": "not authorized to perform this"}


def events(record: object) -> set[str]:
    data = record if isinstance(record, bytes) else line(record)
    return {kind for one in Parser(1_791_200_000.0).records(data) for kind in MATCHER.events(one)}


CLOUDTRAIL = [
    (cloudtrail("ConsoleLogin", **SIGNIN, **GOOD, additionalEventData={"MFAUsed": "Yes"}), {"auth.success"}),
    (cloudtrail("ConsoleLogin", **SIGNIN, **GOOD, additionalEventData={"MFAUsed": "No"}), {"auth.success"}),
    (cloudtrail("ConsoleLogin", **SIGNIN, **GOOD, **ROOT), {"auth.success"}),
    (cloudtrail("ConsoleLogin", **SIGNIN, **BAD, **ROOT, errorMessage="Failed authentication"), {"auth.failure"}),
    (cloudtrail("CheckMfa", **SIGNIN, **ROOT, responseElements={"CheckMfa": "Success"}), set()),
    (cloudtrail("AssumeRole", **STS, readOnly=True), {"auth.success"}),
    (cloudtrail("AssumeRole", **STS, readOnly=True, **DENIED), {"authz.failure"}),
    (cloudtrail("AssumeRole", **STS, readOnly=True, **SERVICE), set()),
    (cloudtrail("CreateUser", **DENIED), {"authz.failure"}),
    (cloudtrail("CreateUser", errorCode="EntityAlreadyExistsException", errorMessage="exists"), set()),
    (cloudtrail("CreateUser", eventSource="cognito-idp.amazonaws.com", readOnly=False), set()),
    (cloudtrail("CreateLoginProfile"), {"admin.action"}),
    (cloudtrail("CreateServiceLinkedRole", **SERVICE), set()),
    (cloudtrail("PutUserPolicy"), {"role.changed", "admin.action"}),
    (cloudtrail("DetachRolePolicy"), {"role.changed", "permission.revoked", "admin.action"}),
    (cloudtrail("DeleteUserPolicy"), {"role.changed", "permission.revoked", "admin.action"}),
    (cloudtrail("PutRolePolicy", requestParameters={"policyName": "AWSRevokeOlderSessions"}), {"session.revoked", "role.changed", "admin.action"}),
    (cloudtrail("PutRolePolicy", requestParameters={"policyName": "AWSRevokeOlderSessions"}, **DENIED), {"authz.failure"}),
    (cloudtrail("DeleteTrail", eventSource="cloudtrail.amazonaws.com"), {"logging.changed", "admin.action"}),
    (cloudtrail("StopLogging", eventSource="cloudtrail.amazonaws.com", **DENIED), {"authz.failure"}),
    (cloudtrail("PutScalingPolicy", eventSource="autoscaling.amazonaws.com"), set()),
    (cloudtrail("PutLifecyclePolicy", eventSource="ecr.amazonaws.com"), set()),
    (cloudtrail("DeleteScalingPolicy", eventSource="autoscaling.amazonaws.com"), set()),
    (cloudtrail("PutRetentionPolicy", eventSource="logs.amazonaws.com"), {"logging.changed"}),
    (cloudtrail("DeleteRetentionPolicy", eventSource="logs.amazonaws.com"), {"logging.changed"}),
    (cloudtrail("RevokeSecurityGroupIngress", eventSource="ec2.amazonaws.com"), set()),
    (cloudtrail("GetObject", **S3, readOnly=True), {"sensitive.read"}),
    (cloudtrail("GetObject", **S3, readOnly=True, **DENIED), {"authz.failure"}),
    (cloudtrail("Decrypt", **KMS, readOnly=True), set()),
    (cloudtrail("GetSecretValue", eventSource="secretsmanager.amazonaws.com", readOnly=True, **DENIED), {"authz.failure"}),
    (cloudtrail("CreateRole", errorCode="LimitExceededException", errorMessage="Cannot exceed quota"), set()),
    (cloudtrail("Federate", eventSource="sso.amazonaws.com"), {"auth.success"}),
    (cloudtrail("Logout", eventSource="sso.amazonaws.com"), set()),
]  # fmt: skip
DIRECTORY = {"eventSource": "sso-directory.amazonaws.com", "readOnly": False}
CLOUDTRAIL += [
    (cloudtrail("AddMemberToGroup", **DIRECTORY), {"role.changed", "admin.action"}),
    (cloudtrail("RemoveMemberFromGroup", **DIRECTORY), {"role.changed", "permission.revoked", "admin.action"}),
    (cloudtrail("CompleteWebAuthnDeviceRegistration", **DIRECTORY), {"mfa.changed", "admin.action"}),
    (cloudtrail("UpdatePassword", **DIRECTORY), {"credential.rotated", "admin.action"}),
    (cloudtrail("AssumeRoleWithSAML", **STS, errorCode="IDPRejectedClaimException", errorMessage="x"), {"auth.failure"}),
    (cloudtrail("UpdateClusterConfig", eventSource="eks.amazonaws.com", requestParameters={"name": "a", "logging": {"clusterLogging": [{"types": ["audit"], "enabled": False}]}}), {"logging.changed"}),
    (cloudtrail("UpdateClusterConfig", eventSource="eks.amazonaws.com", requestParameters={"name": "a", "resourcesVpcConfig": {}}), set()),
    (cloudtrail("DisableLogging", eventSource="redshift.amazonaws.com"), {"logging.changed"}),
    (cloudtrail("ModifyImageAttribute", eventSource="ec2.amazonaws.com"), {"data.export"}),
    (cloudtrail("DeleteSSHPublicKey"), {"key.revoked", "admin.action"}),
]  # fmt: skip
OKTA = [
    (okta("user.session.start"), {"auth.success"}),
    (okta("user.session.start", "FAILURE"), {"auth.failure"}),
    (okta("user.session.end"), set()),
    (okta("user.authentication.sso"), {"auth.success"}),
    (okta("user.authentication.auth_via_mfa", "FAILURE"), {"auth.failure"}),
    (okta("user.authentication.slo"), set()),
    (okta("user.lifecycle.create"), {"user.created", "admin.action"}),
    (okta("user.lifecycle.create", "FAILURE"), set()),
    (okta("user.lifecycle.activate"), {"admin.action"}),
    (okta("user.lifecycle.suspend"), {"user.deactivated", "admin.action"}),
    (okta("user.lifecycle.deactivate", "FAILURE"), set()),
    (okta("user.lifecycle.delete.initiated"), {"admin.action"}),
    (okta("user.lifecycle.delete.completed"), {"user.deleted", "admin.action"}),
    (okta("group.user_membership.add"), {"role.changed"}),
    (okta("group.user_membership.remove"), {"role.changed", "permission.revoked"}),
    (okta("application.user_membership.add"), {"role.changed"}),
    (okta("application.user_membership.add", "FAILURE"), set()),
    (okta("application.user_membership.change_username"), set()),
    (okta("application.user_membership.show_password"), {"sensitive.read"}),
    (okta("user.mfa.factor.deactivate", "FAILURE"), set()),
    (okta("user.mfa.factor.reset_all"), {"mfa.changed"}),
    (okta("policy.lifecycle.update"), {"admin.action"}),
    (okta("policy.lifecycle.update", "FAILURE"), set()),
    (okta("user.account.privilege.grant", "FAILURE"), set()),
    (okta("user.account.privilege.revoke"), {"role.changed", "permission.revoked", "admin.action"}),
    (okta("system.api_token.revoke", "FAILURE"), set()),
    (okta("system.agent.ad.read_ldap"), set()),
    (okta("event_hook.delivery"), {"webhook.failure"}),
    (okta("event_hook.updated"), {"admin.action"}),
    (okta("event_hook.verified"), set()),
    (okta("application.policy.sign_on.deny_access"), {"authz.failure"}),
    (okta("application.policy.sign_on.update"), {"admin.action"}),
    (okta("app.oauth2.client.read_client_secret"), {"sensitive.read"}),
    (okta("pam.service_account.password.reveal"), {"sensitive.read"}),
    (okta("app.oauth2.client.privilege.grant"), {"role.changed", "admin.action"}),
    (okta("workflows.user.role.user.remove"), {"role.changed", "permission.revoked"}),
    (okta("group.application_assignment.remove"), {"role.changed", "permission.revoked", "admin.action"}),
    (okta("group.user_membership.rule.error"), set()),
    (okta("system.api_token.request_outside_allowed_range"), {"authz.failure"}),
    (okta("system.operation.concurrency_limit.violation"), {"rate_limit"}),
    (okta("system.client.concurrency_rate_limit.violation"), {"rate_limit"}),
    (okta("system.iwa_agentless.auth"), {"auth.success"}),
    (okta("system.iwa_agentless.auth", "FAILURE"), {"auth.failure"}),
    (okta("system.iwa_agentless.user.not_found"), {"auth.failure"}),
    (okta("user.mfa.okta_verify.deny_push"), {"auth.failure"}),
    (okta("credential.revoke"), {"key.revoked"}),
    (okta("credential.revoke", "FAILURE"), set()),
    (okta("app.keys.rotate"), {"credential.rotated"}),
    (okta("workflows.user.flow.execution_history.delete"), {"logging.changed"}),
    (okta("system.import.user.delete"), {"user.deleted"}),
    ({**okta("user.lifecycle.deactivate"), "actor": {"type": "SystemPrincipal", "id": "s", "alternateId": "system@okta.com"}}, {"user.deactivated"}),
]  # fmt: skip
GITHUB = [
    (github("org.add_member"), {"user.created", "admin.action"}),
    (github("team.add_member"), {"role.changed", "admin.action"}),
    (github("repo.access"), {"admin.action"}),
    (github("protected_branch.policy_override"), {"admin.action"}),
    (github("protected_branch.destroy"), {"admin.action"}),
    (github("oauth_application.create"), set()),
    (github("personal_access_token.request_created"), set()),
    (github("personal_access_token.request_denied"), set()),
    (github("personal_access_token.access_granted"), {"token.created"}),
    (github("org_credential_authorization.grant"), set()),
    (github("integration_installation.create"), {"admin.action"}),
    (github("workflows.approve_workflow_job"), set()),
    (github("workflows.prepared_workflow_job"), set()),
    (github("two_factor_authentication.disabled"), {"mfa.changed"}),
    (github("two_factor_authentication.sign_in_fallback_sms"), set()),
    (github("hook.config_changed"), {"admin.action"}),
    (github("audit_log_streaming.check"), set()),
    (github("audit_log_streaming.destroy"), {"logging.changed", "admin.action"}),
    (github("repo.set_actions_retention_limit"), {"logging.changed", "admin.action"}),
    (github("org.disable_source_ip_disclosure"), {"logging.changed", "admin.action"}),
    (github("checks.delete_logs"), {"logging.changed"}),
    (github("org.recovery_code_used"), {"auth.success"}),
    (github("org.recovery_code_failed"), {"auth.failure"}),
    (github("org.recovery_codes_viewed"), {"sensitive.read"}),
    (github("org.recovery_codes_generated"), {"credential.rotated"}),
    (github("user.sign_in_from_unrecognized_device"), {"auth.success"}),
    (github("user.two_factor_requested"), set()),
    (github("user.two_factor_recovery_codes_downloaded"), {"sensitive.read"}),
    (github("org.security_center_export_risk"), {"data.export", "sensitive.read"}),
    (github("user.audit_log_export"), {"data.export", "sensitive.read"}),
    (github("repo.change_merge_setting"), {"admin.action"}),
    (github("repo.create_actions_secret"), {"admin.action"}),
    (github("org.update_integration_secret"), {"credential.rotated", "admin.action"}),
    (github("repo.add_topic"), set()),
    (github("repo.rename_branch"), set()),
    (github("repo.self_hosted_runner_online"), set()),
    (github("org.register_self_hosted_runner"), {"admin.action"}),
    (github("org.members_limit_warning"), set()),
    (github("org.oauth_app_access_requested"), set()),
    (github("org.oauth_app_access_denied"), {"permission.revoked", "admin.action"}),
    (github("org.rate_limited_invites"), {"rate_limit"}),
    (github("user.creation_rate_limit_exceeded"), {"rate_limit"}),
    (github("required_status_check.destroy"), {"admin.action"}),
    (github("repository_branch_protection_evaluation.disable"), {"admin.action"}),
    (github("repository_vulnerability_alerts.disable"), {"admin.action"}),
    (github("repository_vulnerability_alert.dismiss"), set()),
    (github("repository_secret_scanning_push_protection.disable"), {"admin.action"}),
    (github("secret_scanning_alert.create"), set()),
    (github("workflows.disable_workflow"), {"admin.action"}),
    (github("workflows.completed_workflow_run"), set()),
    (github("personal_access_token.expiration_limit_unset"), {"admin.action"}),
    (github("personal_access_token.credential_revoked"), {"token.revoked", "key.revoked"}),
    (github("oauth_access.regenerate"), {"token.created", "credential.rotated"}),
    (github("passkey.register"), {"mfa.changed"}),
    (github("user.promote"), {"role.changed", "admin.action"}),
    (github("org.remove_billing_manager"), {"role.changed", "permission.revoked", "admin.action"}),
    (github("pull_request.merge"), set()),
    (github("api.request"), set()),
    (github("git.push"), set()),
]
APPLICATIONS = [
    (app("user.login", outcome="invalid_password"), {"auth.failure"}),
    (app("user.login", success=False), {"auth.failure"}),
    (app("authorization.success"), set()),
    (app("authz.succeeded"), set()),
    (app("checkout.session.created"), set()),
    (app("game.session_started"), set()),
    (app("user.session.created"), {"auth.success"}),
    (app("user.role.updated", outcome="failure"), set()),
    (app("user.role.update.denied"), set()),
    (app("permission.granted", status=403), {"authz.failure"}),
    (app("permission.grant.failed"), set()),
    (app("access.granted"), set()),
    (app("user.created", status=422), set()),
    (app("user.deleted", outcome="denied"), set()),
    (app("user.deactivated", success=False), set()),
    (app("mfa.disabled", outcome="failure"), set()),
    (app("session.revoked", outcome="failure"), set()),
    (app("logging.disabled", outcome="failure"), set()),
    (app("group.member.added"), {"role.changed"}),
    (app("cache.key.deleted"), set()),
    (app("image.rotated"), set()),
    (app("signing_key.rotated"), {"credential.rotated"}),
    (app("password.reset.requested"), set()),
    (app("record.pseudonymized"), set()),
    (app("admin.user.updated", outcome="failure"), set()),
    (app("http.request", status=500, path="/admin/users", method="POST"), set()),
    (app("http.request", status=302, path="/admin", method="GET"), set()),
    (app("http.request", status=302, path="/admin/users", method="POST"), {"admin.action"}),
    (app("rate_limit.allowed"), set()),
    (app("rate_limit.check", outcome="success"), set()),
    (app("user.login"), {"auth.success"}),
    (app("user.login", result="ok"), {"auth.success"}),
    (app("user.login", result="timeout"), set()),
    (app("user.login", error="bad password", level="error"), set()),
    (app("user.login", reason="invalid_password"), set()),
    (app("user.login.started", status=200), set()),
    (app("user.login.requested", outcome="success"), set()),
    (app("webhook.failure_threshold.updated"), set()),
    (app("http.request", status=200, path="/static/admin/css/base.css", method="GET"), set()),
    (app("http.request", status=200, path="/admin/login", method="GET"), set()),
    (app("http.request", status=204, path="/admin/users", method="OPTIONS"), set()),
    (app("http.request", status=200, path="/exports", method="GET"), set()),
    (app("http.request", status=201, path="/exports", method="POST"), {"sensitive.read", "data.export"}),
    (ocsf(3001, 10, 2), set()),
    (ocsf(3002, 2, actor={"user": {"type_id": 2, "name": "ann"}}), set()),
    (
        {
            "@timestamp": "2026-10-05T10:00:00.000Z",
            "ecs": {"version": "8.11.0"},
            "event": {"category": ["network"], "type": ["connection", "denied"], "outcome": "success"},
            "source": {"ip": "192.0.2.7"},
        },
        set(),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("record", "expected"), CLOUDTRAIL + OKTA + GITHUB + APPLICATIONS, ids=lambda value: None)
def test_a_record_tells_of_what_happened_and_of_nothing_else(record, expected):
    """What failed did not happen; what a service does by itself is nobody's login; a word within a word says nothing."""
    assert expected == events(record)


def _access(tail: str) -> bytes:
    return f"203.0.113.9 - ann [05/Oct/2026:12:00:00 +0200] {tail}".encode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (_access('"POST /login HTTP/1.1" 401 17 "-" "curl/8" "198.51.100.1" rt=0.004 uct="0.000" rid="9f2c"'), {"auth.failure"}),
        (_access('"GET /admin HTTP/2.0" 403 17 "-" "Mozilla/5.0" 0.012 0.011 . "a3f1"'), {"authz.failure"}),
        (b"api.example.com " + _access('"GET /v1/items HTTP/1.1" 429 0 "-" "curl/8"'), {"rate_limit"}),
        (b"time=2026-10-05T12:00:00+02:00 remote_addr=203.0.113.9 method=POST uri=/login status=401 request_time=0.1", {"auth.failure"}),
        (b'{"time_iso8601":"2026-10-05T12:00:00+02:00","remote_addr":"203.0.113.9","request":"GET /admin/x HTTP/1.1","status":"403","request_time":"0.01"}', {"authz.failure"}),
        (b'2026/10/05 10:00:00 [error] 31#0: *7 user "ann": password mismatch, client: 203.0.113.9, server: a, request: "GET / HTTP/1.1"', {"auth.failure"}),
        (b"2026/10/05 10:00:00 [error] 31#0: *7 access forbidden by rule, client: 203.0.113.9, server: a", {"authz.failure"}),
        (b"2026/10/05 10:00:00 [error] 31#0: *7 limiting requests, dry run, excess: 5.1 by zone, client: 203.0.113.9", set()),
    ],
)  # fmt: skip
def test_nginx_writes_access_in_the_formats_that_teams_give_it(text, expected):
    """More fields behind, a host before, key=value and JSON; and its error log. Each says when."""
    (record,) = Parser(1_791_200_000.0).records(text)
    assert (expected, True) == (events(text), record.at is not None)


@pytest.mark.parametrize(
    ("record", "who", "action", "where", "target"),
    [
        (cloudtrail("CreateUser"), "arn:aws:iam::123456789012:user/Mary_Major", "CreateUser", "192.0.2.0", "Richard_Roe"),
        (okta("user.lifecycle.create"), "00u1qw1mqitPHM8AJ0g7", "user.lifecycle.create", "198.51.100.7", "admin"),
        (github("team.add_member"), "octocat", "team.add_member", "203.0.113.9", None),
    ],
    ids=["cloudtrail", "okta", "github"],
)  # fmt: skip
def test_who_did_what_when_and_from_where_is_known(record, who, action, where, target):
    """By the fields that the vendors document."""
    (found,) = Parser(1_791_200_000.0).records(json.dumps(record).encode())
    assert (who, action, where) == (found.actor, found.action, found.ip)
    assert (target or found.target) == found.target
    assert found.zoned
