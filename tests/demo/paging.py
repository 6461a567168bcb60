"""
What the fictional company's PagerDuty answers, in the shapes of its API's own documents: two incidents a month.

Planted: in August nobody answered one of them, and nobody reviewed the month; the last one of October is still open.
https://developer.pagerduty.com/api-reference/
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from soc2ev.demo import hosts

_UNANSWERED, _LAST = "2026-08", "2026-10"
_ELI = {"id": "PELI", "type": "user_reference", "summary": "Eli Moss"}
_SERVICE = {"id": "PPAY", "type": "service_reference", "summary": "Payments"}
_POLICY = {"id": "PPOL", "type": "escalation_policy_reference", "summary": "Payments on call"}


def answer(asked: hosts.Asked) -> hosts.Reply:
    """The answer to a GET; 404 for what nobody should ask."""
    name = urlsplit(asked.target).path.strip("/")
    known = _answers(asked.month)
    body = {**known[name], "limit": 100, "offset": 0, "more": False, "total": None} if name in known else {"error": {}}
    return hosts.Reply(200 if name in known else 404, {"content-type": "application/json"}, json.dumps(body).encode())


def _answers(month: str) -> dict[str, dict[str, Any]]:
    service = {**_SERVICE, "name": "Payments", "status": "active", "escalation_policy": _POLICY, "teams": []}
    rule = {"escalation_delay_in_minutes": 15, "targets": [_ELI]}
    policy = {"id": "PPOL", "name": "Payments on call", "num_loops": 2, "escalation_rules": [rule]}
    oncall = {"user": _ELI, "escalation_policy": _POLICY, "escalation_level": 1, "start": None, "end": None}
    return {
        "services": {"services": [service | {"last_incident_timestamp": f"{month}-21T02:10:00Z"}]},
        "escalation_policies": {"escalation_policies": [policy]},
        "oncalls": {"oncalls": [oncall]},
        "maintenance_windows": {"maintenance_windows": []},
        "webhook_subscriptions": {"webhook_subscriptions": []},
        "incidents": {"incidents": [_incident(month, "A", 9), _incident(month, "B", 21)]},
        "log_entries": {"log_entries": _steps(month)},
    }


def _incident(month: str, letter: str, day: int) -> dict[str, Any]:
    open_ = month == _LAST and letter == "B"
    return {
        "id": f"Q-{month}-{letter}",
        "incident_number": day,
        "title": "Many failed logins from one address" if letter == "A" else "Refused requests above the usual",
        "created_at": f"{month}-{day:02}T02:10:00Z",
        "status": "acknowledged" if open_ else "resolved",
        "urgency": "high" if letter == "A" else "low",
        "resolved_at": None if open_ else f"{month}-{day:02}T03:05:00Z",
        "last_status_change_at": f"{month}-{day:02}T03:05:00Z",
        "last_status_change_by": _ELI,
        "service": _SERVICE,
        "html_url": f"https://harbour.pagerduty.example/incidents/Q-{month}-{letter}",
    }


def _steps(month: str) -> list[dict[str, Any]]:
    answered = ("A",) if month == _UNANSWERED else ("A", "B")
    found = []
    for letter, day in (("A", 9), ("B", 21)):
        agent = _ELI if letter in answered else _SERVICE
        for kind, minute in (("acknowledge_log_entry", 14), ("resolve_log_entry", 55)):
            if agent is _ELI or kind == "resolve_log_entry":
                at = f"{month}-{day:02}T02:{minute}:00Z"
                incident = {"id": f"Q-{month}-{letter}"}
                found.append({"type": kind, "created_at": at, "agent": agent, "incident": incident, "channel": {}})
    return found
