"""
What the ledger answers over HTTP, without knowing how HTTP is spoken: a request in, a response out.

`web.py` brings requests; any other server could.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from soc2ev.errors import ConfigError, Soc2evError, TamperedError
from soc2ev.ledger import access
from soc2ev.ledger.commits import Commits
from soc2ev.ledger.events import ConflictError, Event, doubt, environment_of
from soc2ev.ledger.intake import read_json
from soc2ev.ledger.query import Filter, moment

if TYPE_CHECKING:
    from soc2ev.ledger.ledger import Ledger
    from soc2ev.model import Json

MAX_EVENTS = 1_000
MAX_ROWS = 10_000
_DEFAULT_ROWS = 1_000
_MOST_PARAMETERS = 50
_JSON, _LINES, _TEXT = "application/json", "application/jsonl", "text/plain; charset=utf-8"
_PARAMETERS = {"since", "until", "actor", "action", "target", "meta", "limit", "after", "format"}


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks; header names are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Response:
    """What it gets."""

    status: int
    body: bytes
    kind: str = _JSON
    headers: Mapping[str, str] = field(default_factory=dict)


class Refused(Exception):  # noqa: N818 - it is an answer
    """An answer that is an error: status, a word for programs, a sentence for people."""

    def __init__(self, status: HTTPStatus, word: str, says: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(says)
        self.response = Response(status, _dump({"error": {"code": word, "message": says}}), headers=headers or {})


class Rates:
    """At most so many requests a second for each key, with bursts of ten seconds' worth."""

    def __init__(self, per_second: float) -> None:
        self._per_second = per_second
        self._lock = threading.Lock()
        self._left: dict[str, tuple[float, float]] = {}

    def take(self, key: str, clock: float) -> bool:
        """Whether one more is allowed now."""
        most = self._per_second * 10
        with self._lock:
            left, at = self._left.get(key, (most, clock))
            left = min(most, left + (clock - at) * self._per_second)
            self._left[key] = (left - 1 if left >= 1 else left, clock)
            return left >= 1


