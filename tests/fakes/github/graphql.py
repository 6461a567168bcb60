"""
GraphQL over a world: documents are validated and executed by graphql-core against the subset of the published schema.

A field that fails is null with an error that names its path, and the rest of the answer stands, as on GitHub. The
answer is always status 200 unless the query could not be read at all.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
    default_field_resolver,
    execute_sync,
    parse,
    validate,
)

from tests.fakes.github.cost import Price, RefusedQueryError, price
from tests.fakes.github.names import node_id, typename
from tests.fakes.github.resolvers import RESOLVERS
from tests.fakes.github.resolvers.shared import Info, Session

SCHEMA_FILE = Path(__file__).with_name("schema.graphql")
_LOCK = threading.Lock()
_DOCUMENTS: dict[str, DocumentNode | list[GraphQLError]] = {}


def _attribute(source: Any, info: Info, **arguments: Any) -> Any:
    if isinstance(source, dict):
        return default_field_resolver(source, info, **arguments)
    return getattr(source, _snake(info.field_name))


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _schema() -> GraphQLSchema:
    made = build_schema(SCHEMA_FILE.read_text(encoding="utf-8"))
    for kind in made.type_map.values():
        if isinstance(kind, (GraphQLUnionType, GraphQLInterfaceType)):
            kind.resolve_type = lambda value, *_: typename(value)
        if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__"):
            for name, described in kind.fields.items():
                for word, argument in described.args.items():
                    argument.out_name = _snake(word)
                described.resolve = RESOLVERS.get((kind.name, name), _identity if name == "id" else _attribute)
    return made


def _identity(source: Any, info: Info) -> Any:
    return source["id"] if isinstance(source, dict) else node_id(source)


SCHEMA = _schema()


@dataclass(slots=True)
class Request:
    """A query with its variables; `price` is known once it was read."""

    query: str
    variables: Mapping[str, Any]
    operation: str | None = None


def read(request: Request) -> tuple[DocumentNode | None, Price | None, list[dict[str, Any]]]:
    """The document and its price, or the errors for which GitHub would not run it."""
    with _LOCK:
        if request.query not in _DOCUMENTS:
            _DOCUMENTS[request.query] = _validated(request.query)
        document = _DOCUMENTS[request.query]
    if isinstance(document, list):
        return None, None, [_error(one) for one in document]
    try:
        return document, price(SCHEMA, document, request.variables, request.operation), []
    except RefusedQueryError as refused:
        error: dict[str, Any] = {"type": refused.kind, "message": refused.message}
        return None, None, [{**error, "path": refused.path} if refused.path else error]


def _validated(query: str) -> DocumentNode | list[GraphQLError]:
    try:
        document = parse(query)
    except GraphQLError as problem:
        return [problem]
    return validate(SCHEMA, document) or document


def answer(request: Request, document: DocumentNode, session: Session) -> dict[str, Any]:
    """The body of the answer: `data`, and `errors` when a field failed. Instants in it are still datetimes."""
    made = execute_sync(
        SCHEMA,
        document,
        context_value=session,
        variable_values=dict(request.variables),
        operation_name=request.operation,
    )
    for problem in made.errors or ():
        if problem.original_error is not None and not isinstance(problem.original_error, GraphQLError):
            raise problem.original_error
    body: dict[str, Any] = {"data": made.data}
    if made.errors:
        body["errors"] = [_error(one) for one in made.errors]
    return body


def _error(problem: GraphQLError) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if problem.extensions and "type" in problem.extensions:
        made["type"] = problem.extensions["type"]
    if problem.path:
        made["path"] = list(problem.path)
    made["locations"] = [{"line": one.line, "column": one.column} for one in problem.locations or ()]
    return {**made, "message": problem.message}
