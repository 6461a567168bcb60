"""Query roots, accounts and the organisation."""

from __future__ import annotations

import re
from typing import Any

from tests.fakes.github import search
from tests.fakes.github import world as w
from tests.fakes.github.names import resolve
from tests.fakes.github.resolvers.shared import (
    FieldRefusedError,
    Info,
    Resolver,
    connection,
    demand,
    ordered,
    session,
    url,
)

_RUN = re.compile(r"/([^/]+/[^/]+)/actions/runs/([0-9]+)")


def repository(_: Any, info: Info, *, owner: str, name: str, follow_renames: bool = True) -> w.Repository:
    """The repository under its present or, unless refused, a former name."""
    here, full = session(info), f"{owner}/{name}"
    found = here.world.repository(full)
    renamed = found is not None and found.full_name.lower() != full.lower()
    if found is None or not here.viewer.sees(found) or (renamed and not follow_renames):
        raise FieldRefusedError("NOT_FOUND", f"Could not resolve to a Repository with the name '{full}'.")
    return found


def organization(_: Any, info: Info, *, login: str) -> w.Account:
    """The organisation of the world."""
    found = session(info).world.organisation
    if found.login.lower() != login.lower():
        raise FieldRefusedError("NOT_FOUND", f"Could not resolve to an Organization with the login of '{login}'.")
    return found


def user(_: Any, info: Info, *, login: str) -> w.Account:
    """A user by login."""
    found = session(info).world.accounts.get(login)
    if found is None or found.deleted or found.kind != "User":
        raise FieldRefusedError("NOT_FOUND", f"Could not resolve to a User with the login of '{login}'.")
    return found


def owner(_: Any, info: Info, *, login: str) -> w.Account | None:
    """The organisation or user of that login; null, without an error, when there is none."""
    here = session(info).world
    people = [here.organisation, *(one for one in here.accounts.values() if one.kind == "User" and not one.deleted)]
    return next((one for one in people if one.login.lower() == login.lower()), None)


def viewer(_: Any, info: Info) -> w.Account:
    """The user behind the token; an App installation has none that may be read."""
    found = session(info).viewer.account
    if found is None:
        raise FieldRefusedError("FORBIDDEN", session(info).viewer.token.refusal)
    return found


def one_node(info: Info, text: str) -> Any | None:
    """The object with that id, if the token may see its repository."""
    here = session(info)
    found = resolve(here.world, text)
    if isinstance(found, w.Account) or found is None:
        return found
    home = found if isinstance(found, w.Repository) else getattr(found, "repository", None) or found.pull.repository
    if not here.viewer.sees(home):
        return None
    if isinstance(found, (w.PullRequest, w.Review)):
        demand(info, home, "pull_requests")
    return found


def _missing(text: str) -> FieldRefusedError:
    return FieldRefusedError("NOT_FOUND", f"Could not resolve to a node with the global id of '{text}'")


def node(_: Any, info: Info, *, id: str) -> Any:  # noqa: A002  the name is GitHub's
    """One object by its id."""
    found = one_node(info, id)
    if found is None:
        raise _missing(id)
    return found


def nodes(_: Any, info: Info, *, ids: list[str]) -> list[Any]:
    """Objects in the order of their ids; null and an error with its path where there is none."""
    made: list[Any] = []
    for text in ids:
        try:
            made.append(one_node(info, text) or _missing(text))
        except FieldRefusedError as refused:
            made.append(refused)
    return made


def repositories(
    owned_by: w.Account,
    info: Info,
    *,
    order_by: Any = None,
    is_archived: Any = None,
    is_fork: Any = None,
    **page: Any,
) -> dict[str, Any]:
    """The owner's repositories that the token sees."""
    here = session(info)
    found = [
        one
        for one in here.world.repositories.values()
        if here.viewer.sees(one)
        and one.owner is owned_by
        and (is_archived is None or one.archived == is_archived)
        and (is_fork is None or one.fork == is_fork)
    ]
    keys = {
        "NAME": lambda one: one.name,
        "CREATED_AT": lambda one: one.created_at,
        "PUSHED_AT": lambda one: one.pushed_at or one.created_at,
        "UPDATED_AT": lambda one: one.pushed_at or one.created_at,
    }
    return connection(ordered(found, order_by, keys), **page)


def _members_only(info: Info) -> None:
    token = session(info).viewer.token
    if not (token.has("members") or "read:org" in token.scopes):
        raise FieldRefusedError("FORBIDDEN", token.refusal)


def teams(_: w.Account, info: Info, **page: Any) -> dict[str, Any]:
    """The organisation's teams; they need Members read."""
    _members_only(info)
    return connection(session(info).world.teams, **page)


def members(_: w.Account, info: Info, **page: Any) -> dict[str, Any]:
    """The people of the organisation; they need Members read."""
    _members_only(info)
    people = [one for one in session(info).world.accounts.values() if one.kind == "User" and not one.deleted]
    return connection(people, **page)


def resource(_: Any, info: Info, *, url: str) -> w.WorkflowRun | None:
    """What an address of the service shows: workflow runs, which need Actions read. Null for anything else."""
    here = session(info)
    found = _RUN.fullmatch(url.removeprefix(here.web))
    home = here.world.repository(found[1]) if found else None
    if home is None or found is None or not here.viewer.sees(home):
        return None
    demand(info, home, "actions")
    return home.runs.get(int(found[2]))


def find(_: Any, info: Info, *, query: str, type: str, **page: Any) -> dict[str, Any]:  # noqa: A002
    """Pull requests by search: never more than the first 1,000, although `issueCount` says how many there are."""
    here = session(info)
    if type != "ISSUE":
        raise FieldRefusedError("UNPROCESSABLE", f"search type {type} is not part of this service")
    found = search.pulls(here.viewer, query)
    answer = connection(found[: search.LIMIT], **page)
    return {**answer, "issueCount": len(found), "repositoryCount": 0}


def _rulesets(_: w.Account, info: Info, **page: Any) -> dict[str, Any] | None:
    # Null, not empty, for those who may not see the organisation's rules.
    here = session(info)
    return connection(here.world.rulesets, **page) if here.viewer.owns_organisation() else None


def _address(one: w.Account, info: Info) -> str:
    return url(info, f"/{one.login}")


def _path(one: w.Account, _: Info) -> str:
    return f"/{one.login}"


RESOLVERS: dict[tuple[str, str], Resolver] = {
    ("Query", "repository"): repository,
    ("Query", "organization"): organization,
    ("Query", "user"): user,
    ("Query", "repositoryOwner"): owner,
    ("Query", "viewer"): viewer,
    ("Query", "node"): node,
    ("Query", "nodes"): nodes,
    ("Query", "resource"): resource,
    ("Query", "search"): find,
    ("Query", "rateLimit"): lambda _, info: session(info).rate,
    ("Organization", "repositories"): repositories,
    ("User", "repositories"): repositories,
    ("Organization", "teams"): teams,
    ("Organization", "membersWithRole"): members,
    ("Organization", "rulesets"): _rulesets,
    ("Team", "members"): lambda team, _, **page: connection(team.members, **page),
    ("Team", "name"): lambda team, _: team.slug,
    **{(kind, "url"): _address for kind in ("User", "Bot", "Organization")},
    **{(kind, "resourcePath"): _path for kind in ("User", "Bot", "Organization")},
    **{(kind, "databaseId"): lambda one, _: one.id for kind in ("User", "Bot", "Organization", "Team", "App")},
    ("User", "createdAt"): lambda _, __: "2020-01-01T00:00:00Z",
}
