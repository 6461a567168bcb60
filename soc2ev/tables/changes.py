"""
From commits to changes: every commit of the population gets exactly one fate.

Plain git records no pushes, so each first-parent commit of a production branch is one change, and it brought every
commit that is reachable from it and not from the change before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from soc2ev import ticket_keys
from soc2ev.tables import commit_text, scoping
from soc2ev.tables.standard import CHANGE_COMMITS, CHANGES

if TYPE_CHECKING:
    from soc2ev.config import Config
    from soc2ev.model import Json
    from soc2ev.tables.engine import Engine
    from soc2ev.tables.scoping import Kinds

_REVIEW_TRAILERS = ("reviewed-by", "approved-by", "acked-by", "reviewers")
_PLATFORM_COMMITTERS = frozenset({"noreply@github.com", "noreply@gitlab.com", "noreply@bitbucket.org"})

Ref = tuple[str, str]
"""Repository and branch."""


@dataclass(slots=True)
class _Claims:
    """What the messages and people of one change's commits say."""

    tickets: set[str] = field(default_factory=set)
    makers: set[str] = field(default_factory=set)
    reviewers: set[str] = field(default_factory=set)
    unresolved: bool = False
    unsigned: bool = False
    evidence: set[str] = field(default_factory=set)


def derive(
    engine: Engine, config: Config, starts: Mapping[str, datetime], elsewhere: Collection[str] = frozenset()
) -> None:
    """
    Add to `changes` and `change_commits` what the tables of plain git tell.

    `starts` says for each run when the period begins that it collected; `elsewhere` are repositories whose changes a
    server recorded better. ConfigError for path rules that cannot be read.
    """
    owners = {ref: found for ref, found in _owners(engine, starts).items() if ref[0] not in elsewhere}
    claims = _claims(engine, config, owners)
    paths = _paths(engine)
    brought: dict[Ref, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for ref, owner in owners.items():
        for sha, integration in owner.items():
            brought[ref][integration or ""].append(sha)
    refs_of = _refs_of(engine, config, owners)
    kinds = scoping.kinds(engine)
    releases = _releases(engine)
    outside: dict[Ref, dict[str, str]] = defaultdict(dict)
    items: dict[Ref, dict[str, str]] = defaultdict(dict)

    def rows() -> Iterator[Mapping[str, Json]]:
        for commit in engine.stream(_INTEGRATION_COMMITS):
            ref = (commit["repository"], commit["ref"])
            sha = commit["sha"]
            if sha not in brought[ref]:
                continue
            changed = paths.get((*ref, sha))
            if reason := scoping.outside(config, *ref, changed):
                outside[ref][sha] = reason
                continue
            item = f"{ref[0]}:{ref[1]}@{sha}" if len(refs_of[ref[0]]) > 1 else f"{ref[0]}@{sha}"
            items[ref][sha] = item
            commits = sorted(brought[ref][sha])
            tags = sorted({tag for one in commits for tag in releases.get((ref[0], one), ())})
            yield _change(item, commit, commits, claims[(*ref, sha)], changed, kinds) | {"releases": tags}

    engine.insert(CHANGES, rows())
    engine.insert(CHANGE_COMMITS, _fates(owners, items, outside))


_INTEGRATION_COMMITS = """
    select c.*, i.evidence as integration_evidence from git_commits c
    join git_integrations i on i.repository = c.repository and i.ref = c.ref and i.sha = c.sha
    order by c.repository, c.ref, c.committed_at, c.sha
"""


def _refs_of(engine: Engine, config: Config, owners: Iterable[Ref]) -> dict[str, set[str]]:
    """The production refs of each repository, those without a commit in the period too: an id must not depend on it."""
    found: dict[str, set[str]] = defaultdict(set)
    for row in engine.stream("select distinct repository, ref from git_heads"):
        found[row["repository"]].add(row["ref"])
    for repository, ref in owners:
        found[repository].add(ref)
    for repository, refs in found.items():
        refs.update(*(scope.branches for scope in scoping.entries(config, repository)))
    return found


def _owners(engine: Engine, starts: Mapping[str, datetime]) -> dict[Ref, dict[str, str | None]]:
    """For each commit of each ref the first-parent commit that brought it; None when no integration reaches it."""
    parents: dict[Ref, dict[str, Sequence[str]]] = defaultdict(dict)
    for row in engine.stream("select repository, ref, sha, parents from git_commits"):
        parents[(row["repository"], row["ref"])][row["sha"]] = row["parents"] or ()
    lines: dict[Ref, list[tuple[datetime, int, str]]] = defaultdict(list)
    for row in engine.stream("select repository, ref, sha, position, run from git_integrations"):
        # Months in a row, with a gap or a rewritten branch between them, are no one line that parents could order.
        place = (starts.get(row["run"], datetime.min.replace(tzinfo=UTC)), row["position"], row["sha"])
        lines[(row["repository"], row["ref"])].append(place)
    return {ref: _assign(parents[ref], [sha for _, _, sha in sorted(lines[ref])]) for ref in sorted(parents)}


def _assign(parents: Mapping[str, Sequence[str]], line: Iterable[str]) -> dict[str, str | None]:
    """Along the first-parent line, oldest first, each commit takes what is reachable from it and not yet taken."""
    owner: dict[str, str | None] = {}
    for integration in line:
        open_ends = [integration]
        while open_ends:
            sha = open_ends.pop()
            if sha in parents and sha not in owner:
                owner[sha] = integration
                open_ends.extend(parents[sha])
    return owner | {sha: None for sha in parents if sha not in owner}


def _claims(
    engine: Engine, config: Config, owners: Mapping[Ref, Mapping[str, str | None]]
) -> dict[tuple[str, ...], _Claims]:
    """What the messages, people and trailers of its commits say about each change."""
    found: dict[tuple[str, ...], _Claims] = defaultdict(_Claims)
    people = {row["account"].lower(): row["person"] for row in _rows(engine, "accounts", "system = 'email'")}
    projects = [project for jira in config.sources.jira for project in jira.projects]

    def claims_of(row: Mapping[str, Json]) -> _Claims:
        integration = owners.get((row["repository"], row["ref"]), {}).get(row["sha"])
        claims = found[(row["repository"], row["ref"], integration or "")]
        claims.evidence.add(row["evidence"])
        return claims

    for row in engine.stream("select repository, ref, sha, message, signature, evidence from git_commits"):
        claims = claims_of(row)
        claims.tickets.update(ticket_keys.find(row["message"] or "", projects))
        claims.unsigned |= row["signature"] is None
    for row in engine.stream("select * from git_people"):
        claims = claims_of(row)
        parties = [(row["author_name"], row["author_email"])]
        if (row["committer_email"] or "").lower() not in _PLATFORM_COMMITTERS:
            parties.append((row["committer_name"], row["committer_email"]))
        for name, mail in parties:
            _add_person(claims.makers, claims, people, name, mail)
    for row in engine.stream("select * from git_trailers where lower(key) = 'co-authored-by'"):
        name, _, mail = row["value"].partition("<")
        claims = claims_of(row)
        _add_person(claims.makers, claims, people, name.strip(), mail.strip(" >"))
    listed = ", ".join(f"'{key}'" for key in _REVIEW_TRAILERS)
    for row in engine.stream(f"select * from git_trailers where lower(key) in ({listed})"):  # noqa: S608
        claims_of(row).reviewers.update(part.strip() for part in row["value"].split(",") if part.strip())
    return found


def _add_person(into: set[str], claims: _Claims, people: Mapping[str, str], name: str | None, mail: str | None) -> None:
    known = people.get((mail or "").lower())
    claims.unresolved |= bool(people) and known is None
    into.add(known or f"{name or ''} <{mail or ''}>".strip())


def _change(
    item: str,
    commit: Mapping[str, Json],
    commits: Sequence[str],
    claims: _Claims,
    changed: Sequence[str] | None,
    kinds: Kinds | None,
) -> dict[str, Json]:
    message = commit["message"] or ""
    request = commit_text.pull_request(message)
    reverts = commit_text.reverts(message)
    copies = commit_text.cherry_picked_from(message)
    parents = commit["parents"] or ()
    flags = {
        "INTEGRATION_INFERRED": True,
        "MERGE_COMMIT": len(parents) == 2,  # noqa: PLR2004
        "OCTOPUS_MERGE": len(parents) > 2,  # noqa: PLR2004
        "REVERT": bool(reverts),
        "CHERRY_PICK": bool(copies),
        "NO_TICKET_NAMED": not claims.tickets,
        "UNSIGNED": claims.unsigned,
        "IDENTITY_UNRESOLVED": claims.unresolved,
    }
    return {
        "item": item,
        "repository": commit["repository"],
        "ref": commit["ref"],
        "sha": commit["sha"],
        "integration": "pr_merge" if request else "direct_push",
        "integration_basis": f"inferred: {request[1] if request else 'the message names no pull request'}",
        "integrated_at": commit["committed_at"],
        "integrated_at_basis": "committer date, set by the client that made the commit",
        "pull_request": request[0] if request else None,
        "pull_request_basis": f"claimed by the commit message: {request[1]}" if request else None,
        "title": commit_text.title(message) or commit["subject"],
        "commits": list(commits),
        "tickets": sorted(claims.tickets),
        "makers": sorted(claims.makers),
        "approvers": [],
        "claimed_reviewers": sorted(claims.reviewers),
        "kinds": scoping.kinds_of(kinds, changed),
        "reverts": reverts,
        "cherry_picked_from": copies,
        "paths_changed": None if changed is None else len(changed),
        "flags": sorted(flag for flag, raised in flags.items() if raised),
        "evidence": sorted(claims.evidence | {commit["evidence"], commit["integration_evidence"]}),
    }


def _fates(
    owners: Mapping[Ref, Mapping[str, str | None]],
    items: Mapping[Ref, Mapping[str, str]],
    outside: Mapping[Ref, Mapping[str, str]],
) -> Iterator[Mapping[str, Json]]:
    for ref, owner in owners.items():
        for sha, brought_by in sorted(owner.items()):
            integration = brought_by or ""
            row: dict[str, Json] = {"repository": ref[0], "ref": ref[1], "sha": sha}
            if integration in items[ref]:
                yield row | {"item": items[ref][integration], "fate": "in a change"}
            elif integration in outside[ref]:
                yield row | {"fate": "outside", "reason": outside[ref][integration]}
            else:
                yield row | {"fate": "unexplained", "reason": "no change of the production branch brought this commit"}


def _paths(engine: Engine) -> dict[tuple[str, ...], list[str]]:
    """Changed files by repository, ref and integration; an integration that is missing here has unknown files."""
    found: dict[tuple[str, ...], list[str]] = {}
    for row in engine.stream("select repository, ref, sha, path from git_paths order by all"):
        files = found.setdefault((row["repository"], row["ref"], row["sha"]), [])
        if row["path"] is not None:
            files.append(row["path"])
    return found


def _releases(engine: Engine) -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in _rows(engine, "git_refs", "ref like 'refs/tags/%'"):
        found[(row["repository"], row["commit_sha"])].append(row["ref"].removeprefix("refs/tags/"))
    return found


def _rows(engine: Engine, table: str, where: str) -> Iterator[Mapping[str, Json]]:
    yield from engine.stream(f'select * from "{table}" where {where}')  # noqa: S608
