"""
What the fictional company writes down itself: a sample of its gateway's log, and its ledger of audit events.

Planted in the sample: since May a client library logs an Authorization header, in September somebody logs a whole
request with a card number, and addresses of customers stand in the clear all year. Everything else is masked.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from soc2ev.ledger import Ledger
from soc2ev.logs.key import beside
from soc2ev.model import Json
from soc2ev.period import Period

_HEADERS_SINCE, _CARD_IN = "2026-05", "2026-09"
_LINES = 240
_DAY = timedelta(days=1)
# Written in two halves: tools that look for secrets in repositories would take them for real.
_BEARER = "Bearer " + "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiJkZW1vIn0" + ".c2lnbmF0dXJlLW9mLWEtZGVtbw"
_CARD = "4111" + "111111111111"
_PEOPLE = ("ann", "bo", "cem", "dana", "eli")
_REQUESTS = (
    ("auth.login", "POST", "/v1/session", 200, "signed in"),
    ("payment.read", "GET", "/v1/payments/{at}", 200, "payment read"),
    ("payment.created", "POST", "/v1/payments", 201, "payment created"),
    ("auth.login_failed", "POST", "/v1/session", 401, "login failed: wrong password"),
    ("payment.read", "GET", "/v1/payments/{at}", 403, "permission denied"),
    ("rate_limit.exceeded", "GET", "/v1/export", 429, "rate limit exceeded"),
    ("webhook.delivery_failed", "POST", "/v1/hooks/{at}", 502, "webhook delivery failed"),
)


def write_sample(place: Path, month: Period) -> None:
    """Write samples of the gateway's log and of the audit events of the month as JSON lines, in place of older ones."""
    place.mkdir(exist_ok=True)
    _write(place / "gateway.jsonl", _gateway(month))
    _write(place / "audit-events.jsonl", (_logged(one) for one in audit_events(month)))


def keep_ledger(place: Path, month: Period, now: datetime) -> None:
    """Append the month's audit events to the company's ledger."""
    with Ledger.open(place, now=lambda: now) as ledger:
        ledger.append_all(list(audit_events(month)), source={"origin": "harbour admin"})


def write_key(vault: Path) -> None:
    """
    Write the key of fingerprints that the story has, so that every demo tells the same.

    A real one is made at random by the first collection. Nothing secret is fingerprinted here.
    """
    file = beside(vault)
    file.touch(mode=0o600)
    file.write_text(hashlib.sha256(b"Harbour Payments (fictional)").hexdigest() + "\n", encoding="ascii")


def audit_events(month: Period) -> Iterator[dict[str, Json]]:
    """What administrators of the product did in the month, as events of the ledger."""
    steps: tuple[tuple[int, str, str, str, str, dict[str, Json]], ...] = (
        (2, "user.invitation.sent", "dana", "user", "u-{n}", {"role": "viewer"}),
        (3, "user.invitation.accepted", "u-{n}", "user", "u-{n}", {}),
        (5, "user.role.updated", "dana", "user", "u-{n}", {"from": "viewer", "to": "operator", "ticket": "PAY-{n}"}),
        (9, "api_key.token.created", "bo", "api_key", "k-{n}", {"environment": "live"}),
        (14, "report.export.created", "cem", "report", "r-{n}", {"rows": 1_200}),
        (19, "api_key.token.revoked", "bo", "api_key", "k-{n}", {"reason": "rotation"}),
        (26, "user.account.deactivated", "dana", "user", "u-{n}", {"reason": "left the company"}),
    )
    number = month.start.year * 100 + month.start.month
    for day, action, actor, kind, target, metadata in steps:
        at = month.start + (day - 1) * _DAY + timedelta(hours=9, minutes=day)
        name = actor.format(n=number)
        yield {
            "id": f"{month.name}-{day:02}",
            "action": action,
            "actor_id": name,
            "actor_email": f"{name}@harbour.example",
            "target_type": kind,
            "target_id": target.format(n=number),
            "metadata": {key: str(value).format(n=number) for key, value in metadata.items()},
            "timestamp": _text(at),
        }


def _logged(event: dict[str, Json]) -> dict[str, Json]:
    """The event as the application logs it: who by an id, and no address."""
    kept = {name: event[name] for name in ("timestamp", "action", "actor_id", "target_type", "target_id")}
    return {**kept, "request_id": f"adm-{event['id']}", "remote_ip": "203.0.113.7", "level": "info"}


def _gateway(month: Period) -> Iterator[dict[str, Json]]:
    step = (month.end - month.start) / _LINES
    for at in range(_LINES):
        event, method, path, status, message = _REQUESTS[at * at % len(_REQUESTS)]
        who = _PEOPLE[at % len(_PEOPLE)]
        line: dict[str, Json] = {
            "timestamp": _text(month.start + at * step + timedelta(seconds=at * 7 % 60)),
            "level": "warn" if status >= 400 else "info",  # noqa: PLR2004  by the registry of statuses
            "event": event,
            "request_id": f"{month.name}-{at:04}",
            "user_id": f"u-{who}",
            "remote_ip": f"203.0.113.{at % 250 + 1}",
            "method": method,
            "path": path.format(at=at),
            "status": status,
            "duration_ms": 12 + at * 13 % 90,
            "message": message,
            "password": "[FILTERED]",
        }
        yield line | _planted(at, who, month.name)


def _planted(at: int, who: str, month: str) -> dict[str, Json]:
    if at == 40 and month >= _HEADERS_SINCE:  # noqa: PLR2004  any line
        return {"headers": {"authorization": _BEARER, "accept": "application/json"}}
    if at == 120 and month == _CARD_IN:  # noqa: PLR2004  any line
        return {"body": {"amount": 1_250, "card_number": _CARD}}
    if at == 200:  # noqa: PLR2004  any line
        return {"message": f"receipt sent to {who}.customer@shop.example"}
    return {}


def _write(file: Path, lines: Iterator[dict[str, Json]]) -> None:
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8", newline="\n")


def _text(at: datetime) -> str:
    return at.replace(microsecond=0).isoformat().replace("+00:00", "Z")


__all__ = ["audit_events", "keep_ledger", "write_key", "write_sample"]
