"""GraphQL answers: data with the errors beside it, and which errors ask for less rather than for later."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING

from soc2ev.errors import CollectError
from soc2ev.fetch.local import printable
from soc2ev.fetch.trouble import Kind, Verdict, limit, of_web, parsed

if TYPE_CHECKING:
    from soc2ev.fetch.exchange import Exchange
    from soc2ev.model import EvidenceItem, Json

_LIMITS = ("RATE_LIMITED", "RATE_LIMIT")
_LIMIT_SAYS = re.compile(r"secondary rate limit|api rate limit (already )?exceeded", re.IGNORECASE)
_CEILINGS = ("RESOURCE_LIMITS_EXCEEDED", "MAX_NODE_LIMIT_EXCEEDED")
_TIMEOUTS = ("TIMEOUT", "TIMEDOUT", "TIMED_OUT", "GATEWAY_TIMEOUT")
_TOO_LONG = re.compile(
    r"something went wrong while executing your query|couldn.{1,8}t respond to your request in time"
    r"|resource limits for this query exceeded|^timedout$",
    re.IGNORECASE,
)


class PageTooLargeError(CollectError):
    """The source could not answer so much at once: ask for a smaller page. What it said is stored."""


@dataclass(frozen=True, slots=True)
class GraphError:
    """One entry of `errors`."""

    path: tuple[str | int, ...]
    """Response keys and list positions of the value that is missing; empty when it was not told."""
    kind: str
    """`type`, or the code of its extensions; empty when neither was told."""
    message: str
    """The first 500 characters, without control characters."""

    @property
    def denied(self) -> bool:
        """Whether access is what is missing."""
        refused = self.message.startswith("Resource not accessible by ") or "SAML" in self.message
        return self.kind in ("FORBIDDEN", "INSUFFICIENT_SCOPES") or refused

    @property
    def absent(self) -> bool:
        """Whether there is no such thing, or none that the credential may know of."""
        return self.kind == "NOT_FOUND"


@dataclass(frozen=True, slots=True)
class GraphAnswer:
    """
    What a query was answered.

    Where `errors` is not empty, parts of `data` are null or missing that exist: nothing may call it complete.
    """

    item: EvidenceItem
    data: Json
    """An object; empty when the answer's was null."""
    errors: tuple[GraphError, ...] = ()

    @property
    def denied(self) -> bool:
        """Whether access is missing to some of it."""
        return any(error.denied for error in self.errors)

    @property
    def absent(self) -> bool:
        """Whether something that was asked for is not there."""
        return any(error.absent for error in self.errors)


def verdict(exchange: Exchange) -> Verdict:
    """
    The meaning of an answer to a query.

    A whole one has data, or says of everything that it is denied or absent; its value is the parsed body.
    """
    found = of_web(exchange)
    if found.kind is Kind.TROUBLE and _took_too_long(exchange):
        # A read timeout has cost a minute already, so that it is not tried again at the same size.
        return replace(found, kind=Kind.LARGE, tries=1 if exchange.failure else 2)
    if found.kind is not Kind.WHOLE:
        return found
    found = parsed(exchange)
    return found if found.kind is not Kind.WHOLE else _of_answer(exchange, found.value)


def errors_of(value: Json) -> tuple[GraphError, ...]:
    """The errors of a whole answer."""
    return tuple(_error(entry) for entry in value.get("errors") or ())


def _took_too_long(exchange: Exchange) -> bool:
    if exchange.failure:
        return exchange.failure.startswith("ReadTimeout")
    late = _TOO_LONG.search(exchange.body[:4_000].decode("utf-8", "replace"))
    return exchange.status in (HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT) or bool(late)


def _of_answer(exchange: Exchange, value: Json) -> Verdict:
    if not isinstance(value, dict) or not isinstance(value.get("errors") or [], list):
        return Verdict(Kind.TROUBLE, "the answer is not the JSON of GraphQL")
    data, errors = value.get("data"), errors_of(value)
    if any(error.kind in _LIMITS or _LIMIT_SAYS.search(error.message) for error in errors):
        return limit(exchange)
    if found := _too_large(errors):
        return found
    if isinstance(data, dict) or (data is None and errors and all(one.denied or one.absent for one in errors)):
        return Verdict(Kind.WHOLE, value=value)
    if errors and data is None:
        return Verdict(Kind.FINAL, f"the query was refused: {errors[0].message[:300] or errors[0].kind}")
    return Verdict(Kind.TROUBLE, "the answer is not the JSON of GraphQL")


def _too_large(errors: tuple[GraphError, ...]) -> Verdict | None:
    for error in errors:
        if error.kind in _CEILINGS:
            return Verdict(Kind.LARGE, f"the query was refused: {error.kind}", tries=1)
        if error.kind in _TIMEOUTS or _TOO_LONG.search(error.message):
            return Verdict(Kind.LARGE, f"the query was not finished: {error.message[:300] or error.kind}", tries=2)
    return None


def _error(entry: Json) -> GraphError:
    """An entry as the specification describes it (October 2021, 7.1.2), or whatever stands in its place."""
    if not isinstance(entry, dict):
        return GraphError((), "", "an error that is no object")
    extensions = entry.get("extensions")
    further = extensions.get("code") if isinstance(extensions, dict) else None
    kind = next((one for one in (entry.get("type"), further) if isinstance(one, str)), "")
    path = entry.get("path")
    steps = path if isinstance(path, list) else []
    message = entry.get("message")
    said = printable(message)[:500] if isinstance(message, str) else ""
    return GraphError(tuple(step for step in steps if type(step) in (str, int)), kind, said)
