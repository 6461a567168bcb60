"""Every REST answer of the fake has the shape that the published OpenAPI description demands."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import jsonschema
import pytest

from tests.fakes.github import tokens
from tests.fakes.github.builder import rules
from tests.fakes.github.client import ask
from tests.fakes.github.rest import ROUTES
from tests.fakes.github.rules import DeployKey, Ruleset
from tests.fakes.github.scenarios import Story
from tests.fakes.github.scenarios.deliveries import self_approved, two_products
from tests.fakes.github.scenarios.surroundings import disabled, excluded
from tests.fakes.github.server import GitHub
from tests.fakes.github.world import Team

UNDESCRIBED = {"/orgs/{org}/audit-log"}
"""Endpoints of Enterprise Cloud, which the description of github.com leaves out."""


def strict(node):
    """The description as JSON Schema: `nullable` of OpenAPI 3.0 is a second type, and an example is no rule."""
    if isinstance(node, list):
        return [strict(one) for one in node]
    if not isinstance(node, dict):
        return node
    made = {name: strict(value) for name, value in node.items() if name not in ("example", "examples", "format")}
    if made.pop("nullable", False) is True:
        return {"anyOf": [made, {"type": "null"}]}
    return made


@pytest.fixture(scope="module")
def described():
    """The description, read once."""
    return strict(json.loads(Path(os.environ["SOC2EV_GITHUB_OPENAPI"]).read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def host():
    """A world in which every endpoint has something to show."""
    story = Story()
    two_products(story)
    self_approved(story)
    disabled(story)
    story.api.it.keys.append(story_key(story))
    story.api.protect(checks=(("test", None),))
    story.api.release("v1", story.cat)
    excluded(story)
    story.rules.exclude = ()
    merged = next(pull for pull in story.api.it.pulls.values() if pull.reviews)
    story.api.status(merged.head_sha, "lint", by=story.ann)
    story.world.teams.append(Team(7, "makers", [story.ann], {"api": "push"}))
    # After all else, so that it binds nothing of it.
    made = Ruleset(story.world.fresh(), "all", "Organization", "acme", story.now, story.now, rules(1, ("test",)))
    story.world.rulesets.append(made)
    story.api.edit_rules(made, story.cat, enforcement="evaluate")
    story.app("collector")
    story.token(tokens.installation("app", "collector"))
    with GitHub(story.world) as served:
        yield served, story


def story_key(story):
    """A deploy key that can write."""
    return DeployKey(story.world.fresh(), "deploy", story.now, read_only=False)


def values(story):
    """What stands for each part of an address."""
    api, last = story.api.it, story.api.head()
    merged = next(pull for pull in api.pulls.values() if pull.reviews)
    run = next(one for one in api.runs.values() if one.approvals)
    made = {"owner": "acme", "repo": "api", "org": "acme", "username": "bob", "team": "makers", "branch": "main"}
    made |= {"ref": merged.head_sha, "sha": merged.merge_sha, "number": str(merged.number), "run": str(run.id)}
    made |= {
        "basehead": f"{merged.base_sha}...{last}",
        "path": ".github/CODEOWNERS",
        "environment": "production",
        "slug": "collector",
    }
    made |= {"deployment": str(api.deployments[0].id), "ruleset": str(api.rulesets[0].id)}
    return {**made, "version": str(api.rulesets[0].history[0].id), "suite": str(api.rule_suites[0].id)}


def of_organisation(story):
    """The same for a ruleset that the organisation has."""
    ruleset = story.world.rulesets[-1]
    return {"ruleset": str(ruleset.id), "version": str(ruleset.history[0].id)}


def reasons(problem):
    """The inner complaints of a choice of which no part fits, in few words."""
    return [one.message[-90:] for one in problem.context or ()][:6]


def template(path, paths):
    """The path of the description that a path of ours stands for: parameters are named otherwise there."""
    shape = re.sub(r"\{\w+\}", "{}", path)
    return next(one for one in paths if re.sub(r"\{\w+\}", "{}", one) == shape)


@pytest.mark.parametrize("route", [one for one in ROUTES if one.path not in UNDESCRIBED], ids=lambda one: one.path)
def test_answer_is_as_described(route, described, host):
    """The path exists, and its answer validates: required fields, types and enumerated words."""
    served, story = host
    path = template(route.path, described["paths"])
    more = of_organisation(story) if route.path.startswith("/orgs/{org}/rulesets/{") else {}
    more |= {"ref": "heads/main"} if "/git/" in route.path else {}
    address = route.path.format(**{**values(story), **more})
    secret = "app" if route.path in ("/app", "/installation/repositories") else story.secret
    query = {"q": "is:pr repo:acme/api"} if route.path.startswith("/search") else {"state": "all"}
    answer = ask(served, address, secret, query)
    wanted = described["paths"][path]["get"]["responses"][str(answer.status)]
    assert answer.status in (200, 204), answer.body
    if answer.status == 200:
        schema = {**wanted["content"]["application/json"]["schema"], "components": described["components"]}
        problems = jsonschema.Draft7Validator(schema).iter_errors(answer.json)
        assert [] == [f"{one.json_path}: {one.message[:120]} {reasons(one)}" for one in problems]
        assert answer.json, "an empty answer shows nothing"
