"""Small rules: business days, answers in Markdown, globs of pre-approvals, sentences."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from evidence_made import change, judged, letters, request

from soc2ev.tables.facts import answers
from soc2ev.tables.facts.business_days import deadline
from soc2ev.tables.facts.fact import every, listed, moment, no, short, shown, some, together, unknown, yes
from soc2ev.tables.facts.standard_changes import _matches

FRIDAY = datetime(2026, 10, 9, 15, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "days", "day"),
    [
        (FRIDAY, 2, 14),
        (FRIDAY, 1, 13),
        (FRIDAY, 0, 10),
        (FRIDAY + timedelta(days=1), 1, 13),
        (FRIDAY + timedelta(days=1), 0, 13),
        (FRIDAY - timedelta(days=4), 2, 8),
        (datetime(2026, 10, 9, 23, 30, tzinfo=timezone(timedelta(hours=-5))), 1, 13),
    ],
)
def test_deadline(at: datetime, days: int, day: int) -> None:
    """A deadline is the end of the last business day in UTC; weekends are none."""
    assert datetime(2026, 10, day, tzinfo=UTC) == deadline(at, days)


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("Adds the export of invoices", True),
        ("Fix", False),
        ("<!-- Describe your change in detail here -->", False),
        ("<!-- never closed, so that all of this is hidden", False),
        ("# Description of the change\n## What and why", False),
        ("- [ ] I have added tests\n- [x] I have read the guide", False),
        ("```\nprint('hello, this is code')\n```", False),
        ("```\ncode\n```\nText outside of the code", True),
        ("-------------------------", False),
        ("**What does this change do?**", False),
    ],
)
def test_described(text: str, outcome: bool) -> None:
    """A description is what people wrote, 15 characters or more, beside the template."""
    assert outcome == answers.described(text)


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("Rollback: revert this commit and deploy", True),
        ("- **Rollback plan:** revert this commit", True),
        ("## Rollback plan\n\nRevert this commit and deploy", True),
        ("### Back-out\nRestore the snapshot of the night\n## Risk", True),
        ("**Backout**\nRestore the snapshot of the night", True),
        ("| Rollback | revert this commit and deploy |", True),
        ("To roll back, revert this commit and deploy", True),
        ("Rollback:\nrevert this commit and deploy", True),
        ("Revert plan: deploy the release before", True),
        ("Rollback: n/a because nothing is deployed by this", True),
        ("Rollback: n/a", False),
        ("Rollback: none", False),
        ("Rollback: TBD, we will think about it later", False),
        ("## Rollback\n<!-- how do you undo it? -->\n## Risk\nThis is about risk only", False),
        ("## Rollback\nDescribe how this can be rolled back", False),
        ("## Rollback\n- [ ] tested the rollback beforehand", False),
        ("Fixes the colour of the rollback button on the page", False),
        ("The rollback button has another colour on that page now", False),
        ("```\nRollback: revert this commit and deploy\n```", False),
        ("Rollback: yes", False),
    ],
)
def test_rollback(text: str, outcome: bool) -> None:
    """A rollback plan is text below its heading or behind its label, no placeholder and no mention in passing."""
    assert outcome == answers.rollback_planned(text)


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("Authentication: no", True),
        ("Does it change authentication? Yes, tokens live shorter", True),
        ("| Authentication | unchanged |", True),
        ("## Authentication\nUnchanged", True),
        ("## Authentication\n## Authorization\nUnchanged", False),
        ("Does it change authentication?", False),
        ("Does it change authentication?\nDoes it change authorization?", False),
        ("Authentication: tbd", False),
        ("Authentication: yes/no", False),
        ("- [ ] Authentication: looked at", False),
        ("This is about authentication", False),
    ],
)
def test_answered(text: str, outcome: bool) -> None:
    """A question of a high-risk change has an answer behind it or below it."""
    assert outcome == answers.answered(text, answers.QUESTIONS["authentication"])


def test_hostile_text() -> None:
    """Texts made to keep a reader busy are read in a moment."""
    for text in (
        "<!--" * 16000,
        "`" * 64000,
        "#" * 64000,
        "- [ ] " * 10000,
        "Rollback " * 7000,
        "**" * 30000,
        "n/a " * 16000,
    ):
        assert answers.rollback_planned(text) in (True, False)
        assert answers.described(text) in (True, False)
    many = "\n".join(["## Rollback"] * 5000)
    assert not answers.rollback_planned(many)


@pytest.mark.parametrize(
    ("glob", "path", "outcome"),
    [
        ("poetry.lock", "poetry.lock", True),
        ("poetry.lock", "web/poetry.lock", True),
        ("*.lock", "a/b/yarn.lock", True),
        ("/poetry.lock", "web/poetry.lock", False),
        ("docs/*", "docs/a.md", True),
        ("docs/*", "docs/deep/a.md", False),
        ("docs/**", "docs/deep/a.md", True),
        ("**/package.json", "package.json", True),
        ("**/package.json", "a/package.json", True),
        ("*.lock", "evil.lock.py", False),
        ("v?.txt", "v1.txt", True),
        ("a.b", "axb", False),
        ("*.lock", "a.lock\nsrc/app.py", False),
    ],
)
def test_globs(glob: str, path: str, outcome: bool) -> None:
    """A pre-approval's globs mean what they mean in .gitignore, for whole paths."""
    assert outcome == _matches(path, [glob])


def test_three_values() -> None:
    """What is not known decides nothing by itself."""
    assert [False, None, True] == [every(values) for values in ((True, None, False), (True, None), (True, True))]
    assert [True, None, False] == [some(values) for values in ((True, None, False), (False, None), (False,))]


def test_together() -> None:
    """All facts hold together or not; the reasons are those that decide it, the flags are all."""
    found = together([yes("Good.", "A"), no("Bad.", "B"), unknown("Open."), no("Bad.")])
    assert (False, "Bad.", {"A", "B"}) == (found.value, found.reason, found.flags)


def test_words() -> None:
    """Times are UTC to the minute, lists are read aloud, foreign text is bounded."""
    east = datetime(2026, 10, 9, 1, 5, tzinfo=timezone(timedelta(hours=2)))
    assert "2026-10-08 23:05 UTC" == moment(east)
    assert "at a time that nobody recorded" == moment(None)
    assert ["", "a", "a and b", "a, b and c"] == [listed(names) for names in ((), "a", "ba", "cabb")]
    assert ("an unknown commit", "0123456789") == (short(None), short("0123456789abcdef"))
    assert 80 == len(shown("x" * 1000))


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        ("Explain declined cards to customers in plain words.\n\nRollback: revert it and deploy again.", "met"),
        ("Please describe your change here in a few words.\n\nRollback: revert it and deploy again.", "deviation"),
        ("Show the fee before the order.\n\nRollback: how would you undo this change?", "deviation"),
    ],
    ids=["a sentence", "a template", "a question of the template"],
)
def test_template_text_is_no_description(body: str, outcome: str) -> None:
    """What a template asks is no answer; a sentence that begins with one of its words is."""
    assert outcome == letters(judged(change(request(body=body))))["G"]