class Service:
    """The routes of one ledger; any number of threads may call it."""

    def __init__(
        self, ledger: Ledger, *, per_second: float = 200.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ledger = ledger
        self._commits = Commits(ledger.log)
        self._rates, self._clock = Rates(per_second), clock
        self._keys: tuple[float, list[access.ApiKey]] = (-1.0, [])

    def stop(self) -> None:
        """Finish what was accepted."""
        self._commits.stop()

    def answer(self, request: Request) -> Response:
        """The response; never raises for what a client or the disk did."""
        try:
            return self._route(request)
        except Refused as refused:
            return refused.response
        except ConflictError as problem:
            return Refused(HTTPStatus.CONFLICT, "conflict", problem.message).response
        except ConfigError as problem:
            return Refused(HTTPStatus.BAD_REQUEST, "invalid", problem.message).response
        except TamperedError as problem:
            return Refused(HTTPStatus.INTERNAL_SERVER_ERROR, "damaged", problem.message).response
        except Soc2evError as problem:
            return Refused(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", problem.message).response

    def _route(self, request: Request) -> Response:
        address = urlsplit(request.target)
        key = self._authenticate(request.headers)
        parts = address.path.strip("/").split("/")
        match (request.method, *parts):
            case ("POST", "v1", "events"):
                self._allow(key, "append")
                return self._append(request, key)
            case ("GET", "v1", "events"):
                self._allow(key, "read")
                return self._query(address.query, key)
            case ("GET", "v1", "checkpoint"):
                self._allow(key, "read")
                return Response(HTTPStatus.OK, self._ledger.checkpoint().data(), _TEXT)
            case ("GET", "v1", "proofs", number):
                self._allow(key, "read")
                return self._prove(number, key)
            case (_, "v1", "events") | (_, "v1", "checkpoint") | (_, "v1", "proofs", _):
                raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, "method", "that cannot be done here")
        raise Refused(HTTPStatus.NOT_FOUND, "not-found", "there is nothing of that name")

    def _authenticate(self, headers: Mapping[str, str]) -> access.ApiKey:
        """Whoever has no good key learns nothing, not even which names exist."""
        scheme, _, given = headers.get("authorization", "").partition(" ")
        key = access.find(self._known(), given.strip()) if scheme.lower() == "bearer" else None
        if key is None:
            says = "give a valid API key as `Authorization: Bearer KEY`"
            raise Refused(HTTPStatus.UNAUTHORIZED, "unauthorized", says, {"WWW-Authenticate": "Bearer"})
        if not self._rates.take(key.id, self._clock()):
            raise Refused(HTTPStatus.TOO_MANY_REQUESTS, "too-many", "too many requests", {"Retry-After": "1"})
        return key

    def _known(self) -> list[access.ApiKey]:
        """The keys, looked up again each second, so that a revoked one ends."""
        at, keys = self._keys
        if at < 0 or self._clock() - at >= 1:
            keys = access.known(self._ledger.disk)
            self._keys = (self._clock(), keys)
        return keys

    @staticmethod
    def _allow(key: access.ApiKey, what: str) -> None:
        if not key.may(what):
            raise Refused(HTTPStatus.FORBIDDEN, "forbidden", f"a key with the role {key.role} may not {what}")

    def _append(self, request: Request, key: access.ApiKey) -> Response:
        given = read_json(request.body)
        listed = given if isinstance(given, list) else [given]
        if not 0 < len(listed) <= MAX_EVENTS:
            raise ConfigError(f"a request holds 1 to {MAX_EVENTS} events")
        events = [Event.read(one) for one in listed]
        receipts = self._commits.append(events, {"environment": key.environment, "key": key.id})
        said: list[dict[str, Json]] = []
        for event, receipt in zip(events, receipts, strict=True):
            warning = doubt(str(event.fields["action"]))
            said.append({"seq": receipt.seq, "leaf": receipt.leaf, **({"warning": warning} if warning else {})})
        status = HTTPStatus.OK if all(one.known for one in receipts) else HTTPStatus.CREATED
        return Response(status, _dump(said if isinstance(given, list) else said[0]))

    def _query(self, query: str, key: access.ApiKey) -> Response:
        given = _parameters(query)
        if unknown := sorted({name for name, _ in given} - _PARAMETERS):
            raise ConfigError(f"unknown parameter {unknown[0]!r:.60}", hint=f"use: {', '.join(sorted(_PARAMETERS))}")
        one = dict(pair for pair in given if pair[0] != "meta")
        if len(one) < sum(name != "meta" for name, _ in given):
            raise ConfigError("a parameter is given twice; only meta may be")
        limit = _number(one.get("limit", str(_DEFAULT_ROWS)), "limit")
        if not 0 < limit <= MAX_ROWS:
            raise ConfigError(f"limit is 1 to {MAX_ROWS}")
        wanted = Filter(
            since=moment(one.get("since", ""), "since"),
            until=moment(one.get("until", ""), "until"),
            actor=one.get("actor", ""),
            action=one.get("action", ""),
            target=one.get("target", ""),
            metadata=pairs(value for name, value in given if name == "meta"),
            environment=key.environment,
        )
        after = _number(one["after"], "after") if "after" in one else -1
        reading = self._ledger.reading(wanted)
        rows = list(reading.rows(after=after, limit=limit + 1))
        more = len(rows) > limit
        rows = rows[:limit]
        if one.get("format", "json") == "jsonl":
            headers = {"X-More": "true" if more else "false"}
            return Response(HTTPStatus.OK, b"".join(_dump(row) for row in rows), _LINES, headers)
        if one.get("format", "json") != "json":
            raise ConfigError("format is json or jsonl")
        said: dict[str, Json] = {"events": rows, "count": len(rows), "more": more, "dropped": reading.dropped}
        return Response(HTTPStatus.OK, _dump({"schema": "soc2ev.ledger-events/1", **said}))

    def _prove(self, number: str, key: access.ApiKey) -> Response:
        try:
            seq = _number(number, "SEQ")
            self._refuse_foreign(seq, key)
            proof = self._ledger.prove(seq)
        except ConfigError:
            raise Refused(HTTPStatus.NOT_FOUND, "not-found", f"there is no event {number:.20}") from None
        return Response(HTTPStatus.OK, proof.text().encode(), _TEXT)

    def _refuse_foreign(self, seq: int, key: access.ApiKey) -> None:
        """Of another environment's event not even that it exists; a line that retention dropped is a hash only."""
        row = next(self._ledger.reading(Filter()).rows(after=seq - 1, limit=1), None)
        if row and row["seq"] == seq and environment_of(row["source"]) not in ("", key.environment):
            raise ConfigError("an event of another environment")


def _parameters(query: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST_PARAMETERS)
    except ValueError:
        raise ConfigError(f"there are more than {_MOST_PARAMETERS} parameters") from None


def pairs(given: Iterator[str]) -> dict[str, str]:
    """`k=v` texts as a mapping; ConfigError for one without `=`, or a key that comes twice."""
    made: dict[str, str] = {}
    for one in given:
        name, sign, value = one.partition("=")
        if not sign or not name or name in made:
            raise ConfigError(f"metadata is written as key=value, each key once: {one!r:.60}")
        made[name] = value
    return made


def _number(text: str, name: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 15:  # noqa: PLR2004 - more events than can be
        raise ConfigError(f"{name} is no number")
    return int(text)


def _dump(value: Json) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace") + b"\n"
