"""Stored answers of Jira, read again."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from soc2ev.errors import TamperedError
from soc2ev.model import EvidenceItem
from soc2ev.sources.jira import adf, shapes, streams


def text(words: str) -> dict[str, Any]:
    """A node of text."""
    return {"type": "text", "text": words}


def node(kind: str, *content: dict[str, Any], **attributes: Any) -> dict[str, Any]:
    """A node with others inside."""
    return {"type": kind, "content": list(content), "attrs": attributes}


def test_a_document_becomes_text() -> None:
    """Headings and paragraphs on lines of their own, items behind a dash, what follows in an item below it."""
    document = node(
        "doc",
        node("heading", text("Rollback"), level=2),
        node("paragraph", text("Run "), text("make back"), node("hardBreak"), text("then wait")),
        node(
            "bulletList",
            node("listItem", node("paragraph", text("stop")), node("paragraph", text("slowly"))),
            node(
                "listItem",
                node("paragraph", text("start")),
                node("bulletList", node("listItem", node("paragraph", text("again")))),
            ),
        ),
        node("panel", node("paragraph", node("mention", text="@ann"), text(" knows"))),
        node(
            "table",
            node(
                "tableRow",
                node("tableCell", node("paragraph", text("a"))),
                node("tableCell", node("paragraph", text("b"))),
            ),
        ),
        node("unknown", node("paragraph", node("inlineCard", url="https://a.example/1"))),
        node("taskList", node("taskItem", text("todo"))),
    )
    expected = [
        "Rollback",
        "Run make back",
        "then wait",
        "- stop",
        "  slowly",
        "- start",
        "  - again",
        "@ann knows",
        "a | b",
        "https://a.example/1",
        "- todo",
    ]
    assert expected == (adf.plain(document) or "").split("\n")


def test_wiki_markup_stays_as_it_is() -> None:
    """Data Center's text is not touched, and no description is none."""
    assert "h2. Rollback\n* stop" == adf.plain("h2. Rollback\n* stop")
    assert adf.plain(None) is None


def test_a_document_that_is_too_deep() -> None:
    """A tree that would exhaust the reader is refused."""
    deep = node("paragraph", text("x"))
    for _ in range(150):
        deep = node("panel", deep)
    with pytest.raises(ValueError, match="too deeply"):
        adf.plain(deep)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2026-10-05T12:00:00.000+0200", datetime(2026, 10, 5, 10, tzinfo=UTC)),
        ("2026-10-05T10:00:00.000Z", datetime(2026, 10, 5, 10, tzinfo=UTC)),
        (1_791_194_400_000, datetime(2026, 10, 5, 10, tzinfo=UTC)),
        (1_791_194_400, datetime(2026, 10, 5, 10, tzinfo=UTC)),
        (None, None),
    ],
)
def test_instants(written: Any, expected: datetime | None) -> None:
    """Text with a zone, seconds and milliseconds are the same instant."""
    assert expected == shapes.instant(written)


@pytest.mark.parametrize("name", ["updated", "resolutiondate"])
def test_times_of_tickets_are_texts(name: str) -> None:
    """A number would be read as an instant of 1970, and the ticket as one of another period."""
    assert shapes.dated({name: None}, name) is shapes.dated({}, name) is None
    assert datetime(2026, 10, 5, 10, tzinfo=UTC) == shapes.dated({name: "2026-10-05T12:00:00.000+0200"}, name)
    with pytest.raises(TypeError, match=name):
        shapes.dated({name: 7}, name)


def test_an_instant_without_zone_is_refused() -> None:
    """Nobody could tell when it was."""
    with pytest.raises(ValueError, match="no time zone"):
        shapes.instant("2026-10-05T10:00:00")


def item(role: str, *, count: int | None = 1, **asked: Any) -> EvidenceItem:
    """A stored answer of that role."""
    request = {"role": role, "site": "https://a.example", "web": "https://a.example", "part": "list 1", **asked}
    at = datetime(2026, 11, 1, tzinfo=UTC)
    return EvidenceItem("sha256:0", "jira", "jira:a.example:tickets", request, {}, at, 0, count, "run", 1)


@pytest.mark.parametrize("body", [b"<html>", b"[" * 100_000, b'{"issues": 7}', b'{"issues": [{}]}', b"[]", b"null"])
def test_what_jira_cannot_have_said(body: bytes) -> None:
    """A body of another form is tampered with: TamperedError, never another exception."""
    with pytest.raises(TamperedError):
        list(streams.rows(item("list"), body))


def test_what_was_not_counted_holds_no_rows() -> None:
    """An answer that the collector refused is not read."""
    assert [] == list(streams.rows(item("list", count=None), b"<html>"))
    assert [] == list(streams.rows(item("newest"), b"<html>"))


def test_only_the_last_page_makes_histories_whole() -> None:
    """Tickets are whole with the page that names no next one, also those without any change."""
    asked = {"body": {"issueIdsOrKeys": ["1", "2"]}}
    page = {"issueChangeLogs": [], "nextPageToken": "x"}
    assert [] == list(streams.rows(item("changes", **asked), json.dumps(page).encode()))
    last = json.dumps({"issueChangeLogs": []}).encode()
    found = [row["ticket"] for _, row in streams.rows(item("changes", **asked), last)]
    assert ["1", "2"] == found


def test_approvals_without_a_reason_are_no_answer() -> None:
    """Neither a list nor the words of Service Management: refused."""
    with pytest.raises(TamperedError):
        list(streams.rows(item("approvals", ticket="1"), b"{}"))
