"""
How the stored answers of git are read again, as rows of the declared tables.

Each body stands under a stream and a role (both in its request); the functions here turn one body into rows
and use nothing but that body and its own request and response, so that a pack is re-performed without the
repository.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from soc2ev.errors import TamperedError
from soc2ev.model import EvidenceItem, Json, Stream
from soc2ev.sources.git import parse, tables

Row = tuple[str, Mapping[str, Json]]
Rows = Callable[[EvidenceItem, bytes], Iterator[Row]]

REFS = ("refname", "symref", "objectname", "objecttype", "*objectname", "*objecttype")
TAGS = ("creatordate:unix", "taggername", "taggeremail", "contents:subject")
REF_WIDTH = len(REFS) + len(TAGS)
PEOPLE = (b"%aN", b"%aE", b"%cN", b"%cE")
PEOPLE_WIDTH = 1 + len(PEOPLE)
TRAILERS_WIDTH = 2
HEADS = ("tip", "start", "end", "kept")


def repository_rows(item: EvidenceItem, body: bytes) -> Iterator[Row]:
    """git_repositories from the body with role `facts`, git_refs from the one with role `refs`."""
    repository = item.request["repository"]
    if item.request["role"] == "facts":
        shallow, bare, object_format = facts(body)
        row = {"git_version": item.request.get("git_version"), "bare": bare, "shallow": shallow}
        yield "git_repositories", {"repository": repository, **row, "object_format": object_format}
    elif item.request["role"] == "refs":
        for record in parse.fields(body, REF_WIDTH):
            yield "git_refs", {"repository": repository, **_ref(record)}


def head_rows(item: EvidenceItem, body: bytes) -> Iterator[Row]:
    """
    git_heads: one row from each body with role tip, start, end or kept.

    None from the other questions of the stream: they lead to a boundary and are none themselves.
    """
    request, role = item.request, item.request["role"]
    if role not in HEADS:
        return
    sha = request["tip"] if role == "kept" else boundary(request, body)
    yield (
        "git_heads",
        {
            **_scope(item),
            "role": role,
            "sha": sha,
            "other": request.get("other"),
            "answer": item.response["exit"] == 0 if role == "kept" else None,
            "basis": request.get("basis"),
            "observed_at": item.received_at,
        },
    )


def commit_rows(item: EvidenceItem, body: bytes) -> Iterator[Row]:
    """git_commits from each body with role `objects`; TamperedError when one does not hash to its id."""
    if item.request["role"] != "objects":
        return
    for sha, content in parse.objects(body):
        yield "git_commits", {**_scope(item), **_commit(parse.commit(sha, content))}


def trailer_rows(item: EvidenceItem, body: bytes) -> Iterator[Row]:
    """git_people from each body with role `people`, git_trailers from those with role `trailers`."""
    if item.request["role"] == "people":
        for record in parse.fields(body, PEOPLE_WIDTH):
            yield "git_people", {**_scope(item), "sha": parse.full_id(record[0]), **_people(record[1:])}
    elif item.request["role"] == "trailers":
        for raw, block in parse.fields(body, TRAILERS_WIDTH):
            sha = parse.full_id(raw)
            for position, (key, value) in enumerate(parse.trailers(block)):
                row = {"sha": sha, "position": position, "key": key, "value": value}
                yield "git_trailers", {**_scope(item), **row}


def integration_rows(item: EvidenceItem, body: bytes) -> Iterator[Row]:
    """git_integrations, oldest first (git lists the newest first)."""
    if item.request["role"] != "line":
        return
    for position, sha in enumerate(reversed(parse.ids(body))):
        yield "git_integrations", {**_scope(item), "sha": sha, "position": position}


def shortlog_rows(item: EvidenceItem, body: bytes) -> Iterator[Row]:
    """git_shortlog, in git's order."""
    for (name, email), commits in parse.shortlog(body).items():
        yield "git_shortlog", {**_scope(item), "name": name, "email": email, "commits": commits}


def path_rows(item: EvidenceItem, body: bytes) -> Iterator[Row]:
    """git_paths in git's order of paths."""
    for sha, paths in parse.changed(body):
        for position, (status, path) in enumerate(paths):
            row = {"sha": sha, "position": position, "status": status, "path": path}
            yield "git_paths", {**_scope(item), **row}


def _of_lists(rows: Rows) -> Rows:
    """No rows from a body that nobody counted: a command that failed, or a question beside the list."""

    def read(item: EvidenceItem, body: bytes) -> Iterator[Row]:
        if item.count is not None:
            yield from rows(item, body)

    return read


STREAMS: tuple[Stream, ...] = (
    Stream("repository", (tables.REPOSITORIES, tables.REFS), _of_lists(repository_rows), snapshot=True),
    Stream("heads", (tables.HEADS,), _of_lists(head_rows), per_run=True),
    Stream("integrations", (tables.INTEGRATIONS,), _of_lists(integration_rows)),
    Stream("commits", (tables.COMMITS,), _of_lists(commit_rows)),
    Stream("trailers", (tables.PEOPLE, tables.TRAILERS), _of_lists(trailer_rows)),
    Stream("shortlog", (tables.SHORTLOG,), _of_lists(shortlog_rows), per_run=True),
    Stream("paths", (tables.PATHS,), _of_lists(path_rows)),
)


def facts(body: bytes) -> tuple[bool, bool, str]:
    """(shallow, bare, object format) from the three lines of `rev-parse`; TamperedError for other output."""
    lines = body.decode("ascii", "replace").split()
    known = {"true": True, "false": False}
    if len(lines) != 3 or lines[0] not in known or lines[1] not in known:  # noqa: PLR2004 - three questions
        raise TamperedError("git's answer about the repository is not understood")
    return known[lines[0]], known[lines[1]], lines[2]


def boundary(request: Mapping[str, Json], body: bytes) -> str | None:
    """The head in that answer; when the walk found none, the older head at which it stopped, if any."""
    stopped_at: str | None = request.get("lower")
    return parse.full_id(body) if body.strip() else stopped_at


def _scope(item: EvidenceItem) -> dict[str, Json]:
    return {"repository": item.request["repository"], "ref": item.request["branch"]}


def _ref(record: list[bytes]) -> dict[str, Json]:
    ref, target, named, kind, peeled, peeled_kind = (parse.name(part) for part in record[: len(REFS)])
    created, tagger, email, subject = (parse.text(part) for part in record[len(REFS) :])
    commit = named if kind == "commit" else peeled if peeled_kind == "commit" else None
    return {
        "ref": ref,
        "target": target or None,
        "object": named,
        "kind": kind,
        "commit_sha": commit,
        "created_at": parse.instant(created),
        "tagger_name": tagger or None,
        "tagger_email": email.strip("<>") or None,
        "subject": subject,
    }


def _commit(commit: parse.Commit) -> dict[str, Json]:
    return {
        "sha": commit.sha,
        "parents": list(commit.parents),
        "tree": commit.tree,
        "author_name": commit.author.name,
        "author_email": commit.author.email,
        "authored_at": commit.author.at,
        "committer_name": commit.committer.name,
        "committer_email": commit.committer.email,
        "committed_at": commit.committer.at,
        "subject": commit.subject,
        "message": commit.message,
        "signature": commit.signature,
        "encoding": commit.encoding,
    }


def _people(record: list[bytes]) -> dict[str, Json]:
    names = ("author_name", "author_email", "committer_name", "committer_email")
    # Where a commit has no such person, git prints the placeholder itself: that is nobody's name.
    told = (None if part == asked else parse.text(part) for part, asked in zip(record, PEOPLE, strict=True))
    return dict(zip(names, told, strict=True))
