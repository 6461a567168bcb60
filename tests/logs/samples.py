"""Records as vendors document them: CloudTrail, Okta's System Log, GitHub's audit log, OCSF, ECS, OTLP, nginx."""

from __future__ import annotations

import json
from typing import Any


def cloudtrail(name: str, *, at: str = "2026-10-05T10:00:00Z", **further: Any) -> dict[str, Any]:
    """A record after the CloudTrail user guide, "Log file examples"."""
    return {
        "eventVersion": "1.09",
        "userIdentity": {
            "type": "IAMUser",
            "principalId": "EXAMPLE6E4XEGITWATV6R",
            "arn": "arn:aws:iam::123456789012:user/Mary_Major",
            "accountId": "123456789012",
            "accessKeyId": "AKIAIOSFODNN7EXAMPLE",
            "userName": "Mary_Major",
        },
        "eventTime": at,
        "eventSource": "iam.amazonaws.com",
        "eventName": name,
        "awsRegion": "us-east-1",
        "sourceIPAddress": "192.0.2.0",
        "userAgent": "aws-cli/2.13.5",
        "requestParameters": {"userName": "Richard_Roe"},
        "responseElements": None,
        "requestID": f"{sum(map(ord, name + at)):012d}-EXAMPLE",
        "eventID": "28ad3bbe-3fe1-4ec4-a5a0-6d0a2EXAMPLE",
        "readOnly": False,
        "eventType": "AwsApiCall",
        **further,
    }


def okta(kind: str, result: str = "SUCCESS", *, at: str = "2026-10-05T10:00:00.123Z") -> dict[str, Any]:
    """A LogEvent after Okta's System Log API reference."""
    return {
        "actor": {"id": "00u1qw1mqitPHM8AJ0g7", "type": "User", "alternateId": "admin", "displayName": "John Doe"},
        "client": {"ipAddress": "198.51.100.7", "zone": "null"},
        "authenticationContext": {"externalSessionId": "idxbDzLcDgYSCK9a0yNCQ9kKQ"},
        "displayMessage": "User login to Okta",
        "eventType": kind,
        "outcome": {"result": result, "reason": None},
        "published": at,
        "debugContext": {"debugData": {"requestId": "ZhQAxLkTBUCZbxfWvL1oxwAABrA", "requestUri": "/api/v1/authn"}},
        "severity": "INFO",
        "transaction": {"type": "WEB", "id": "ZhQAxLkTBUCZbxfWvL1oxwAABrA"},
        "uuid": "dc9fd3c0-598c-11ef-8478-2b7584bf8d5a",
        "target": [{"id": "00u1qw1mqitPHM8AJ0g7", "type": "User", "alternateId": "admin", "displayName": "John Doe"}],
    }


def github(action: str) -> dict[str, Any]:
    """An event after GitHub's "Reviewing the audit log for your organization", export in JSON."""
    return {
        "@timestamp": 1791194400123,
        "_document_id": "pQ1k4Jm8cB3A9kfXKJbW5g",
        "action": action,
        "actor": "octocat",
        "actor_id": 583231,
        "actor_ip": "203.0.113.9",
        "created_at": 1791194400123,
        "org": "octo-org",
        "repo": "octo-org/octo-repo",
        "user": "hubot",
    }


def ocsf(class_uid: int, activity: int, status: int = 1, **further: Any) -> dict[str, Any]:
    """An event with the required attributes of schema.ocsf.io."""
    return {
        "class_uid": class_uid,
        "activity_id": activity,
        "status_id": status,
        "time": 1791194400123,
        "severity_id": 1,
        "type_uid": class_uid * 100 + activity,
        "actor": {"user": {"name": "ann", "uid": "u1"}},
        "src_endpoint": {"ip": "192.0.2.7"},
        "metadata": {"version": "1.3.0", "correlation_uid": "c-1", "logged_time": 1791194401123},
        **further,
    }


ECS = {
    "@timestamp": "2026-10-05T10:00:00.000Z",
    "ecs": {"version": "8.11.0"},
    "event": {"category": ["authentication"], "type": ["start"], "action": "logged-in", "outcome": "success"},
    "user": {"id": "u1", "name": "ann"},
    "source": {"ip": "192.0.2.7"},
    "trace": {"id": "4bf92f3577b34da6a3ce929d0e0e4736"},
    "http": {"request": {"method": "POST"}, "response": {"status_code": 200}},
    "url": {"path": "/login"},
}
OTLP = {
    "resourceLogs": [
        {
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "my.service"}}]},
            "scopeLogs": [
                {
                    "scope": {"name": "my.library"},
                    "logRecords": [
                        {
                            "timeUnixNano": "1791194400300000000",
                            "observedTimeUnixNano": "1791194401300000000",
                            "severityNumber": 9,
                            "severityText": "Information",
                            "traceId": "5B8EFFF798038103D269B633813FC60C",
                            "spanId": "EEE19B7EC3C1B174",
                            "body": {"stringValue": "Example log record"},
                            "attributes": [
                                {"key": "user.id", "value": {"stringValue": "u1"}},
                                {"key": "http.response.status_code", "value": {"intValue": "429"}},
                            ],
                        },
                        {"timeUnixNano": "0", "body": {"stringValue": "second"}},
                    ],
                }
            ],
        }
    ]
}
COMBINED = (
    '198.51.100.7 - frank [05/Oct/2026:12:00:00 +0200] "GET /admin/users?page=2 HTTP/1.1" 200 2326 '
    '"http://www.example.com/start.html" "Mozilla/4.08 [en] (Win98; I ;Nav)"'
)


def line(value: Any) -> bytes:
    """A JSON line."""
    return json.dumps(value).encode()


def app(event: str, second: float = 0.0, **further: Any) -> dict[str, Any]:
    """An event as an application writes it."""
    minutes, seconds = divmod(second, 60)
    hours, minutes = divmod(int(minutes), 60)
    days, hours = divmod(hours, 24)
    return {
        "timestamp": f"2026-10-{5 + days:02}T{hours:02}:{minutes:02}:{seconds:06.3f}Z",
        "event": event,
        "actor_id": "u1",
        "ip": "192.0.2.7",
        **further,
    }
