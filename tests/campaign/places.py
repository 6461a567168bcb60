"""Where a fault can strike, found in what a world answered: endpoints, calls, and members of answers."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLList,
    GraphQLNonNull,
    InlineFragmentNode,
    OperationDefinitionNode,
    get_nullable_type,
    parse,
)

from tests.campaign.roads import Answer, template
from tests.fakes.github.faults import Fault
from tests.fakes.github.graphql import SCHEMA

GRAPHQL = "POST /graphql"
Path = tuple[str, ...]


@dataclass(frozen=True)
class Place:
    """An endpoint of one side, one of its calls (from 1; None for all), and the members that a path names."""

    side: str
    endpoint: str
    call: int | None = None
    path: Path = ()

    def __str__(self) -> str:
        call = f" call {self.call}" if self.call else ""
        return f"{self.side} {self.endpoint}{call}{' ' if self.path else ''}{'/'.join(self.path)}"


class AtPlace(Fault):
    """Strikes an endpoint as `template` writes it."""

    def hits(self, method: str, path: str) -> bool:
        """Whether this call is one of those that fail."""
        if template(method, path) != self.on:
            return False
        with self.lock:
            self.calls += 1
            return self.calls >= self.at and (self.times is None or self.calls < self.at + self.times)


def struck(fault: Fault, place: Place) -> Fault:
    """The fault at that place: once at its call, or always."""
    times = None if place.call is None else 1
    return AtPlace(fault.name, fault.change, place.endpoint, place.call or 1, times, fault.asked, fault.after_encoding)


def calls(answers: Sequence[Answer]) -> Iterator[Place]:
    """The first, the second and the last call of each endpoint; each call of GraphQL, as its documents differ."""
    asked = [(one.side, one.endpoint) for one in answers]
    for side, endpoint in dict.fromkeys(asked):
        count = asked.count((side, endpoint))
        chosen = range(1, count + 1) if endpoint == GRAPHQL else dict.fromkeys((1, min(2, count), count))
        yield from (Place(side, endpoint, call) for call in chosen)


def members(answers: Sequence[Answer]) -> dict[Place, list[Any]]:
    """Each member of what REST and Jira answer, entries of a list as one, with the values that it has."""
    found: dict[Place, list[Any]] = {}
    for one in answers:
        if one.endpoint != GRAPHQL and isinstance(one.said, dict | list):
            for path, value in _walk(one.said):
                found.setdefault(Place(one.side, one.endpoint, path=path), []).append(value)
    return found


def data(answers: Sequence[Answer]) -> dict[Place, list[Any]]:
    """Each member of what GraphQL answers, with the values that it has."""
    found: dict[Place, list[Any]] = {}
    for one in answers:
        if one.endpoint == GRAPHQL and one.said and "data" in one.said:
            for path, value in _walk(one.said["data"]):
                if "rateLimit" not in path:
                    found.setdefault(Place(one.side, GRAPHQL, path=path), []).append(value)
    return found


def nullable(answers: Sequence[Answer]) -> Iterator[Place]:
    """Each member of what GraphQL answers that the schema lets be null."""
    may = set()
    for query in {one.query for one in answers if one.query}:
        may |= {path for path, null in _types(query).items() if null}
    yield from (place for place in data(answers) if place.path in may)


def instances(value: Any, pattern: Path, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The members that a path names."""
    if not pattern:
        yield at
    elif pattern[0] == "*" and isinstance(value, list):
        for number, one in enumerate(value):
            yield from instances(one, pattern[1:], (*at, number))
    elif isinstance(value, dict):
        for name, one in value.items():
            if _alias(name) == pattern[0]:
                yield from instances(one, pattern[1:], (*at, name))


def reach(value: Any, at: Sequence[str | int]) -> Any:
    """What stands there."""
    for step in at:
        value = value[step]
    return value


def _walk(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict):
        for name, one in value.items():
            yield (*path, _alias(name)), one
            yield from _walk(one, (*path, _alias(name)))
    if isinstance(value, list):
        for one in value:
            yield (*path, "*"), one
            yield from _walk(one, (*path, "*"))


def _alias(name: str) -> str:
    """Aliases of GraphQL that are numbered stand for the same."""
    return re.sub(r"^([a-z]+)\d+$", r"\1#", name)


@functools.cache
def _types(query: str) -> dict[Path, bool]:
    """By path in the answer to this document: whether it may be null."""
    document = parse(query)
    fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
    found: dict[Path, bool] = {}

    def fields(chosen: Any, kind: Any, path: Path) -> None:
        for one in chosen.selections:
            if isinstance(one, FieldNode) and one.name.value != "__typename":
                typed((*path, _alias((one.alias or one.name).value)), kind.fields[one.name.value].type, one)
            elif isinstance(one, InlineFragmentNode):
                on = SCHEMA.type_map[one.type_condition.name.value] if one.type_condition else kind
                fields(one.selection_set, on, path)
            elif not isinstance(one, FieldNode):
                fragment = fragments[one.name.value]
                fields(fragment.selection_set, SCHEMA.type_map[fragment.type_condition.name.value], path)

    def typed(path: Path, kind: Any, field: FieldNode) -> None:
        found[path] = found.get(path, False) or not isinstance(kind, GraphQLNonNull)
        kind = get_nullable_type(kind)
        if isinstance(kind, GraphQLList):
            typed((*path, "*"), kind.of_type, field)
        elif field.selection_set:
            fields(field.selection_set, kind, path)

    for one in document.definitions:
        if isinstance(one, OperationDefinitionNode):
            fields(one.selection_set, SCHEMA.query_type, ())
    return found
