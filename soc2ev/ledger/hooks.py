"""
Webhooks: every event that fits is told once it is in the log, at least once, in order, however often we are stopped.

How far each webhook was told is kept in a file; it moves only after the receiver answered with success. The body
says which event it is and nothing of its metadata, unless the team asks for it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from soc2ev.errors import CollectError, ConfigError, VaultError
from soc2ev.ledger.query import Filter, Reading

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from soc2ev.ledger.ledger import Ledger
    from soc2ev.ledger.query import Row
    from soc2ev.ledger.settings import Webhook

TIMESTAMP, SIGNATURE = "X-Soc2ev-Timestamp", "X-Soc2ev-Signature"
_ALWAYS = ("seq", "leaf", "action", "actor_id", "target_type", "target_id", "timestamp", "recorded_at")
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 300.0
_GOOD = range(HTTPStatus.OK, HTTPStatus.MULTIPLE_CHOICES)


@dataclass(slots=True)
class _Position:
    """How far a webhook was told, and when it may be tried again."""

    webhook: Webhook
    name: str
    next: int
    failures: int = 0
    not_before: float = 0.0


class Hooks:
    """
    The webhooks of a ledger. `send` posts a body with headers and gives the status, 0 when nothing came.

    ConfigError when a secret is missing. A webhook that is new is told of what comes, not of what was.
    """

    def __init__(
        self,
        ledger: Ledger,
        webhooks: Sequence[Webhook],
        *,
        environment: Mapping[str, str],
        send: Callable[[str, bytes, Mapping[str, str]], int],
        now: Callable[[], datetime],
    ) -> None:
        self._ledger, self._send, self._now = ledger, send, now
        self._secrets = {webhook.secret.env: environment.get(webhook.secret.env, "") for webhook in webhooks}
        if missing := sorted(name for name, secret in self._secrets.items() if not secret):
            raise ConfigError(
                f"the secret of a webhook is missing: {missing[0]} is not set", hint="set it, or remove it"
            )
        self._positions = [self._position(webhook) for webhook in webhooks]

    @property
    def waiting(self) -> int:
        """How many webhooks failed the last time."""
        return sum(position.failures > 0 for position in self._positions)

    def deliver(self, clock: float) -> int:
        """
        Tell every webhook that may be tried at `clock` (seconds, monotonic) what it was not told yet.

        How many events were told. One that fails waits, twice as long each time, up to five minutes.
        """
        return sum(self._catch_up(one, clock) for one in self._positions if clock >= one.not_before)

    def _catch_up(self, position: _Position, clock: float) -> int:
        told, size = 0, self._size()
        if position.next >= size:
            return 0
        reading = Reading(self._ledger.disk, self._ledger.origin, Filter(action=position.webhook.on.action))
        for row in reading.rows(after=position.next - 1):
            if not self._tell(position.webhook, row):
                position.failures += 1
                position.not_before = clock + min(_FIRST_WAIT * 2 ** (position.failures - 1), _LONGEST_WAIT)
                return told
            told += 1
            self._move(position, row["seq"] + 1)
        self._move(position, max(position.next, reading.size))
        return told

    def _tell(self, webhook: Webhook, row: Row) -> bool:
        said = {name: row[name] for name in _ALWAYS if row[name] is not None}
        if webhook.include_metadata:
            said |= {"metadata": row["metadata"], "actor_email": row["actor_email"]}
        body = json.dumps({"log": self._ledger.origin, "event": said}, sort_keys=True, ensure_ascii=False).encode()
        stamp = str(int(self._now().timestamp()))
        headers = {TIMESTAMP: stamp, SIGNATURE: signature(self._secrets[webhook.secret.env], stamp, body)}
        return self._send(webhook.url, body, headers) in _GOOD

    def _size(self) -> int:
        with self._ledger.log.turn() as state:
            return state.nodes.size

    def _position(self, webhook: Webhook) -> _Position:
        name = f"hooks/{hashlib.sha256(f'{webhook.url} {webhook.on.action}'.encode()).hexdigest()[:24]}.json"
        try:
            return _Position(webhook, name, int(json.loads(self._ledger.disk.read(name))["next"]))
        except FileNotFoundError:
            position = _Position(webhook, name, 0)
            self._move(position, self._size())
            return position
        except (ValueError, LookupError, TypeError):
            raise VaultError(f"ledger: {name} cannot be read", hint="remove it to begin with what comes now") from None

    def _move(self, position: _Position, to: int) -> None:
        """Durably, so that a restart goes on here."""
        position.next, position.failures, position.not_before = to, 0, 0.0
        self._ledger.disk.make("hooks")
        self._ledger.disk.create(position.name, json.dumps({"next": to}).encode() + b"\n")


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """What the receiver computes to believe us: HMAC-SHA256 over timestamp, a dot and the body."""
    return "sha256=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def over_http(environment: Mapping[str, str]) -> Callable[[str, bytes, Mapping[str, str]], int]:
    """A way to send: no redirects, certificates checked, proxies as the environment says."""
    from soc2ev.fetch.exchange import Call
    from soc2ev.fetch.web import Web

    web = Web(environment)

    def send(url: str, body: bytes, headers: Mapping[str, str]) -> int:
        try:
            return web.ask(Call(url, url, headers=headers, body=body)).status
        except CollectError:
            return 0

    return send
