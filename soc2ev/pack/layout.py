"""
Where things stand in a pack, and what they are called.

Names are ours, never a title or branch name from outside: ASCII, no spaces, short enough for SharePoint (400
characters for a decoded path) and Windows (260), and unique without regard to case.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from soc2ev.model import Control, EvidenceItem
from soc2ev.period import Period

AREAS: Mapping[str, str] = {
    "api-logging": "01_API-Logging-Evidence",
    "api-abuse-monitoring": "02_API-Abuse-Monitoring",
    "change-management": "03_Change-Management",
    "emergency-changes": "04_Emergency-Changes",
    "processing-integrity": "05_Processing-Integrity",
    "incident-response": "06_Incident-Response",
    "corrective-actions": "07_Corrective-Actions",
    "audit-requests": "08_Audit-Requests",
}
"""Folder of each area, in the order of the pack."""

INTEGRITY = "99_Integrity"
START = "00_START-HERE.html"
INDEX = "00_Index.xlsx"

_SOURCE_AREAS = {
    "git": "change-management",
    "github": "change-management",
    "jira": "change-management",
    "logs": "api-logging",
    "files": "api-logging",
}
_REGISTER_AREAS = {
    "log_sources": "api-logging",
    "retention_policy": "api-logging",
    "customer_commitments": "api-logging",
    "alert_review": "api-logging",
    "log_access_review": "api-logging",
    "exception": "api-logging",
    "webhook_failure_review": "api-logging",
    "monitoring_owner": "api-logging",
    "abuse_monitoring": "api-abuse-monitoring",
    "production_change": "change-management",
    "procedures": "change-management",
    "high_risk_review": "change-management",
    "post_deployment_check": "change-management",
    "self_review": "change-management",
    "emergency_change": "emergency-changes",
    "processing_integrity": "processing-integrity",
    "incident_log_sample": "incident-response",
    "waiver": "corrective-actions",
    "corrective_action": "corrective-actions",
    "sign_off": "corrective-actions",
}
_LONGEST_NAME = 100


def slug(text: str, limit: int = 60) -> str:
    """The text in ASCII letters, digits and dashes; `x` when nothing is left."""
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")[:limit].strip("-") or "x"


def workbook(control: Control, period: Period, ending: str) -> str:
    """Path of a control's population file: `03_Change-Management/CC8.1_<control>_2026-10.xlsx`."""
    name = f"{control.criteria[0]}_{slug(control.id, _LONGEST_NAME)}_{slug(period.name)}.{ending}"
    return f"{AREAS[control.area]}/{name}"


def late_changes(period: Period) -> str:
    """Path of the late changes, beside the population of changes: `03_Change-Management/late-changes_2026-10.csv`."""
    return f"{AREAS['change-management']}/late-changes_{slug(period.name)}.csv"


def raw(item: EvidenceItem, register_kind: str | None) -> str:
    """
    Path of a stored body: readable, and unique by its position in the journal.

    `register_kind` decides the area of a register; bodies that belong to no area stand under 99_Integrity.
    """
    area = _SOURCE_AREAS.get(item.source) or _REGISTER_AREAS.get(register_kind or "")
    folder = AREAS[area] if area else INTEGRITY
    name = f"{slug(item.stream, 80)}_{item.seq:06d}.{_ending(item)}"
    return f"{folder}/raw/{name}"


def _ending(item: EvidenceItem) -> str:
    path = str(item.request.get("path") or "")
    ending = path.rpartition(".")[2].lower() if "." in path else ""
    return ending if ending in ("yaml", "yml", "json", "csv", "md", "pdf", "png", "jpg", "txt") else "txt"
