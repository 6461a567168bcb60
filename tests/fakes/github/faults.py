"""
What goes wrong between a client and GitHub: any of it, at any endpoint, at any call.

A fault names the endpoints that it hits by a pattern over `METHOD path` (`GET /repos/*/activity`, `POST /graphql`, `*`), the
first call that it hits (`at`, from 1, counted over the calls that match the pattern) and how many calls (`times`, None for all
from there on).
"""

from __future__ import annotations

import fnmatch
import gzip
import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

SECONDARY = (
    "You have exceeded a secondary rate limit. Please wait a few minutes before you try again. "
    "For more on scraping GitHub and how it may affect your rights, please review our Terms of Service."
)


@dataclass(slots=True)
class Wire:
    """An answer as it goes out. `declared` is a false Content-Length; `delay` holds it back; `drop` sends nothing."""

    status: int
    headers: dict[str, str]
    body: bytes
    declared: int | None = None
    delay: float = 0.0
    drop: bool = False

    @property
    def json(self) -> Any:
        """The parsed body."""
        return json.loads(self.body)


Change = Callable[[Wire, Wire | None], Wire]
"""What a fault makes of an answer, given the previous answer of the same endpoint (None at the first call)."""


@dataclass(slots=True)
class Fault:
    """One way to fail. Make them with the functions below."""

    name: str
    change: Change
    on: str = "*"
    at: int = 1
    times: int | None = 1
    asked: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    """What it makes of the parameters of the request, before it is answered."""
    after_encoding: bool = False
    """Whether it damages the encoded bytes rather than the content."""
    calls: int = field(default=0, init=False)
    lock: Any = field(default_factory=threading.Lock, init=False, repr=False)

    def hits(self, method: str, path: str) -> bool:
        """Count the call if the pattern matches; whether this call is one of those that fail."""
        if not fnmatch.fnmatch(f"{method} {path}", self.on):
            return False
        with self.lock:
            self.calls += 1
            return self.calls >= self.at and (self.times is None or self.calls < self.at + self.times)


def _json(status: int, body: Any, headers: Mapping[str, str]) -> Change:
    def change(wire: Wire, _: Wire | None) -> Wire:
        kept = {**wire.headers, "Content-Type": "application/json; charset=utf-8", **headers}
        kept = {name: value for name, value in kept.items() if name not in ("Link", "ETag", "Location")}
        return Wire(status, kept, json.dumps(body).encode())

    return change


_SENTENCES = {
    401: "Bad credentials",
    403: "Resource not accessible by personal access token",
    404: "Not Found",
    410: "Issues are disabled for this repo",
    451: "Repository access blocked",
    500: "Server Error",
    502: "Server Error",
    503: "Service Unavailable",
    504: "We couldn't respond to your request in time. Sorry about that.",
}


def status(code: int, *, headers: Mapping[str, str] | None = None, **where: Any) -> Fault:
    """That status with GitHub's sentence."""
    return Fault(f"status {code}", _json(code, {"message": _SENTENCES[code]}, headers or {}), **where)


def too_many(retry_after: int = 1, **where: Any) -> Fault:
    """429 with Retry-After in seconds."""
    return Fault("429", _json(429, {"message": SECONDARY}, {"Retry-After": str(retry_after)}), **where)


def secondary(*, retry_after: int | None = None, **where: Any) -> Fault:
    """403 for a secondary limit; Retry-After only when given, since GitHub does not always send it."""
    headers = {"Retry-After": str(retry_after)} if retry_after is not None else {}
    return Fault("secondary limit with 403", _json(403, {"message": SECONDARY}, headers), **where)


def secondary_graphql(*, retry_after: int | None = None, **where: Any) -> Fault:
    """A secondary limit as GraphQL may answer it: status 200, no data."""
    headers = {"Retry-After": str(retry_after)} if retry_after is not None else {}
    body = {"errors": [{"type": "RATE_LIMITED", "message": SECONDARY}]}
    return Fault("secondary limit with 200", _json(200, body, headers), **where)


def primary_graphql(**where: Any) -> Fault:
    """The primary limit as GraphQL answers it: status 200, an error and nothing remaining."""
    body = {"errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded for user ID 1."}]}
    return Fault("primary limit with 200", _json(200, body, {"X-RateLimit-Remaining": "0"}), **where)


def timeout(seconds: float = 5.0, **where: Any) -> Fault:
    """The answer comes after that long; a client that waits less gives up."""
    return Fault("timeout", lambda wire, _: Wire(wire.status, wire.headers, wire.body, delay=seconds), **where)


def dropped(**where: Any) -> Fault:
    """The connection is closed without any answer."""
    return Fault("dropped", lambda wire, _: Wire(wire.status, wire.headers, b"", drop=True), **where)


