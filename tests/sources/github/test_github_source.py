"""How the source stands among the others: what it is asked for, and how odd bodies read."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from soc2ev import config, sources
from soc2ev.errors import TamperedError
from soc2ev.model import EvidenceItem
from soc2ev.sources import github
from soc2ev.sources.github import shapes, streams

HOST = "{url: 'http://127.0.0.1:9', token: {env: TOKEN}}"


def load(folder: Path, scope: str, hosts: str = HOST) -> config.Settings:
    """A configuration with that scope."""
    file = folder / "soc2ev.yaml"
    text = f"version: 1\norganisation: Example Co\nscope: {scope}\nsources: {{github: [{hosts}]}}\n"
    file.write_text(text, encoding="utf-8")
    return config.load(file)


def test_exact_names_are_expected_and_globs_are_not(tmp_path: Path) -> None:
    """What a glob names is known to GitHub alone; a name without owner is not GitHub's."""
    found = load(tmp_path, "[{repository: acme/api}, {repository: 'acme/*'}, {repository: api}]")
    assert ("github:repositories", "github:acme/api:") == github.expects(found)
    assert () == github.expects(load(tmp_path, "[{repository: acme/api}]", hosts=""))


def test_what_github_is_asked_for_is_not_out_of_reach_of_plain_git(tmp_path: Path) -> None:
    """With GitHub configured only names without an owner have no source."""
    scope = "[{repository: acme/api, mode: deploy}, {repository: api}]"
    assert ["api"] == load(tmp_path, scope).config.unmatched()
    assert ["api"] == [name for name, _ in sources._out_of_reach(load(tmp_path, scope))]
    assert ["acme/api", "api"] == load(tmp_path, scope, hosts="").config.unmatched()


def item(count: int | None = 1, **request: Any) -> EvidenceItem:
    """An item of a body of GitHub's."""
    at = datetime(2026, 11, 1, tzinfo=UTC)
    asked = {"method": "POST", "repository": "acme/api", **request}
    return EvidenceItem("sha256:0", "github", "github:acme/api:x", asked, {}, at, 1, count, "run", 1)


@pytest.mark.parametrize("role", streams.ROLES)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x1f\x8b",
        b"[1]",
        b'{"data": 1}',
        b'{"data": {"nodes": [3], "repository": [], "c0": 1, "r0": "", "p0": [], "commits": 5}}',
        b"[" * 100_000,
    ],
)
def test_an_odd_body_is_refused_or_empty(role: str, body: bytes) -> None:
    """Content that GitHub cannot have answered ends in TamperedError, never in another exception or in rows."""
    method = "GET" if role in ("moves", "compared") else "POST"
    try:
        found = list(streams.rows(item(role=role, method=method), body))
    except TamperedError:
        found = []
    assert [] == found


def test_a_body_that_nobody_counted_has_no_rows() -> None:
    """A bad answer is stored without a count, and so are answers that only lead to others."""
    body = json.dumps({"data": {"repository": {"releases": {"nodes": [{}]}}}}).encode()
    assert [] == list(streams.rows(item(None, role="releases"), body))
    assert [] == list(streams.rows(item(role="probe"), body))


def test_checks_that_an_answer_refuses_are_never_read_as_none() -> None:
    """Null beside an error that leads to it is not known; null without an error means that there are none."""
    commit = {"oid": "a" * 40, "statusCheckRollup": None}
    data: dict[str, Any] = {"data": {"repository": {"c0": commit}}}
    asked = item(role="tested", parts=["pushes"], numbers=[0], pages=[1])
    (none,) = [row for _, row in streams.rows(asked, json.dumps(data).encode())]
    data["errors"] = [{"path": ["repository", "c0", "statusCheckRollup"], "type": "FORBIDDEN"}]
    (denied,) = [row for _, row in streams.rows(asked, json.dumps(data).encode())]
    assert (0, True) == (none["checks"], none["whole"])
    assert (None, False) == (denied["checks"], denied["whole"])


def test_a_commit_with_more_parents_than_arrived_is_refused() -> None:
    """A parent that is cut off would hide commits."""
    value = {"oid": "a" * 40, "parents": {"totalCount": 12, "nodes": [{"oid": "b" * 40}]}}
    with pytest.raises(TamperedError, match="12 parents"):
        shapes.commit(value)
