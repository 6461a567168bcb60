"""Nulls and other types where GitHub always has a value are refused: they never say that a rule asks for nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from soc2ev.model import EvidenceItem
from soc2ev.sources.github import delivery_shapes, governance, rule_versions, shapes, streams
from tests.fakes.github.faults import Fault, Wire
from tests.fakes.github.scenarios.story import Story
from tests.sources.github.runs import collect

RULESET: dict[str, Any] = {
    "id": 1,
    "name": "main",
    "enforcement": "active",
    "bypass_actors": [{"actor_id": 5, "actor_type": "RepositoryRole", "bypass_mode": "always"}],
    "rules": [
        {
            "type": "pull_request",
            "parameters": {"required_approving_review_count": 1, "require_code_owner_review": True},
        },
        {"type": "required_status_checks", "parameters": {"required_status_checks": [{"context": "test"}]}},
    ],
}
PROTECTION: dict[str, Any] = {
    "required_pull_request_reviews": {"required_approving_review_count": 1},
    "required_status_checks": {"strict": False, "contexts": ["test"]},
    "enforce_admins": {"enabled": True},
    "allow_force_pushes": {"enabled": False},
    "allow_deletions": {"enabled": False},
}
MOVE = {"id": 1, "ref": "refs/heads/main", "before": "0" * 40, "after": "a" * 40, "activity_type": "push"}
MOVE |= {"timestamp": "2026-10-05T12:00:00Z", "actor": {"login": "ann", "id": 7}}
OF = {"repository": "acme/api", "refs": ["main"], "ref": "main", "bound": False, "ruleset": 1, "until": None}
OF |= {"current": "acme/api", "default": "main"}


def version(value: Any) -> Any:
    """The same ruleset as one of its versions."""
    ref = {"include": ["~ALL"], "exclude": []}
    return {"version_id": 1, "updated_at": None, "state": {**value, "conditions": {"ref_name": ref}}}


READ: dict[str, tuple[Any, Callable[[Any], Any]]] = {
    "ruleset": (RULESET, lambda told: list(governance.ruleset_rows(OF, told))),
    "version": (version(RULESET), lambda told: list(rule_versions.version_rows(OF, told))),
    "listed": ([RULESET], lambda told: list(rule_versions.listed_rows(OF, told))),
    "protection": (PROTECTION, lambda told: list(governance.protection_rows(OF, told))),
    "move": (MOVE, shapes.move),
}
ODD: list[tuple[str, list[str | int], Any]] = [
    ("ruleset", ["enforcement"], None),
    ("ruleset", ["rules", 0, "type"], None),
    ("ruleset", ["rules", 0, "parameters", "required_approving_review_count"], None),
    ("ruleset", ["rules", 0, "parameters", "require_code_owner_review"], None),
    ("ruleset", ["rules", 1, "parameters", "required_status_checks", 0, "context"], None),
    ("ruleset", ["rules", 1, "parameters", "required_status_checks"], []),
    ("ruleset", ["bypass_actors", 0, "actor_type"], None),
    ("ruleset", ["bypass_actors", 0, "actor_id"], None),
    ("ruleset", ["bypass_actors", 0, "bypass_mode"], None),
    ("version", ["state", "enforcement"], None),
    ("version", ["state", "rules", 1, "parameters", "required_status_checks"], []),
    ("version", ["state", "conditions", "ref_name", "include"], None),
    ("version", ["state", "conditions", "ref_name", "exclude"], None),
    ("listed", [0, "enforcement"], None),
    ("listed", [0, "target"], None),
    ("protection", ["required_pull_request_reviews"], None),
    ("protection", ["required_pull_request_reviews", "required_approving_review_count"], None),
    ("protection", ["required_pull_request_reviews"], {}),
    ("protection", ["required_status_checks"], None),
    ("protection", ["enforce_admins"], None),
    ("protection", ["enforce_admins", "enabled"], "yes"),
    ("protection", ["allow_force_pushes"], None),
    ("move", ["activity_type"], None),
    ("move", ["before"], None),
    ("move", ["after"], None),
    ("move", ["actor"], {}),
    ("move", ["actor", "id"], "7"),
    ("move", ["actor", "login"], None),
]


@pytest.mark.parametrize(("kind", "place", "value"), ODD, ids=str)
def test_what_github_always_tells(kind: str, place: list[str | int], value: Any) -> None:
    """As GitHub gives it, it can be read; with that one value in its place it cannot."""
    given, read = READ[kind]
    assert read(given)
    told = deepcopy(given)
    holder = told
    for step in place[:-1]:
        holder = holder[step]
    holder[place[-1]] = value
    with pytest.raises((AttributeError, KeyError, TypeError)):
        read(told)


def test_whoever_moved_a_branch_and_was_deleted_since() -> None:
    """GitHub tells null then; a record without the member was cut."""
    assert shapes.move({**MOVE, "actor": None})["actor"] is None
    with pytest.raises(KeyError):
        shapes.move({name: value for name, value in MOVE.items() if name != "actor"})


def test_protection_that_leaves_something_out() -> None:
    """What was left out is not known, rather than refused; an object without the admins is no protection."""
    ((_, row),) = governance.protection_rows(OF, {"enforce_admins": {"enabled": True}})
    assert (None, None) == (row["no_force_push"], row["no_deletion"])
    with pytest.raises(KeyError):
        list(governance.protection_rows(OF, {"allow_force_pushes": {"enabled": False}}))


@pytest.mark.parametrize("app", [True, "ci", 1.5])
def test_an_app_that_is_no_number(app: object) -> None:
    """It would be another App than the one that must report the check; null and -1 are any App."""
    assert ["15368", "", ""] == [governance.app_number(one) for one in (15368, None, -1)]
    with pytest.raises(TypeError):
        governance.app_number(app)


def test_names_roles_and_times_of_another_kind() -> None:
    """An environment without a name would be none, a role without one that of nobody, and True a time of 1970."""
    person = {"login": "ann", "id": 7, "type": "User"}
    ((_, row),) = governance.permission_rows(OF, [{**person, "role_name": "admin"}])
    assert "admin" == row["role"]
    event = {"action": governance.OVERRIDE, "repo": "acme/api", "created_at": True}
    for read in (
        lambda: governance.permission_rows(OF, [{**person, "role_name": ""}]),
        lambda: governance.environment_rows(OF, {"environments": [{"name": "", "protection_rules": []}]}),
        lambda: governance.override_rows({**OF, "current": "acme/api"}, [event]),
    ):
        with pytest.raises(TypeError):
            list(read())


def test_an_administrator_by_an_unknown_mode() -> None:
    """Whoever may bypass in a way that is not for requests alone is taken for one who always may."""
    actor = {"actor_id": 5, "actor_type": "RepositoryRole", "bypass_mode": "unheard-of"}
    ((_, row),) = governance.ruleset_rows(OF, {**RULESET, "bypass_actors": [actor]})
    assert row["admins_included"] is False


def test_an_answer_at_the_gate_of_no_environment() -> None:
    """It would say that nobody answered at the gate of the one that was deployed to."""
    said = {"state": "approved", "comment": "", "user": None}
    assert ["production"] == delivery_shapes.gate_answer({**said, "environments": [{"name": "production"}]})[
        "environments"
    ]
    with pytest.raises(ValueError, match="no environment"):
        delivery_shapes.gate_answer({**said, "environments": []})


def linkless(wire: Wire, _: Wire | None) -> Wire:
    """An answer as it comes through a proxy that takes the header away."""
    return Wire(wire.status, {name: text for name, text in wire.headers.items() if name != "Link"}, wire.body)


@pytest.mark.parametrize(("people", "hidden", "gap"), [(101, True, True), (100, False, False), (99, True, False)])
def test_a_list_whose_next_pages_are_hidden(tmp_path: Path, people: int, *, hidden: bool, gap: bool) -> None:
    """A full first page without a next one is asked for again with a row less, which has to name a next one."""
    story = Story()
    for number in range(people - len(story.api.it.collaborators)):
        story.person(f"dev{number}")
    faults = [Fault("linkless", linkless, on="GET /repos/acme/api/collaborators", times=None)] if hidden else []
    run = collect(tmp_path, story, faults=faults, secret=story.secret)
    assert people == len(story.api.it.collaborators)
    assert gap is not run.coverages["github:acme/api:settings:permissions"].complete
    assert min(people, 100) == len(run.rows("github_permissions"))


def small(asked: Any) -> Any:
    """The same question for pages of one row."""
    return {**asked, "per_page": "1"} if "per_page" in asked else asked


def emptied(wire: Wire, _: Wire | None) -> Wire:
    """A page without its rows, and without a next one."""
    return Wire(wire.status, linkless(wire, None).headers, b"[]")


@pytest.mark.parametrize(
    ("change", "page", "says"),
    [
        (linkless, 2, "goes on after page 2"),
        (linkless, 4, "goes on after page 4"),
        (linkless, 5, None),
        (emptied, 2, "holds nothing"),
        (emptied, 5, "holds nothing"),
    ],
    ids=["second", "last but one", "last", "emptied second", "emptied last"],
)
def test_a_later_page_that_seems_to_be_the_last(tmp_path: Path, change: Any, page: int, says: str | None) -> None:
    """One without the header that is as full as the first has to be followed by none; one that is empty was cut."""
    story = Story()
    for number in range(5 - len(story.api.it.collaborators)):
        story.person(f"dev{number}")
    people = "GET /repositories/*/collaborators"
    size = Fault("small", lambda wire, _: wire, on="*/collaborators", times=None, asked=small)
    fault = Fault("cut", change, on=people, at=page - 1)
    run = collect(tmp_path, story, faults=[size, fault], secret=story.secret)
    assert len(story.api.it.collaborators) == 5
    coverage = run.coverages["github:acme/api:settings:permissions"]
    assert (says is None) is coverage.complete
    assert (says or "") in (coverage.reason or "")


def without_approvals(wire: Wire, _: Wire | None) -> Wire:
    """The same rules, of which that of requests asks for no approval."""
    told = wire.json
    for rule in told if isinstance(told, list) else told["rules"]:
        if rule["type"] == "pull_request":
            rule["parameters"]["required_approving_review_count"] = 0
    return Wire(wire.status, wire.headers, json.dumps(told).encode())


@pytest.mark.parametrize("place", ["rules/branches/main", "rulesets/[0-9]*"])
def test_a_ruleset_and_the_branch_disagree(tmp_path: Path, place: str) -> None:
    """Both tell what the rules ask for: when they differ, one of them is not what is in force."""
    story = Story()
    fault = Fault("other", without_approvals, on=f"GET /repos/acme/api/{place}", times=None)
    reason = collect(tmp_path, story, faults=[fault], secret=story.secret).of("settings:rules").reason or ""
    assert "shows other approvals than the rules of the branch" in reason


@pytest.mark.parametrize("path", [[], None, "nodes", ["nodes", 0, "head", "statusCheckRollup"]], ids=str)
def test_checks_that_are_null_beside_an_error(path: Any) -> None:
    """They are not known, also where the error does not say what it is about; beside no error there are none."""
    asked = {"role": "tested", "method": "POST", "repository": "acme/api", "parts": ["heads"], "numbers": [1]}
    data = {"data": {"repository": {"c0": {"oid": "a" * 40, "statusCheckRollup": None}}}}
    stream, at = "github:acme/api:checks", datetime(2026, 11, 3, tzinfo=UTC)
    item = EvidenceItem("sha256:0", "github", stream, {**asked, "pages": [1]}, {"status": 200}, at, 1, 1, "run", 1)
    ((_, known),) = streams.rows(item, json.dumps(data).encode())
    assert (known["checks"], known["whole"]) == (0, True)
    error = {"message": "Something went wrong", "path": path}
    ((_, row),) = streams.rows(item, json.dumps({**data, "errors": [error]}).encode())
    assert (row["checks"], row["whole"]) == (None, False)
