"""
The REST interface over a world: routing, permission, pages and conditional answers.

What a token may not see is 404; what it may see but not read is 403 with `X-Accepted-GitHub-Permissions`; a renamed
repository is answered with 301 to its lasting address `/repositories/{id}`, which `Link` uses as well.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlencode

from tests.fakes.github.access import RefusedError, Viewer
from tests.fakes.github.rest import changes, deliveries, governance, organisation
from tests.fakes.github.rest.asking import NOTHING, Ask, Listing, Route
from tests.fakes.github.rest.shapes import Shapes

ROUTES = (*organisation.ROUTES, *deliveries.ROUTES, *governance.ROUTES, *changes.ROUTES)
_DEEP = ("ref", "path", "branch", "basehead")
"""Parameters of an address that may hold slashes."""


@dataclass(slots=True)
class Answer:
    """What goes back: `body` None means none."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    route: str = ""


def _pattern(path: str) -> re.Pattern[str]:
    def part(match: re.Match[str]) -> str:
        name = match.group(1)
        return f"(?P<{name}>{'.+' if name in _DEEP else '[^/]+'})"

    return re.compile(re.sub(r"\{(\w+)\}", part, path))


# The longest path first: `commits/{ref}` would swallow `commits/{ref}/status`.
_PATTERNS = sorted(((_pattern(one.path), one) for one in ROUTES), key=lambda row: (row[1].path.count("/"), "{" not in row[1].path.rpartition("/")[2]), reverse=True)  # fmt: skip


def match(path: str) -> tuple[Route, dict[str, str]] | None:
    """The endpoint of a path and the parts of its address; None when there is none."""
    for pattern, route in _PATTERNS:
        if found := pattern.fullmatch(path):
            return route, {name: unquote(value) for name, value in found.groupdict().items()}
    return None


def answer(
    viewer: Viewer,
    shapes: Shapes,
    path: str,
    query: Mapping[str, str],
    rate: Mapping[str, Any],
    etag: str | None = None,
) -> Answer:
    """The answer to a GET of that path."""
    lasting = re.fullmatch(r"/repositories/(\d+)(/.*)?", path)
    if lasting:
        home = next((one for one in viewer.world.repositories.values() if str(one.id) == lasting.group(1)), None)
        path = f"/repos/{home.full_name}{lasting.group(2) or ''}" if home else path
    found = match(path)
    if found is None:
        return _refused(RefusedError(404, "Not Found"), "")
    route, parts = found
    try:
        made = _answer(route, Ask(viewer, shapes, query, parts, rate=rate, path=path))
    except RefusedError as refused:
        made = _refused(refused, route.path)
    if route.accepted:
        made.headers["X-Accepted-GitHub-Permissions"] = route.accepted
    made.route = route.path
    return _conditional(made, etag)


def _answer(route: Route, ask: Ask) -> Answer:
    if "owner" in ask.parts:
        name = f"{ask.parts['owner']}/{ask.parts['repo']}"
        ask.home = ask.viewer.see(name)
        if ask.home.full_name.lower() != name.lower():
            return _moved(route, ask)
        _permit(route, ask)
    return _give(ask, route.handler(ask))


def _permit(route: Route, ask: Ask) -> None:
    wanted = [one.partition("=") for one in route.permission.split("|") if one]
    # History and rule suites have rules of their own, which their handlers know.
    if wanted and wanted[0][2] != "write" and not any(ask.viewer.may(ask.repository, name) for name, _, _ in wanted):
        ask.viewer.refuse()


def _moved(route: Route, ask: Ask) -> Answer:
    rest = route.path.removeprefix("/repos/{owner}/{repo}")
    for name, value in ask.parts.items():
        rest = rest.replace(f"{{{name}}}", value)
    query = f"?{urlencode(ask.query)}" if ask.query else ""
    url = f"{ask.shapes.api}/repositories/{ask.repository.id}{rest}{query}"
    body = {"message": "Moved Permanently", "url": url, "documentation_url": "https://docs.github.com/rest"}
    return Answer(301, body, {"Location": url})


def _refused(refused: RefusedError, path: str) -> Answer:
    anchor = re.sub(r"[^a-z]+", "-", path.lower()).strip("-")
    page = f"https://docs.github.com/rest#{anchor}" if anchor else "https://docs.github.com/rest"
    return Answer(
        refused.status, {"message": refused.message, "documentation_url": page, "status": str(refused.status)}
    )


def _give(ask: Ask, made: Any) -> Answer:
    if made is NOTHING:
        return Answer(204)
    if not isinstance(made, Listing):
        return Answer(200, made)
    size = _number(ask.query.get("per_page"), made.size, made.biggest)
    rows = made.rows if made.most is None else made.rows[: made.most]
    start = _after(ask.query) if made.cursor else (_number(ask.query.get("page"), 1, 10**9) - 1) * size
    page = [made.show(row) for row in rows[start : start + size]]
    links = _cursor_links(ask, start, size, len(rows)) if made.cursor else _page_links(ask, start, size, len(rows))
    headers = {"Link": links} if links else {}
    if made.envelope is None:
        return Answer(200, page, headers)
    # A search and a list of runs say how many there are, even where they give no more than 1,000.
    total = len(made.rows) if made.total is None else made.total
    counted = {"total_count": total} if made.counted else {}
    return Answer(200, {**made.whole, **counted, made.envelope: page}, headers)


def _number(text: str | None, default: int, most: int) -> int:
    return min(max(int(text), 1), most) if text and text.isdigit() else default


def _address(ask: Ask, changed: Mapping[str, str | int]) -> str:
    home = ask.home
    path = ask.path.replace(f"/repos/{home.full_name}", f"/repositories/{home.id}", 1) if home else ask.path
    query = {name: value for name, value in ask.query.items() if name not in ("page", "after", "before")}
    return f"<{ask.shapes.api}{path}?{urlencode({**query, **changed})}>"


def _page_links(ask: Ask, start: int, size: int, total: int) -> str:
    page, last = start // size + 1, max(1, -(-total // size))
    made = []
    if page > 1:
        made.append(f'{_address(ask, {"page": page - 1})}; rel="prev"')
    if page < last:
        made += [f'{_address(ask, {"page": page + 1})}; rel="next"', f'{_address(ask, {"page": last})}; rel="last"']
    if page > 1:
        made.append(f'{_address(ask, {"page": 1})}; rel="first"')
    return ", ".join(made)


def _cursor(place: int) -> str:
    return base64.urlsafe_b64encode(f"after:{place}".encode()).decode()


def _after(query: Mapping[str, str]) -> int:
    if "after" not in query:
        return 0
    try:
        return int(base64.urlsafe_b64decode(query["after"]).decode().removeprefix("after:"))
    except (ValueError, binascii.Error):
        raise RefusedError(422, "Validation Failed") from None


def _cursor_links(ask: Ask, start: int, size: int, total: int) -> str:
    if start + size >= total:
        return ""
    return f'{_address(ask, {"after": _cursor(start + size)})}; rel="next"'


def _conditional(made: Answer, etag: str | None) -> Answer:
    if made.status != 200:
        return made
    digest = hashlib.sha256(json.dumps([made.body, made.headers.get("Link")], sort_keys=True).encode()).hexdigest()
    made.headers["ETag"] = f'W/"{digest}"'
    if etag and etag.removeprefix("W/") == f'"{digest}"':
        return Answer(304, None, made.headers, made.route)
    return made
