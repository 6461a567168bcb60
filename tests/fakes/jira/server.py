"""
A Jira on the loopback: `with Jira(world) as host:` and ask `host.url`.

Cloud or Data Center, as the vendor documents them. It counts requests by endpoint and never records a credential. Faults
are those of the fake GitHub; `fetch.retry` is the client's matter.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from tests.fakes.github.faults import Fault, Wire
from tests.fakes.jira import query, shapes
from tests.fakes.jira.world import Ticket, Token, World

_JSON = "application/json;charset=UTF-8"
GATEWAY = "/ex/jira/cloud-1"


@dataclass(frozen=True)
class Asked:
    """One request, without its credential."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Any
    signed: bool


class Refusal(Exception):  # noqa: N818  an answer rather than an error
    """An answer with another status than 200."""

    def __init__(self, status: int, *messages: str, body: Any = None) -> None:
        super().__init__(status)
        self.status = status
        self.body = body or {"errorMessages": list(messages), "errors": {}}


@dataclass
class Jira:
    """The server; `gateway` serves it as api.atlassian.com does, below /ex/jira/cloud-1."""

    world: World
    faults: Sequence[Fault] = ()
    gateway: bool = False
    requests: list[Asked] = field(default_factory=list)
    crashes: list[Exception] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._previous: dict[str, Wire] = {}
        handler = type("Handler", (_Handler,), {"jira": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        if self.crashes and problem is None:
            raise self.crashes[0]

    @property
    def base(self) -> str:
        """Path of the interface's root."""
        return GATEWAY if self.gateway else self.world.context

    @property
    def url(self) -> str:
        """Where it is asked."""
        return f"http://127.0.0.1:{self._server.server_port}{self.base}"

    def counts(self) -> Counter[str]:
        """Requests by method and path, ids and keys left out."""
        with self._lock:
            asked = list(self.requests)
        return Counter(
            f"{one.method} {re.sub(r'/([A-Z]+-[0-9]+|[0-9]{4,})(?=/|$)', '/*', one.path[5:])}" for one in asked
        )

    def respond(self, method: str, target: str, headers: Mapping[str, str], sent: bytes) -> Wire:
        """The answer to one request, with whatever the faults make of it."""
        address = urlsplit(target)
        path, asked = address.path, dict(parse_qsl(address.query))
        inside = path.startswith(f"{self.base}/rest/")
        path = path.removeprefix(self.base)
        body = json.loads(sent) if sent else {}
        with self._lock:
            self.requests.append(Asked(method, path, asked, body, "Authorization" in headers))
            hitting = [fault for fault in self.faults if fault.hits(method, path)]
        for fault in hitting:
            body = fault.asked(body) if fault.asked else body
        wire = self._wire(method, path, asked, body, headers) if inside else Wire(404, {}, b"<html>Not found</html>")
        for fault in (one for one in hitting if not one.after_encoding):
            wire = fault.change(wire, self._previous.get(path))
        self._previous[path] = replace(wire, headers=dict(wire.headers))
        if wire.body and "gzip" in headers.get("Accept-Encoding", "") and "Content-Encoding" not in wire.headers:
            wire = replace(wire, headers={**wire.headers, "Content-Encoding": "gzip"}, body=gzip.compress(wire.body, 1))
        for fault in (one for one in hitting if one.after_encoding):
            wire = fault.change(wire, None)
        return wire

    def _wire(self, method: str, path: str, asked: Mapping[str, str], body: Any, headers: Mapping[str, str]) -> Wire:
        token = self._token(headers.get("Authorization", ""))
        sent = {"Date": format_datetime(self.world.now, usegmt=True), "Content-Type": _JSON, "X-AREQUESTID": "1x2x3"}
        if token is None and "Authorization" in headers:
            sent["X-Seraph-LoginReason"] = "AUTHENTICATED_FAILED"
        try:
            made = self._route(method, path, token, asked, body)
            status = 200
        except Refusal as refusal:
            status, made = refusal.status, refusal.body
        except query.QueryError as problem:
            status, made = 400, {"errorMessages": [str(problem)], "errors": {}}
        return Wire(status, sent, json.dumps(made).encode())

    def _token(self, header: str) -> Token | None:
        scheme, _, value = header.partition(" ")
        for token in self.world.tokens:
            expected = token.secret
            if token.user is not None:
                expected = base64.b64encode(f"{token.user}:{token.secret}".encode()).decode()
            right = scheme == ("Bearer" if token.user is None else "Basic")
            if right and value == expected and token.gateway == self.gateway:
                return token
        return None

    def _route(self, method: str, path: str, token: Token | None, asked: Mapping[str, str], body: Any) -> Any:
        version = "3" if self.world.cloud else "2"
        if re.fullmatch(r"/rest/api/(2|3|latest)/serverInfo", path):
            return self._server_info()
        if token is None:
            raise Refusal(401, "Client must be authenticated to access this resource.")
        routes: list[tuple[str, str, Callable[..., Any]]] = [
            ("GET", rf"/rest/api/{version}/myself", self._myself),
            ("GET", rf"/rest/api/{version}/issue/([^/]+)", self._issue),
            ("GET", rf"/rest/api/{version}/issue/([^/]+)/changelog", self._changelog),
            ("GET", r"/rest/servicedeskapi/request/([^/]+)/approval", self._approvals),
        ]
        if self.world.cloud:
            routes += [
                ("POST", "/rest/api/3/search/jql", self._search_jql),
                ("POST", "/rest/api/3/search/approximate-count", self._approximate),
                ("POST", "/rest/api/3/issue/bulkfetch", self._bulkfetch),
                ("POST", "/rest/api/3/changelog/bulkfetch", self._changes),
                ("POST", "/rest/api/[23]/search", self._removed),
            ]
        else:
            routes += [("POST", "/rest/api/2/search", self._search)]
        for verb, pattern, answer in routes:
            match = re.fullmatch(pattern, path)
            if match and verb == method:
                return answer(token, *match.groups(), **({"asked": asked} if method == "GET" else {"body": body}))
        raise Refusal(404, "null for uri")

    def _server_info(self) -> Any:
        world = self.world
        web = "https://acme.atlassian.net" if world.cloud else self.url
        kind = "Cloud" if world.cloud else "Server"
        told = {"baseUrl": web, "version": "1001.0.0" if world.cloud else "9.12.1", "deploymentType": kind}
        return {**told, "serverTime": shapes.when(world.now), "serverTitle": "Jira"}

    def _myself(self, token: Token, *, asked: Any) -> Any:
        return {**(shapes.person(self.world, token.person) or {}), "timeZone": token.zone, "locale": "en_US"}

    def _seen(self, token: Token, key: str) -> Ticket | None:
        one = self.world.by_key(key)
        return None if one is None or one.project in token.hidden else one

    def _issue(self, token: Token, key: str, *, asked: Mapping[str, str]) -> Any:
        one = self._seen(token, key)
        if one is None:
            raise Refusal(404, "Issue does not exist or you do not have permission to see it.")
        wanted = asked.get("fields", "").split(",") if asked.get("fields") else ["*all"]
        return shapes.ticket(self.world, token, one, wanted, self.url)

    def _changelog(self, token: Token, key: str, *, asked: Mapping[str, str]) -> Any:
        one = self._seen(token, key)
        if one is None or not self.world.paged_history:
            raise Refusal(404, "Issue does not exist or you do not have permission to see it.")
        start, most = int(asked.get("startAt", 0)), min(int(asked.get("maxResults", 100)), 100)
        values = [shapes.change(self.world, token, event, bulk=False) for event in one.events[start : start + most]]
        last = start + len(values) >= len(one.events)
        return {"startAt": start, "maxResults": most, "total": len(one.events), "isLast": last, "values": values}

    def _approvals(self, token: Token, key: str, *, asked: Mapping[str, str]) -> Any:
        if not token.agent:
            raise Refusal(403, body={"errorMessage": "You do not have permission to view approvals."})
        one = self._seen(token, key)
        if one is None or not one.request:
            raise Refusal(404, body={"errorMessage": "The request you are trying to view does not exist."})
        start, limit = int(asked.get("start", 0)), min(int(asked.get("limit", 50)), self.world.most)
        values = [shapes.approval(self.world, token, found) for found in one.approvals[start : start + limit]]
        last = start + len(values) >= len(one.approvals)
        return {"size": len(values), "start": start, "limit": limit, "isLastPage": last, "values": values}

    def _search_jql(self, token: Token, *, body: Any) -> Any:
        tickets = query.found(self.world, token, body["jql"], validate=True)
        start = int(base64.b64decode(body["nextPageToken"]).decode()) if body.get("nextPageToken") else 0
        wanted = body.get("fields") or []
        # With fields Cloud makes pages smaller than they were asked for.
        most = min(body.get("maxResults", 50), self.world.most if wanted else 5_000)
        page = tickets[start : start + most]
        made: dict[str, Any] = {"issues": [shapes.ticket(self.world, token, one, wanted, self.url) for one in page]}
        if start + most < len(tickets):
            made["nextPageToken"] = base64.b64encode(str(start + most).encode()).decode()
        return {**made, "isLast": "nextPageToken" not in made}

    def _approximate(self, token: Token, *, body: Any) -> Any:
        return {"count": len(query.found(self.world, token, body["jql"], validate=True))}

    def _bulkfetch(self, token: Token, *, body: Any) -> Any:
        asked = body["issueIdsOrKeys"]
        if not 0 < len(asked) <= 100:
            raise Refusal(400, "The number of issues is limited to 100.")
        found = {one.id: one for key in asked if (one := self._seen(token, key))}
        wanted = body.get("fields") or []
        made = [shapes.ticket(self.world, token, found[number], wanted, self.url) for number in sorted(found)]
        if "changelog" in body.get("expand", ()):
            # Cut after 40, newest first.
            for number, one in zip(sorted(found), made, strict=True):
                told = sorted(found[number].events, key=lambda event: event.at, reverse=True)[:40]
                one["changelog"] = {
                    "histories": [shapes.change(self.world, token, event, bulk=False) for event in told]
                }
        return {"expand": "", "issues": made, "issueErrors": []}

    def _changes(self, token: Token, *, body: Any) -> Any:
        asked, only = body["issueIdsOrKeys"], set(body["fieldIds"])
        if not 0 < len(asked) <= 1000 or len(only) > 10:
            raise Refusal(400, "Too many issues or fields.")
        tickets = sorted(
            {one.id: one for key in asked if (one := self._seen(token, key))}.values(), key=lambda one: one.id
        )
        flat = [
            (one, event)
            for one in tickets
            for event in sorted(one.events, key=lambda event: event.at)
            if any(item[0] in only for item in event.items)
        ]
        start = int(body["nextPageToken"]) if body.get("nextPageToken") else 0
        most = min(body.get("maxResults", 1000), self.world.changes_page)
        logs: dict[str, list[Any]] = {}
        for one, event in flat[start : start + most]:
            change = shapes.change(self.world, token, event, bulk=True, only=only)
            logs.setdefault(str(one.id), []).append(change)
        made: dict[str, Any] = {"issueChangeLogs": [{"issueId": name, "changeHistories": logs[name]} for name in logs]}
        return {**made, "nextPageToken": str(start + most)} if start + most < len(flat) else made

    def _removed(self, token: Token, *, body: Any) -> Any:
        raise Refusal(410, "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API.")

    def _search(self, token: Token, *, body: Any) -> Any:
        validate = body.get("validateQuery", True)
        if not isinstance(validate, bool):
            raise Refusal(400, "Can not deserialize validateQuery.")
        tickets = query.found(self.world, token, body["jql"], validate=validate)
        start, most = body.get("startAt", 0), min(body.get("maxResults", 50), self.world.most)
        if start + most > self.world.window:
            raise Refusal(400, "Result window is too large.")
        page = [self._searched(token, one, body) for one in tickets[start : start + most]]
        return {"expand": "", "startAt": start, "maxResults": most, "total": len(tickets), "issues": page}

    def _searched(self, token: Token, one: Ticket, body: Any) -> Any:
        made = shapes.ticket(self.world, token, one, body.get("fields") or ["*all"], self.url)
        if "changelog" in body.get("expand", ()):
            newest = one.events[-self.world.expand :] if self.world.expand else []
            told = [shapes.change(self.world, token, event, bulk=False) for event in newest]
            made["changelog"] = {"startAt": 0, "maxResults": len(told), "total": len(one.events), "histories": told}
        return made


class _Handler(BaseHTTPRequestHandler):
    """Reads a request, asks the server that it belongs to and writes the answer."""

    jira: Jira
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name is http.server's
        """Nothing is printed: the record of requests says it all."""

    def do_GET(self) -> None:
        """Answer a GET."""
        self._serve()

    def do_POST(self) -> None:
        """Answer a POST; other methods are refused with 501."""
        self._serve()

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.title(): value for name, value in self.headers.items()}
        try:
            wire = self.jira.respond(self.command, self.path, headers, body)
        except Exception as crash:  # noqa: BLE001  a test has to see it, whatever it is
            self.jira.crashes.append(crash)
            wire = Wire(500, {"Content-Type": _JSON}, b"{}")
        if wire.drop:
            self.close_connection = True
            return
        length = len(wire.body) if wire.declared is None else wire.declared
        lines = [f"HTTP/1.1 {wire.status} X", *(f"{name}: {value}" for name, value in wire.headers.items())]
        lines.append(f"Content-Length: {length}")
        self.close_connection = self.close_connection or wire.declared is not None
        self.wfile.write("\r\n".join([*lines, "", ""]).encode("latin-1") + wire.body)
