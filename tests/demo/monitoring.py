"""
What the fictional company's Prometheus and Alertmanager answer, in the shapes of their own documents.

Planted: retention was cut in July without a change that says so; alerts on refused exports end nowhere; since September
a rule of the payments team fails to evaluate.
https://prometheus.io/docs/prometheus/latest/querying/api/
https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from soc2ev.demo import hosts

_CUT, _BROKEN = "2026-07", "2026-09"
_CONFIG = """\
route:
  receiver: on-call
  routes:
    - matchers: ['severity="info"']
      receiver: nobody
    - matchers: ['team="security"']
      receiver: security
receivers:
  - name: nobody
  - name: on-call
    pagerduty_configs: [{routing_key: <secret>}]
  - name: security
    email_configs: [{to: security@harbour.example, from: alerts@harbour.example, smarthost: 'mail.harbour.example:25'}]
"""

_SENDING = f"""\
global: {{evaluation_interval: 1m}}
alerting:
  alertmanagers:
    - scheme: https
      static_configs: [{{targets: ['{hosts.ALERTMANAGER}']}}]
"""


def answer(asked: hosts.Asked) -> hosts.Reply:
    """The answer to a GET; 404 for what nobody should ask."""
    known = _prometheus(asked.month) if asked.host == hosts.PROMETHEUS else _alertmanager(asked.month)
    path = urlsplit(asked.target).path
    body = known.get(path, {"error": "not found"})
    return hosts.Reply(200 if path in known else 404, {"content-type": "application/json"}, json.dumps(body).encode())


def _prometheus(month: str) -> dict[str, Any]:
    retention = "400d" if month < _CUT else "30d"
    flags = {"storage.tsdb.retention.time": retention, "storage.tsdb.retention.size": "0B", "storage.tsdb.path": "/prometheus"}  # fmt: skip
    up = {"resultType": "vector", "result": [{"metric": {}, "value": [1_700_000_000, "6"]}]}
    sender = {"url": f"https://{hosts.ALERTMANAGER}/api/v2/alerts"}
    return {
        "/api/v1/status/flags": _said(flags),
        "/api/v1/status/config": _said({"yaml": _SENDING}),
        "/api/v1/status/runtimeinfo": _said({"storageRetention": retention, "corruptionCount": 0}),
        "/api/v1/rules": _said({"groups": [{"name": "security", "file": "security.yml", "rules": _rules(month)}]}),
        "/api/v1/query": _said(up),
        "/api/v1/alertmanagers": _said({"activeAlertmanagers": [sender], "droppedAlertmanagers": []}),
    }


def _rules(month: str) -> list[dict[str, Any]]:
    listed = (
        ("FailedLogins", "sum(rate(auth_failures_total[5m])) > 1", "critical", "security", "ok"),
        ("PrivilegeGranted", 'increase(role_updates_total{role="admin"}[5m]) > 0', "warning", "security", "ok"),
        ("BulkExportRefused", "increase(exports_refused_total[15m]) > 3", "info", "payments", "ok"),
        (
            "RateLimited",
            "sum(rate(rate_limited_total[5m])) > 5",
            "warning",
            "payments",
            "ok" if month < _BROKEN else "err",
        ),
    )
    return [
        {
            "type": "alerting",
            "name": name,
            "query": query,
            "duration": 300,
            "labels": {"severity": severity, "team": team},
            "annotations": {"runbook_url": f"https://runbooks.harbour.example/{name.lower()}"},
            "alerts": [],
            "health": health,
            "state": "inactive",
        }
        for name, query, severity, team, health in listed
    ]


def _alertmanager(month: str) -> dict[str, Any]:
    return {
        "/api/v2/status": {"uptime": f"{month}-01T00:00:00.000Z", "config": {"original": _CONFIG}, "cluster": {"status": "ready"}},
        "/api/v2/receivers": [{"name": "nobody"}, {"name": "on-call"}, {"name": "security"}],
        "/api/v2/silences": [],
        "/api/v2/alerts": [],
    }  # fmt: skip


def _said(data: Any) -> dict[str, Any]:
    return {"status": "success", "data": data}
