"""Every list that a vendor gives in pages, read over two pages with rows on each, as if it had come on one."""

from __future__ import annotations

import copy
import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from werkzeug import Request, Response

from soc2ev.sources.logs import paths
from soc2ev.sources.logs.manifest import Request as Question
from tests.sources.logs.runs import Team
from tests.sources.logs.test_shipped_connectors import NAMES, Vendor, _address, as_told, manifest_of

PAGED = [(name, one.id) for name in NAMES for one in manifest_of(name).requests if one.paginate]

_ROWS = {("google-cloud-logging", "exclusions"): [{"filter": "severity<INFO"}, {"filter": "severity<DEBUG"}]}
"""Rows of lists that are empty in the fixtures."""


class Pages:
    """The answers of a vendor, of which those to one question come on so many pages; for each object of their own."""

    def __init__(self, vendor: Vendor, question: Question, count: int) -> None:
        self.vendor, self.question, self.count = vendor, question, count
        assert question.paginate is not None
        self.how = question.paginate
        self.files = vendor.file_of(question.id)
        self.told: dict[str, list[Any]] = {}
        """By path, the pages of what is listed there."""
        self.seconds: set[str] = set()

    def answer(self, request: Request) -> Response:
        """A page; of other questions what the vendor answers."""
        found = self.vendor.answers.get(_address(request.full_path))
        number = self._number(request)
        if number is None and (found is None or found["file"] not in self.files):
            return self.vendor.answer(request)
        if number is None:
            pages = self._of(request.path)
            self.told[request.path], number = pages, 0
        pages = self.told[request.path]
        if number >= 1:
            self.seconds.add(request.path)
        return self._page(request, pages, number)

    def _number(self, request: Request) -> int | None:
        """Which page is asked for; None when it may be the first one."""
        if request.path not in self.told:
            return None
        if "second" in request.args:
            return 1
        asked = request.args.get(self.how.param) if self.how.param else None
        if asked is None or (self.how.type in ("offset", "page") and asked == str(self.how.start)):
            return None
        if self.how.type == "offset":
            lengths = [sum(map(len, self.told[request.path][:number])) for number in range(self.count + 1)]
            return lengths.index(int(asked))
        return int(asked) - self.how.start if self.how.type == "page" else 1

    def _of(self, path: str) -> list[Any]:
        alike = [one["file"] for where, one in self.vendor.answers.items() if where.partition("?")[0] == path]
        files = [file for file in sorted(self.files) if not self.question.for_each or file in alike]
        rows = [row for file in files for row in self._rows(self._read(file))]
        rows = rows or _ROWS.get((self.vendor.name, self.question.id), [])
        rows += [_another(row) for row in rows[:1]] if len(rows) == 1 else []
        return [rows] if self.count == 1 else [rows[: len(rows) // 2], rows[len(rows) // 2 :]]

    def _read(self, file: str) -> Any:
        return json.loads((self.vendor.folder / file).read_text())

    def _rows(self, body: Any) -> list[Any]:
        return body if not self.how.items else paths.at(body, self.how.items[0]) or []

    def _page(self, request: Request, pages: list[Any], number: int) -> Response:
        rows = pages[number] if number < len(pages) else []
        last = number >= len(pages) - 1
        after = f"{self.vendor.base}{request.full_path.rstrip('?')}{'&' if request.args else '?'}second=1"
        if not self.how.items:
            link = {} if last or self.how.type != "link" else {"Link": f'<{after}>; rel="next"'}
            return Response(json.dumps(rows), headers=link, content_type="application/json")
        body: Any = {self.how.items[0]: rows}
        if self.how.more:
            _put(body, self.how.more, not last)
        if self.how.type in ("token", "next_url") and not last:
            _put(body, self.how.next, "second-one" if self.how.type == "token" else after)
        return Response(json.dumps(body), content_type="application/json")


def _another(row: Any) -> Any:
    """A second row like it."""
    made = copy.deepcopy(row)
    for name in {"id", "name", "filter"} & made.keys():
        made[name] = f"{made[name]}b" if isinstance(made[name], str) else made[name] + 1_000
    return made


def _put(body: dict[str, Any], path: str, value: Any) -> None:
    *way, last = path.split(".")
    for step in way:
        body = body.setdefault(step, {})
    body[last] = value


@pytest.mark.parametrize(("name", "request_id"), PAGED)
def test_two_pages_say_what_one_says(httpserver, tmp_path, name, request_id):
    """Rows of both pages are there, for each object that is asked about; the claim is complete."""
    told = []
    for count in (1, 2):
        vendor = Vendor(name, httpserver.url_for("").rstrip("/"))
        pages = Pages(vendor, manifest_of(name).request(request_id), count)
        httpserver.clear()
        httpserver.expect_request(re.compile(".*")).respond_with_handler(pages.answer)
        team = Team(tmp_path / f"team-{count}", now=lambda: datetime(2026, 11, 20, 12, tzinfo=UTC))
        found = team.collect(vendor.entry)
        assert (None, True) == (found.claim.reason, found.claim.complete)
        told.append(as_told(found))
    assert {path for path, rows in pages.told.items() if len(rows) > 1} == pages.seconds
    assert any(len(page) for rows in pages.told.values() for page in rows[1:])
    assert told[0] == told[1]


def test_every_way_of_paging_is_among_them():
    """Links, offsets, pages, cursors, tokens and addresses."""
    ways = {manifest_of(name).request(one).paginate.type for name, one in PAGED}
    assert {"link", "offset", "page", "cursor", "token", "next_url"} == ways
