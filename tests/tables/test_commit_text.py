"""What a commit message claims, and what only looks like a claim."""

from __future__ import annotations

import time

import pytest

from soc2ev import ticket_keys
from soc2ev.tables.commit_text import cherry_picked_from, pull_request, reverts, title


@pytest.mark.parametrize(
    ("message", "number"),
    [
        ("Merge pull request #13 from acme/topic\n\nTitle (#99)", 13),
        ("Add it (#412)", 412),
        ("Add it (#412)  \n\nBody", 412),
        ('Revert "Add it (#1)" (#2)', 2),
        ("Merged in topic (pull request #7)\n\nTitle", 7),
        ("Merged PR 55: Title", 55),
        ("Merge branch 'topic' into 'main'\n\nTitle\n\nSee merge request acme/api!31", 31),
        ("doc: fix\n\nPR-URL: https://github.com/nodejs/node/pull/123\nReviewed-By: A", 123),
        ("Title\n\nPR-URL: https://gitlab.example/a/b/-/merge_requests/9", 9),
        ("[SPARK-1] Title\n\nCloses #77 from someone/branch.", 77),
        (f"Add it (#{'9' * 18})", 10**18 - 1),
    ],
)
def test_forms_of_pull_requests(message: str, number: int) -> None:
    """Each form that a platform or merge script writes names the request that it landed."""
    found = pull_request(message)
    assert number == (found and found[0])


@pytest.mark.parametrize(
    "message",
    [
        "",
        "Fix #12",
        "Fixes (#12) at last",
        "Title\n\nAdd it (#12)",
        "See pull request #12 from acme",
        "Title\nMerge pull request #12 from acme",
        "Closes #12",
        "Title\n\nAs said: See merge request acme/api!31",
        "Add it (#0)",
        "Add it (#٣)",
        f"Add it (#{'9' * 19})",
        f"Add it (#{'9' * 5000})",
    ],
)
def test_other_numbers_are_no_pull_requests(message: str) -> None:
    """An issue, a quotation further down and a number that no column holds claim nothing."""
    assert pull_request(message) is None


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("API-7: title", ["API-7"]),
        ("[API-9] (WEB-10) API-9", ["API-9", "WEB-10"]),
        ("API-1,API-2;API-3:API-4.", ["API-1", "API-2", "API-3", "API-4"]),
        ("see https://acme.atlassian.net/browse/API-7?x=1", ["API-7"]),
        ("OPS_2-5", ["OPS_2-5"]),
        ("UTF-8 SHA-256 CVE-2024-1 ISO-27001 COVID-19 GPT-4 HTTP-2 PR-12 X86-64 RFC-3339 SOC-2", []),
        ("CVE-2024", []),
        ("api-3 API-0 API-01 API-3x API-3_x API- -API-3 A-1", []),
        ("API-7.1 and API-12345678 and ABCDEFGHIJK-1", []),
        ("docs/API-7 src.API-8 feature/API-9-login", []),
    ],
)
def test_ticket_keys_without_known_projects(text: str, keys: list[str]) -> None:
    """Whatever has the form of a key is one, but for known look-alikes and parts of paths and longer words."""
    assert set(keys) == ticket_keys.find(text)


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("API-7 WEB-1 UTF-8", ["API-7"]),
        ("Merge branch 'feature/API-9-login'", ["API-9"]),
        ("https://acme.atlassian.net/browse/API-7", ["API-7"]),
        ("XAPI-7 X-API-7 API-7a api-7 API-7.1 API-70000000", []),
    ],
)
def test_ticket_keys_of_known_projects(text: str, keys: list[str]) -> None:
    """With projects only their keys count, whole ones, in paths and branch names too; projects in any case."""
    assert set(keys) == ticket_keys.find(text, ["api"])


def test_a_look_alike_can_be_a_project() -> None:
    """A project that the configuration names is one, whatever else is called like it."""
    assert {"PR-12"} == ticket_keys.find("PR-12 SHA-256", {"PR"})


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Merge pull request #13 from acme/topic\n\nAdd limits\n\nmore", "Add limits"),
        ("Merge pull request #13 from acme/topic", "Merge pull request #13 from acme/topic"),
        ("Add limits (#12)\n\nmore", "Add limits (#12)"),
        ("", ""),
    ],
)
def test_a_merge_is_called_by_what_it_merges(message: str, expected: str) -> None:
    """The first line of a platform's merge says nothing about the change; the line below it does."""
    assert expected == title(message)


def test_reverts_and_cherry_picks() -> None:
    """Ids that git wrote into the message, in its order, each once."""
    one, two = "a" * 40, "b" * 64
    message = (
        f'Revert "x"\n\nThis reverts commit {one}.\nThis reverts commit {two}, reversing\nThis reverts commit {one}.'
    )
    assert [one, two] == reverts(message)
    assert [one[:7]] == reverts(f"This reverts commit {one[:7]}.")
    assert [] == reverts(f"This reverts commit {one[:6]}. This reverts commit {one.upper()}")
    message = f"x\n\n(cherry picked from commit {one})\n(cherry picked from commit {two})\n"
    assert [one, two] == cherry_picked_from(message)
    assert [] == cherry_picked_from(f"x (cherry picked from commit {one})")


def test_hostile_messages_are_read_in_linear_time() -> None:
    """Half a megabyte of what the patterns begin with is read at once."""
    began = time.monotonic()
    for part in ("(#1", "(#1) ", "A" * 10 + "-", "A-1", "!1", "PR-URL: http://", "Merged in (pull request #", "\n" * 9):
        text = part * (500_000 // len(part))
        for message in (text, f"See merge request {text}", f"PR-URL: https://{text}"):
            pull_request(message)
            ticket_keys.find(message, ["A"])
            ticket_keys.find(message)
    assert time.monotonic() - began < 15
