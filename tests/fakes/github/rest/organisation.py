"""The organisation, the token itself and the service over REST."""

from __future__ import annotations

from typing import Any

from tests.fakes.github.access import RefusedError
from tests.fakes.github.names import opaque
from tests.fakes.github.rest.asking import Ask, Listing, Route
from tests.fakes.github.rest.governance import ruleset_shape, version_of, versions
from tests.fakes.github.tokens import ACTIONS, CLASSIC, INSTALLATION
from tests.fakes.github.world import Account, Repository, Team

_FAR = "1970-01-01T00:00:00Z"


def _organisation(ask: Ask) -> None:
    if ask.parts["org"].lower() != ask.world.organisation.login.lower():
        raise RefusedError(404, "Not Found")
    if ask.viewer.token.kind == CLASSIC and not ask.viewer.token.sso_authorised:
        raise RefusedError(404, "Not Found")


def _members_only(ask: Ask) -> None:
    _organisation(ask)
    token = ask.viewer.token
    if not (token.has("members") or {"read:org", "admin:org"} & set(token.scopes)):
        raise RefusedError(403, token.refusal)


def organisation(ask: Ask) -> dict[str, Any]:
    """An `organization-full`."""
    _organisation(ask)
    made = ask.shapes.user(ask.world.organisation) or {}
    url = f"{ask.shapes.api}/orgs/{ask.world.organisation.login}"
    links = {f"{name}_url": f"{url}/{name}" for name in ("hooks", "issues", "members", "public_members")}
    counts = dict.fromkeys(("public_repos", "public_gists", "followers", "following"), 0)
    switches = dict.fromkeys(("has_organization_projects", "has_repository_projects"), True)
    dates = {"created_at": _FAR, "updated_at": _FAR, "archived_at": None}
    return {**made, **links, **counts, **switches, **dates, "url": url, "description": None}


def _seen(ask: Ask) -> list[Repository]:
    return [one for one in ask.world.repositories.values() if ask.viewer.sees(one)]


def repositories(ask: Ask) -> Listing:
    """The organisation's repositories that the token sees."""
    _organisation(ask)
    return Listing(_seen(ask), ask.shapes.repository)


def installed(ask: Ask) -> Listing:
    """The repositories of an installation; 403 for every other kind of token."""
    if ask.viewer.token.kind not in (INSTALLATION, ACTIONS):
        raise RefusedError(
            403, "You must authenticate with an installation access token in order to list repositories."
        )
    chosen = {"repository_selection": "all" if ask.viewer.token.repositories is None else "selected"}
    return Listing(_seen(ask), ask.shapes.repository, "repositories", whole=chosen)


def app(ask: Ask) -> dict[str, Any]:
    """The App itself. GitHub wants a signed JWT here; an installation token stands in for it."""
    found = ask.world.apps.get(ask.viewer.token.app or "")
    if ask.viewer.token.kind != INSTALLATION or found is None:
        raise RefusedError(401, "A JSON web token could not be decoded")
    return {**ask.shapes.app(found), "permissions": dict(ask.viewer.token.permissions)}


def public_app(ask: Ask) -> dict[str, Any]:
    """An App by its slug, which anybody may see."""
    found = ask.world.apps.get(ask.parts["slug"])
    if found is None:
        raise RefusedError(404, "Not Found")
    return ask.shapes.app(found)


def user(ask: Ask) -> dict[str, Any]:
    """The user behind the token; 403 for an installation."""
    account = ask.viewer.account
    if account is None:
        raise RefusedError(403, ask.viewer.token.refusal)
    return _whole(ask, account)


def _whole(ask: Ask, account: Account) -> dict[str, Any]:
    made = ask.shapes.user(account) or {}
    blank = dict.fromkeys(("company", "email", "location", "hireable", "bio"))
    counts = dict.fromkeys(("public_repos", "public_gists", "followers", "following"), 0)
    return {**made, **blank, **counts, "name": account.name, "blog": "", "created_at": _FAR, "updated_at": _FAR}


def members(ask: Ask) -> Listing:
    """The people of the organisation."""
    _members_only(ask)
    people = [one for one in ask.world.accounts.values() if one.kind == "User" and not one.deleted]
    return Listing(people, ask.shapes.user)


def _team(ask: Ask, one: Team) -> dict[str, Any]:
    url = f"{ask.shapes.api}/organizations/{ask.world.organisation.id}/team/{one.id}"
    return {
        "id": one.id,
        "node_id": opaque("Team", one.id),
        "url": url,
        "html_url": f"{ask.shapes.web}/orgs/{ask.world.organisation.login}/teams/{one.slug}",
        "members_url": f"{url}/members{{/member}}",
        "repositories_url": f"{url}/repos",
        "name": one.slug,
        "slug": one.slug,
        "description": None,
        "permission": "pull",
        "parent": None,
        "type": "organization",
    }