def html(**where: Any) -> Fault:
    """A page for people with status 200, as a proxy or a captive portal gives it."""
    page = b"<!DOCTYPE html><html><body>Unicorn!</body></html>"
    return Fault("html", lambda *_: Wire(200, {"Content-Type": "text/html; charset=utf-8"}, page), **where)


def wrong_json(**where: Any) -> Fault:
    """JSON that breaks off in the middle, with a length that says it is whole."""
    return Fault(
        "wrong json", lambda wire, _: Wire(wire.status, wire.headers, wire.body[: len(wire.body) // 2]), **where
    )


def empty(**where: Any) -> Fault:
    """Status 200 and no bytes."""
    return Fault("empty", lambda wire, _: Wire(200, wire.headers, b""), **where)


def truncated_gzip(**where: Any) -> Fault:
    """A gzip stream without its end whose Content-Length is right: readers that do not check the trailer see part."""

    def change(wire: Wire, _: Wire | None) -> Wire:
        body = wire.body if wire.headers.get("Content-Encoding") == "gzip" else gzip.compress(wire.body)
        return Wire(wire.status, {**wire.headers, "Content-Encoding": "gzip"}, body[: len(body) * 2 // 3])

    return Fault("truncated gzip", change, after_encoding=True, **where)


def short_body(**where: Any) -> Fault:
    """Fewer bytes than Content-Length promised, then the end of the connection."""

    def change(wire: Wire, _: Wire | None) -> Wire:
        return Wire(wire.status, wire.headers, wire.body[: len(wire.body) // 2], declared=len(wire.body))

    return Fault("short body", change, after_encoding=True, **where)


def _first_nodes(value: Any, path: tuple[str | int, ...] = ()) -> tuple[str | int, ...] | None:
    if isinstance(value, dict):
        if isinstance(value.get("nodes"), list) and value["nodes"]:
            return (*path, "nodes")
        for name, inner in value.items():
            if (found := _first_nodes(inner, (*path, name))) is not None:
                return found
    if isinstance(value, list):
        for place, inner in enumerate(value):
            if (found := _first_nodes(inner, (*path, place))) is not None:
                return found
    return None


def _holder(data: Any, path: tuple[str | int, ...]) -> Any:
    for step in path[:-1]:
        data = data[step]
    return data


def partial(path: tuple[str | int, ...] | None = None, *, message: str = "Something went wrong while executing your query.", **where: Any) -> Fault:  # fmt: skip
    """
    A GraphQL answer in which one value is null, with an error that names its path.

    Without a path it is the first node of the first list. GitHub sends such answers with status 200.
    """

    def change(wire: Wire, _: Wire | None) -> Wire:
        body = wire.json
        lost = path or (*(_first_nodes(body["data"]) or ()), 0)
        if len(lost) > 1 or path:
            _holder(body["data"], lost)[lost[-1]] = None
        error = {"type": "INTERNAL", "path": list(lost), "message": message}
        body.setdefault("errors", []).append(error)
        return Wire(200, wire.headers, json.dumps(body).encode())

    return Fault("partial", change, **where)


def resource_limits(**where: Any) -> Fault:
    """A GraphQL answer that stops half-way through its first list, with RESOURCE_LIMITS_EXCEEDED beside the data."""

    def change(wire: Wire, _: Wire | None) -> Wire:
        body = wire.json
        if lost := _first_nodes(body["data"]):
            rows = _holder(body["data"], lost)[lost[-1]]
            _holder(body["data"], lost)[lost[-1]] = rows[: len(rows) // 2]
        error = {"type": "RESOURCE_LIMITS_EXCEEDED", "message": "Resource limits for this query exceeded."}
        body.setdefault("errors", []).append(error)
        return Wire(200, wire.headers, json.dumps(body).encode())

    return Fault("resource limits", change, **where)


def elsewhere(host: str = "http://127.0.0.2:9", **where: Any) -> Fault:
    """A `Link` whose next page lies on another host."""

    def change(wire: Wire, _: Wire | None) -> Wire:
        return Wire(wire.status, {**wire.headers, "Link": f'<{host}/next?page=2>; rel="next"'}, wire.body)

    return Fault("link to another host", change, **where)


def redirect(host: str = "http://127.0.0.2:9", **where: Any) -> Fault:
    """A redirect to another host."""
    return Fault("redirect", lambda *_: Wire(302, {"Location": f"{host}/elsewhere"}, b""), **where)


def _pages(body: Any, change: Callable[[dict[str, Any]], None]) -> None:
    if isinstance(body, dict):
        if isinstance(body.get("pageInfo"), dict):
            change(body)
        for inner in body.values():
            _pages(inner, change)
    if isinstance(body, list):
        for inner in body:
            _pages(inner, change)


def _paged(wire: Wire, change: Callable[[dict[str, Any]], None]) -> Wire:
    body = wire.json
    _pages(body, change)
    return Wire(wire.status, wire.headers, json.dumps(body).encode())


def repeated_cursor(**where: Any) -> Fault:
    """There is always a next page, and its cursor or address is always the same."""

    def change(wire: Wire, previous: Wire | None) -> Wire:
        if b'"pageInfo"' in wire.body:
            return _paged(
                wire, lambda page: page["pageInfo"].update(hasNextPage=True, endCursor="Y3Vyc29yOnYyOlswXQ==")
            )
        link = (previous or wire).headers.get("Link") or wire.headers.get("Link", "")
        return Wire(wire.status, {**wire.headers, "Link": link}, wire.body)

    return Fault("repeated cursor", change, times=where.pop("times", None), **where)


def endless(**where: Any) -> Fault:
    """There is always a next page with a new cursor, and always with the rows of the first."""

    def asked(query: dict[str, Any]) -> dict[str, Any]:
        return {name: None if str(value).startswith("endless") else value for name, value in query.items()}

    def change(wire: Wire, previous: Wire | None) -> Wire:
        seen = int((previous or wire).headers.get("X-Endless", "0")) + 1
        marked = Wire(wire.status, {**wire.headers, "X-Endless": str(seen)}, wire.body)
        if b'"pageInfo"' in wire.body:
            return _paged(marked, lambda page: page["pageInfo"].update(hasNextPage=True, endCursor=f"endless{seen}"))
        address = re.match(r"<([^>?]+)", wire.headers.get("Link", "</>"))
        url = address.group(1) if address else "/"
        marked.headers["Link"] = f'<{url}?page=endless{seen}>; rel="next"'
        return marked

    return Fault("endless", change, times=where.pop("times", None), asked=asked, **where)


def _rows(wire: Wire) -> list[Any] | None:
    body = wire.json
    if isinstance(body, list):
        return body
    lists = [value for value in body.values() if isinstance(value, list)] if isinstance(body, dict) else []
    return lists[0] if len(lists) == 1 else None


def _with_rows(wire: Wire, rows: list[Any]) -> Wire:
    body = wire.json
    if isinstance(body, dict):
        name = next(name for name, value in body.items() if isinstance(value, list))
        body[name] = rows
    else:
        body = rows
    return Wire(wire.status, wire.headers, json.dumps(body).encode())


def _with_nodes(wire: Wire, previous: Wire, change: Callable[[list[Any], list[Any]], list[Any]]) -> Wire:
    body, before = wire.json, previous.json
    if (place := _first_nodes(body.get("data"))) and (_first_nodes(before.get("data")) == place):
        holder, old = _holder(body["data"], place), _holder(before["data"], place)
        holder["nodes"] = change(holder["nodes"], old["nodes"])
    return Wire(wire.status, wire.headers, json.dumps(body).encode())


def _page_change(name: str, change: Callable[[list[Any], list[Any]], list[Any]], where: dict[str, Any]) -> Fault:
    def apply(wire: Wire, previous: Wire | None) -> Wire:
        if previous is None or not wire.body:
            return wire
        if b'"pageInfo"' in wire.body:
            return _with_nodes(wire, previous, change)
        rows, old = _rows(wire), _rows(previous)
        return wire if rows is None or not old else _with_rows(wire, change(rows, old))

    return Fault(name, apply, **where)


def duplicated_page(**where: Any) -> Fault:
    """A page that holds the rows of the page before it; its own rows never come."""
    return _page_change("duplicated page", lambda _, old: list(old), where)


def inserted_row(**where: Any) -> Fault:
    """A page shifted by an insertion: it begins with the last row of the page before it, and its own last row is gone."""
    return _page_change("inserted row", lambda rows, old: [old[-1], *rows[:-1]], where)


def removed_row(**where: Any) -> Fault:
    """A page shifted by a removal: its first row moved to a page that was already read."""
    return _page_change("removed row", lambda rows, _: rows[1:], where)


ALL: Mapping[str, Callable[..., Fault]] = {
    **{f"status_{code}": lambda code=code, **where: status(code, **where) for code in _SENTENCES},
    **{made.__name__: made for made in (too_many, secondary, timeout, dropped, html, wrong_json, empty)},
    **{made.__name__: made for made in (truncated_gzip, short_body, elsewhere, redirect, repeated_cursor, endless)},
    **{made.__name__: made for made in (duplicated_page, inserted_row, removed_row)},
    **{made.__name__: made for made in (secondary_graphql, primary_graphql, partial, resource_limits)},
}
"""Every fault by name; the last four are for GraphQL only, `elsewhere` for REST lists only."""
