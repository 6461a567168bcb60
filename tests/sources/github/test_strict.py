"""Nulls and other types where GitHub always has a value are refused: they never say that a rule asks for nothing."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from soc2ev.sources.github import governance, rule_versions, shapes
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
}
MOVE = {"id": 1, "ref": "refs/heads/main", "before": "0" * 40, "after": "a" * 40, "activity_type": "push"}
MOVE |= {"timestamp": "2026-10-05T12:00:00Z"}
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
    ("ruleset", ["bypass_actors", 0, "actor_type"], None),
    ("ruleset", ["bypass_actors", 0, "actor_id"], None),
    ("ruleset", ["bypass_actors", 0, "bypass_mode"], None),
    ("version", ["state", "enforcement"], None),
    ("version", ["state", "conditions", "ref_name", "include"], None),
    ("version", ["state", "conditions", "ref_name", "exclude"], None),
    ("listed", [0, "enforcement"], None),
    ("listed", [0, "target"], None),
    ("protection", ["required_pull_request_reviews"], None),
    ("protection", ["required_pull_request_reviews", "required_approving_review_count"], None),
    ("protection", ["required_status_checks"], None),
    ("protection", ["enforce_admins"], None),
    ("protection", ["enforce_admins", "enabled"], "yes"),
    ("protection", ["allow_force_pushes"], None),
    ("move", ["activity_type"], None),
    ("move", ["before"], None),
    ("move", ["after"], None),
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


def test_protection_that_does_not_tell_of_force_pushes() -> None:
    """What was left out is not known, rather than refused."""
    ((_, row),) = governance.protection_rows(OF, {"enforce_admins": {"enabled": True}})
    assert (None, None) == (row["no_force_push"], row["no_deletion"])


def test_an_administrator_by_an_unknown_mode() -> None:
    """Whoever may bypass in a way that is not for requests alone is taken for one who always may."""
    actor = {"actor_id": 5, "actor_type": "RepositoryRole", "bypass_mode": "unheard-of"}
    ((_, row),) = governance.ruleset_rows(OF, {**RULESET, "bypass_actors": [actor]})
    assert row["admins_included"] is False


def test_an_answer_at_the_gate_of_no_environment() -> None:
    """It would say that nobody answered at the gate of the one that was deployed to."""
    said = {"state": "approved", "comment": "", "user": None}
    assert ["production"] == shapes.gate_answer({**said, "environments": [{"name": "production"}]})["environments"]
    with pytest.raises(ValueError, match="no environment"):
        shapes.gate_answer({**said, "environments": []})


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
