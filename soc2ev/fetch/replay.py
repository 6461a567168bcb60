"""Answers that an interrupted run had stored already, by digests of what was asked."""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING

from soc2ev.fetch.credential import MASK
from soc2ev.fetch.exchange import MAX_HEADER, Call, Exchange

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from soc2ev.fetch.shelf import Shelf
    from soc2ev.model import Json

_MOST = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class _Kept:
    """Where an earlier answer lies, and the little of its headers that reading it needs."""

    run: str
    digest: str
    received_at: str
    headers: Mapping[str, str]
    """Link and Date."""


class Replay:
    """The answers of runs that did not end well, received after `after` and in the last 24 hours."""

    def __init__(self, shelf: Shelf, after: datetime, now: Callable[[], datetime]) -> None:
        self._shelf = shelf
        self._after, self._now = after, now
        self._lock = threading.Lock()
        self._index: dict[bytes, _Kept] | None = None

    def find(self, call: Call, url: str, request: Mapping[str, Json], stream: str) -> Exchange | None:
        """The stored answer to the very same request, with its origin in the response; None when there is none."""
        asked = {**request, "method": call.method, "url": call.mask(url)}
        with self._lock:
            if self._index is None:
                self._index = self._built()
        kept = self._index.get(_key(asked, stream) or b"")
        if kept is None:
            return None
        response = {"status": int(HTTPStatus.OK), "headers": kept.headers, "replayed_from": kept.run}
        response |= {"received_at": kept.received_at}
        shown = call.mask(url.split("?", 1)[0])
        body = self._shelf.read(kept.digest)
        return Exchange(call, shown, url, asked, response, HTTPStatus.OK, kept.headers, body)

    def _built(self) -> dict[bytes, _Kept]:
        found: dict[str, dict[bytes, _Kept]] = {}
        now = self._now()
        since = max(self._after, now - _MOST)
        for line in self._shelf.lines():
            data = line.data
            if line.type == "finish" and data["ok"]:
                found.pop(data["run"], None)
            if line.type == "exchange" and data["run"] != self._shelf.run:
                key, kept = _key(data["request"], data["stream"]), _kept(data)
                if key and kept and since < datetime.fromisoformat(kept.received_at) <= now:
                    found.setdefault(data["run"], {})[key] = kept
        return {key: kept for run in found.values() for key, kept in run.items()}


def _kept(data: Mapping[str, Json]) -> _Kept | None:
    """The answer of a line when it was whole and can be given again."""
    response = data["response"]
    headers = response.get("headers")
    good = response.get("status") == HTTPStatus.OK and not {"unusable", "truncated"} & set(response)
    link = headers.get("link", "") if isinstance(headers, dict) else MASK
    # A masked link stands for several, and a long one was cut.
    if not good or MASK in link or len(link) >= MAX_HEADER:
        return None
    # What was replayed already is as old as it was when it came.
    at = response.get("received_at", data["recorded_at"])
    wanted = {name: headers[name] for name in ("link", "date") if name in headers}
    return _Kept(data["run"], f"sha256:{data['body']['sha256']}", at, wanted)


def _key(request: Mapping[str, Json], stream: str) -> bytes | None:
    """A digest of what was asked; None for what cannot be told apart, or is no request of the web."""
    url = request.get("url")
    if not isinstance(url, str) or MASK in url:
        return None
    asked = [request.get("method"), url, request.get("query_sha256"), request.get("variables"), stream]
    asked += [request["body"]] if "body" in request else []
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).digest()
