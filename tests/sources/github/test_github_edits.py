"""Descriptions that were edited after the merge: what they had said before is asked for, of those alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from soc2ev.sources.github import documents
from tests.fakes.github import tokens
from tests.fakes.github.scenarios.story import Story
from tests.sources.github.runs import SECRET, collect


@pytest.fixture
def story() -> Story:
    """Three merged requests: one was edited afterwards, one before, one never."""
    made = Story()
    made.token(tokens.classic(SECRET, "cat"))
    late, early, _ = made.reviewed(), made.reviewed(title="ABC-2 More"), made.clean(title="ABC-3 Most")
    early.edit(made.ann, body="What it does, and why.")
    early.merge(made.bob, "squash")
    late.merge(made.bob, "squash")
    late.edit(made.ann, body="Nothing of ABC-9 is left here.")
    late.edit(made.ann, body="Nothing is left here.")
    return made


def test_their_edits_are_asked_for_at_once(story: Story, tmp_path: Path) -> None:
    """One question for all of them; the texts come with it."""
    run = collect(tmp_path, story)
    assert {} == run.incomplete
    (row,) = run.rows("github_body_edits")
    assert (1, True) == (row["number"], row["whole"])
    assert any("ABC-9" in text for text in row["texts"])
    assert 1 == sum(item.request.get("role") == "edited" for item, _ in run.stored)


def test_edits_that_cannot_be_had_are_a_gap(story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A question that fails for good is stated."""
    monkeypatch.setattr(documents, "edited", lambda _: "query edited { nonsense }")
    run = collect(tmp_path, story)
    assert "how the descriptions of 1 requests were edited" in run.incomplete["pull-requests"]