def teams(ask: Ask) -> Listing:
    """The organisation's teams."""
    _members_only(ask)
    return Listing(ask.world.teams, lambda one: _team(ask, one))


def repository_teams(ask: Ask) -> Listing:
    """The teams that reach a repository."""
    rows = [one for one in ask.world.teams if ask.repository.name in one.repositories]
    return Listing(rows, lambda one: {**_team(ask, one), "permission": one.repositories[ask.repository.name]})


def team_members(ask: Ask) -> Listing:
    """The people of a team."""
    _members_only(ask)
    found = next((one for one in ask.world.teams if one.slug == ask.parts["team"]), None)
    if found is None:
        raise RefusedError(404, "Not Found")
    return Listing([one for one in found.members if not one.deleted], ask.shapes.user)


def properties(ask: Ask) -> Listing:
    """Custom properties of every repository."""
    _members_only(ask)

    def show(one: Repository) -> dict[str, Any]:
        rows = [{"property_name": name, "value": value} for name, value in one.properties.items()]
        made = {"repository_id": one.id, "repository_name": one.name, "repository_full_name": one.full_name}
        return {**made, "properties": rows}

    return Listing(_seen(ask), show)


def rulesets(ask: Ask) -> Listing:
    """The organisation's rulesets, for its owners."""
    _organisation(ask)
    if not ask.viewer.owns_organisation():
        ask.viewer.refuse()
    return Listing(ask.world.rulesets, lambda one: ruleset_shape(ask, one, whole=False, editor=False))


def ruleset_history(ask: Ask) -> Listing:
    """The versions of a ruleset of the organisation, for its owners."""
    _organisation(ask)
    if not ask.viewer.owns_organisation():
        ask.viewer.refuse()
    found = next((one for one in ask.world.rulesets if str(one.id) == ask.parts["ruleset"]), None)
    if found is None:
        raise RefusedError(404, "Not Found")
    return versions(found)


def audit(ask: Ask) -> Listing:
    """The audit log, newest first, by `phrase` words `action:`, `repo:`, `actor:`; Enterprise Cloud, for owners."""
    _organisation(ask)
    token = ask.viewer.token
    allowed = "read:audit_log" in token.scopes if token.kind == CLASSIC else token.has("organization_administration")
    if not allowed or not ask.viewer.owns_organisation():
        raise RefusedError(403, token.refusal)
    wants = dict(word.split(":", 1) for word in ask.query.get("phrase", "").split() if ":" in word)
    rows = [
        row
        for row in sorted(ask.world.audit, key=lambda row: row["@timestamp"], reverse=True)
        if all(str(row.get(name, "")).startswith(value) for name, value in wants.items() if name != "created")
    ]
    return Listing(rows, dict, cursor=True)


def meta(ask: Ask) -> dict[str, Any]:
    """The service; `installed_version` on Enterprise Server only."""
    made: dict[str, Any] = {"verifiable_password_authentication": False}
    return {**made, "installed_version": ask.world.enterprise} if ask.world.enterprise else made


def _somebody(ask: Ask) -> dict[str, Any]:
    account = ask.world.accounts.get(ask.parts["username"])
    if account is None or account.deleted:
        raise RefusedError(404, "Not Found")
    return _whole(ask, account)


ROUTES = (
    Route("/meta", "", meta),
    Route("/rate_limit", "", lambda ask: dict(ask.rate)),
    Route("/user", "", user),
    Route("/users/{username}", "", _somebody),
    Route("/app", "", app),
    Route("/apps/{slug}", "", public_app),
    Route("/installation/repositories", "", installed),
    Route("/user/repos", "", lambda ask: Listing(_seen(ask), ask.shapes.repository)),
    Route("/orgs/{org}", "", organisation),
    Route("/orgs/{org}/repos", "metadata", repositories),
    Route("/orgs/{org}/members", "members", members),
    Route("/orgs/{org}/teams", "members", teams),
    Route("/orgs/{org}/teams/{team}/members", "members", team_members),
    Route("/orgs/{org}/properties/values", "organization_custom_properties", properties),
    Route("/orgs/{org}/rulesets", "organization_administration=write", rulesets),
    Route("/orgs/{org}/rulesets/{ruleset}/history", "organization_administration=write", ruleset_history),
    Route(
        "/orgs/{org}/rulesets/{ruleset}/history/{version}",
        "organization_administration=write",
        lambda ask: version_of(ask, ruleset_history(ask)),
    ),
    Route("/orgs/{org}/audit-log", "organization_administration", audit),
    Route("/repos/{owner}/{repo}/teams", "administration", repository_teams),
)
