"""The fake's GraphQL schema is part of the published one: nothing in it is invented or typed otherwise."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from graphql import GraphQLSchema, build_schema

from tests.fakes.github.graphql import SCHEMA

OURS = [kind for name, kind in SCHEMA.type_map.items() if not name.startswith("__")]


@pytest.fixture(scope="module")
def published() -> GraphQLSchema:
    """The schema as GitHub publishes it."""
    text = Path(os.environ["SOC2EV_GITHUB_SDL"]).read_text(encoding="utf-8")
    return build_schema(text, assume_valid=True)


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.name)
def test_type_is_published_alike(kind, published):
    """Every type, field, argument, default, nullability, enum value, interface and union member exists there alike."""
    theirs = published.type_map[kind.name]
    assert type(theirs) is type(kind)
    for name, field in getattr(kind, "fields", {}).items():
        assert str(theirs.fields[name].type) == str(field.type)
        for word, argument in getattr(field, "args", {}).items():
            published_argument = theirs.fields[name].args[word]
            assert str(published_argument.type) == str(argument.type)
            assert published_argument.default_value == argument.default_value
    assert set(getattr(kind, "values", ())) <= set(getattr(theirs, "values", ()))
    for group in ("interfaces", "types"):
        assert {one.name for one in getattr(kind, group, ())} <= {one.name for one in getattr(theirs, group, ())}


@pytest.mark.parametrize("kind", [one for one in OURS if hasattr(one, "values")], ids=lambda kind: kind.name)
def test_enum_is_whole(kind, published):
    """An enum of ours has every published value, so that no client is surprised by the one that the fake left out."""
    assert set(published.type_map[kind.name].values) == set(kind.values)
