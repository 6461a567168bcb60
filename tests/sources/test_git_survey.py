"""The first look at a folder that `soc2ev init` takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from soc2ev.errors import CollectError
from soc2ev.sources.git.survey import Survey, name_of, pull_request_share, survey, ticket_prefixes
from tests.fakes.repositories import Change, Repository

if TYPE_CHECKING:
    from pathlib import Path


def test_a_repository_is_described(tmp_path: Path) -> None:
    """Root, name, branches, tags, ticket prefixes and the habit of pull requests, from a folder inside it."""
    repository = Repository.init(tmp_path / "repo")
    messages = [
        "API-1: start",
        "WEB-7 API-2 more (#12)",
        "Use UTF-8 and SHA-256",
        "Merge pull request #3 from a/b\n\nAPI-9",
    ]
    names = [f"c{number}" for number in range(len(messages))]
    repository.make(
        [Change(name, names[:n][-1:], message=messages[n]) for n, name in enumerate(names)],
        main="c3",
        dev="c1",
    )
    repository.git("tag", "v1", "main")
    repository.git("remote", "add", "origin", "https://ann:sentinel-secret@git.example.com/acme/api.git")
    (repository.path / "deep/er").mkdir(parents=True)
    expected = Survey(
        is_repository=True,
        root=repository.path,
        remote="acme/api",
        default_branch="main",
        branches=("dev", "main"),
        tags=1,
        ticket_prefixes={"API": 3, "WEB": 1},
        commits_looked_at=4,
        pull_request_share=0.5,
    )
    assert survey(repository.path / "deep/er") == expected


def test_a_folder_without_repository_is_none(tmp_path: Path) -> None:
    """Neither a plain folder nor a missing one is a repository, and neither raises."""
    assert survey(tmp_path) == Survey(is_repository=False)
    assert survey(tmp_path / "missing") == Survey(is_repository=False)


def test_an_empty_and_a_bare_repository_are_described(tmp_path: Path) -> None:
    """An unborn branch has a name and no messages; a bare repository is its own root."""
    made = Repository.init(tmp_path / "bare.git", bare=True, branch="trunk")
    expected = Survey(is_repository=True, root=made.path, default_branch="trunk", bare=True)
    assert survey(made.path) == expected


def test_a_shallow_clone_and_origins_default_branch_are_told(tmp_path: Path) -> None:
    """The default branch is origin's, whatever is checked out; a cut-off history is named."""
    origin = Repository.init(tmp_path / "origin", branch="trunk")
    origin.make([Change("a", message="OPS-1"), Change("b", ["a"], message="OPS-2")], trunk="b")
    Repository(tmp_path).git("clone", "-q", "--depth=1", f"file://{tmp_path}/origin", "repo")
    Repository(tmp_path / "repo").git("checkout", "-q", "--detach")
    found = survey(tmp_path / "repo")
    assert (found.default_branch, found.shallow, found.remote) == ("trunk", True, None)
    assert found.ticket_prefixes == {"OPS": 1}


def test_without_git_a_survey_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No git is an error with a hint, never `no repository`."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CollectError) as caught:
        survey(tmp_path)
    assert "install git" in caught.value.hint


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://github.com/acme/api.git", "acme/api"),
        ("https://ann:secret@github.com/acme/api", "acme/api"),
        ("git@github.com:acme/api.git", "acme/api"),
        ("ssh://git@git.example.com:2222/group/sub/api.git/", "group/sub/api"),
        ("github.com:acme/api", "acme/api"),
        ("https://github.com/acme/api.git?token=secret", None),
        ("/srv/git/api.git", None),
        ("../api", None),
        ("file:///srv/git/api.git", None),
        ("C:/code/api", None),
        ("https://github.com/api", None),
        ("", None),
    ],
)
def test_the_name_of_a_remote_has_no_host_and_no_secret(address: str, name: str | None) -> None:
    """Only owner and name come out of an address; a path or anything odd has no name."""
    assert name_of(address) == name


def test_look_alikes_are_no_tickets() -> None:
    """Standards and codes are not counted; a prefix counts once a message; the most frequent comes first."""
    messages = [
        "UTF-8 SHA-256 CVE-2024-1 ISO-27001 RFC-2119 COVID-19",
        "X-1 a-2 AB-0",
        "AB-1 AB-2",
        "CD-3",
        "CD-4: AB_9-1",
    ]
    assert ticket_prefixes(messages) == {"CD": 2, "AB": 1, "AB_9": 1}


def test_the_share_of_pull_requests_looks_at_first_lines() -> None:
    """A number in the body is no pull request; without messages there is no share."""
    assert pull_request_share(["a (#1)", "b\n\n(#2)", "Merge pull request #3 from x", "c #4"]) == 0.5
    assert pull_request_share([]) is None
