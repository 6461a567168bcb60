"""
What a GraphQL query costs before it runs, by GitHub's documented formula.

"Rate limits and query limits for the GraphQL API" in GitHub's documentation: every connection needs `first` or `last`
within 1-100; the nodes that a call may ask for are counted at the asked limits and must not exceed 500,000; the points
are the number of requests needed to fill each unique connection, divided by 100 and rounded, at least 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    get_named_type,
    value_from_ast_untyped,
)

NODE_LIMIT = 500_000
PAGE_LIMIT = 100


class RefusedQueryError(Exception):
    """The query is not run at all; `kind` is the `type` of GitHub's error."""

    def __init__(self, kind: str, message: str, path: list[str] | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.path = path


@dataclass(slots=True)
class Price:
    """What a query asks for: `nodes` at the asked limits, `requests` to fill its connections."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, Any]
    nodes: int = 0
    requests: int = 0
    unbounded: list[RefusedQueryError] = field(default_factory=list)

    @property
    def cost(self) -> int:
        """Points: never under one."""
        return max(1, round(self.requests / 100))

    def walk(self, selections: Any, parent: Any, times: int, path: list[str]) -> None:
        """Add what the selections below `parent` ask for when they are asked for `times` objects."""
        for selection in selections.selections if selections else ():
            if isinstance(selection, FragmentSpreadNode):
                fragment = self.fragments[selection.name.value]
                inner = self.schema.type_map[fragment.type_condition.name.value]
                self.walk(fragment.selection_set, inner, times, path)
            elif isinstance(selection, InlineFragmentNode):
                named = selection.type_condition
                self.walk(
                    selection.selection_set, self.schema.type_map[named.name.value] if named else parent, times, path
                )
            elif isinstance(selection, FieldNode) and selection.selection_set:
                self._field(selection, parent, times, path)

    def _field(self, node: FieldNode, parent: Any, times: int, path: list[str]) -> None:
        name = node.name.value
        if name.startswith("__"):
            return
        kind = get_named_type(parent.fields[name].type)
        here = [*path, node.alias.value if node.alias else name]
        arguments = {a.name.value: value_from_ast_untyped(a.value, dict(self.variables)) for a in node.arguments or ()}
        if kind.name.endswith("Connection"):
            limit = self._limit(name, arguments, here)
            self.requests += times
            self.nodes += times * limit
            times *= limit
        elif name == "nodes" and "ids" in arguments:
            times *= len(arguments["ids"] or ())
        self.walk(node.selection_set, kind, times, here)

    def _limit(self, name: str, arguments: Mapping[str, Any], path: list[str]) -> int:
        given = [(word, arguments[word]) for word in ("first", "last") if arguments.get(word) is not None]
        if not given:
            text = f"You must provide a `first` or `last` value to properly paginate the `{name}` connection."
            self.unbounded.append(RefusedQueryError("MISSING_PAGINATION_BOUNDARIES", text, path))
            return 0
        word, limit = given[0]
        if not isinstance(limit, int) or limit > PAGE_LIMIT:
            text = f"Requesting {limit} records on the `{name}` connection exceeds the `{word}` limit of 100 records."
            self.unbounded.append(RefusedQueryError("EXCESSIVE_PAGINATION", text, path))
            return 0
        if limit < 1:
            text = f"`{word}` on the `{name}` connection cannot be less than 1."
            self.unbounded.append(RefusedQueryError("INVALID_PAGINATION", text, path))
            return 0
        return limit


def price(schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any], operation: str | None) -> Price:
    """What the chosen operation of a valid document asks for; RefusedQueryError where GitHub refuses to run it."""
    fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
    chosen = next(
        one
        for one in document.definitions
        if isinstance(one, OperationDefinitionNode)
        and (operation is None or (one.name and one.name.value == operation))
    )
    defaults = {
        one.variable.name.value: value_from_ast_untyped(one.default_value)
        for one in chosen.variable_definitions or ()
        if one.default_value
    }
    made = Price(schema, fragments, {**defaults, **variables})
    made.walk(chosen.selection_set, schema.query_type, 1, [])
    if made.unbounded:
        raise made.unbounded[0]
    if made.nodes > NODE_LIMIT:
        text = f"This query requests up to {made.nodes:,} possible nodes which exceeds the maximum limit of 500,000."
        raise RefusedQueryError("MAX_NODE_LIMIT_EXCEEDED", text)
    return made
