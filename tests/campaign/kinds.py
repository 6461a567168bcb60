"""The kinds of fault: at which places each strikes, and what it makes of the answer."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus
from typing import Any

from tests.campaign import places
from tests.campaign.places import Place
from tests.campaign.roads import Answer
from tests.fakes.github import faults
from tests.fakes.github.faults import Fault, Wire

_GONE = object()
_ID = {
    "id",
    "number",
    "databaseId",
    "fullDatabaseId",
    "oid",
    "sha",
    "head_sha",
    "head_branch",
    "ref",
    "before",
    "after",
}
_ID |= {"key", "issueId", "name"}
_MILLISECONDS = range(10**12, 10**13)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")


@dataclass(frozen=True)
class Kind:
    """Where it strikes in what a world answered, and the fault for one of these places."""

    about: str
    places: Callable[[Sequence[Answer]], Iterable[Place]]
    make: Callable[[Place], Fault]


def _rewritten(change: Callable[[Any], bool]) -> Fault:
    """The JSON after `change`, which alters it in place and says whether it did."""

    def apply(wire: Wire, _: Wire | None) -> Wire:
        try:
            told = wire.json
        except ValueError:
            return wire
        return Wire(wire.status, wire.headers, json.dumps(told).encode()) if change(told) else wire

    return Fault("rewritten", apply)


def _member(into: Callable[[Any], Any], place: Place, *, which: slice = slice(None), error: Any = None) -> Fault:
    """Each member there (or a part of them) is what `into` makes of it; with an error of GraphQL that names them."""

    def change(told: Any) -> bool:
        inside = told.get("data") if place.endpoint == places.GRAPHQL and isinstance(told, dict) else told
        done = [at for at in [*places.instances(inside, place.path)][which][::-1] if _put(inside, at, into)]
        if error is not None and done:
            told.setdefault("errors", []).extend({**error, "path": list(at)} for at in done)
        return bool(done)

    return _rewritten(change)


def _put(told: Any, at: tuple[str | int, ...], into: Callable[[Any], Any]) -> bool:
    holder, old = places.reach(told, at[:-1]), places.reach(told, at)
    new = into(old)
    if new is _GONE:
        del holder[at[-1]]
    else:
        holder[at[-1]] = new
    return new is _GONE or type(new) is not type(old) or new != old


def _once(make: Callable[[], Fault]) -> Kind:
    about = make().name
    return Kind(f"once: {about}", places.calls, lambda _: make())


def _refusal(code: int, message: str = "Bad", headers: Mapping[str, str] | None = None) -> Fault:
    """As GitHub and Jira both refuse."""
    body = json.dumps({"message": message, "errorMessages": [message]}).encode()
    return Fault(f"status {code}", lambda *_: Wire(code, {"Content-Type": "application/json", **(headers or {})}, body))


def _unicorn() -> Fault:
    page = b"<!DOCTYPE html><html><body>Unicorn!</body></html>"
    return Fault("status 503 with a page", lambda *_: Wire(503, {"Content-Type": "text/html"}, page))


def _everywhere(answers: Sequence[Answer], fits: Callable[[Place, list[Any]], bool]) -> Iterator[Place]:
    for place, values in [*places.members(answers).items(), *places.data(answers).items()]:
        if fits(place, values):
            yield place


def _empty(old: Any) -> Any:
    return type(old)() if isinstance(old, dict | list | str) else old


def _is(*kinds: type) -> Callable[[Any], bool]:
    return lambda value: type(value) in kinds


_MEMBERS: Mapping[str, tuple[Callable[[Any], Any], Callable[[Any], bool]]] = {
    "null": (lambda _: None, lambda value: value is not None),
    "missing": (lambda _: _GONE, lambda _: True),
    "number": (lambda _: 7, lambda value: not _is(int, float)(value)),
    "text": (json.dumps, lambda value: not isinstance(value, str)),
    "object": (lambda old: {"0": old}, lambda value: not isinstance(value, dict)),
    "list": (lambda old: [old], lambda value: not isinstance(value, list)),
    "bool": (lambda old: not old if isinstance(old, bool) else True, lambda _: True),
    "empty": (_empty, lambda value: isinstance(value, dict | list | str) and bool(value)),
}


def _member_kind(name: str) -> Kind:
    into, fits = _MEMBERS[name]

    def found(answers: Sequence[Answer]) -> Iterator[Place]:
        yield from (place for place, values in places.members(answers).items() if any(map(fits, values)))

    return Kind(f"a member of REST or Jira is {name}", found, partial(_member, into))


def _null_kind(about: str, which: slice, error: Any = None) -> Kind:
    return Kind(
        f"a nullable member of GraphQL is null: {about}",
        places.nullable,
        partial(_member, lambda _: None, which=which, error=error),
    )


def _counted(place: Place, values: list[Any]) -> bool:
    return any(isinstance(one, dict) and _counts(one) and any(_rows(one)) for one in values)


def _counts(told: Mapping[str, Any]) -> bool:
    return bool({"totalCount", "total_count", "total", "size"} & told.keys())


def _rows(told: Mapping[str, Any]) -> Iterator[tuple[str, list[Any]]]:
    yield from ((name, one) for name, one in told.items() if isinstance(one, list) and one and isinstance(one[0], dict))


def _short(old: Any) -> Any:
    """Its lists lack their last row; what counts them stays."""
    if not isinstance(old, dict) or not _counts(old):
        return old
    return {**old, **{name: rows[:-1] for name, rows in _rows(old)}}


def _twice(old: Any) -> Any:
    return [*old, old[-1]] if isinstance(old, list) and old else old


def _lists(place: Place, values: list[Any]) -> bool:
    return any(isinstance(one, list) and one and isinstance(one[0], dict) for one in values)


def _exchanged(place: Place) -> Fault:
    """The first two members there that differ change places."""

    def change(told: Any) -> bool:
        inside = told.get("data") if place.endpoint == places.GRAPHQL and isinstance(told, dict) else told
        found = [*places.instances(inside, place.path)]
        first = places.reach(inside, found[0]) if found else None
        other = next((at for at in found if places.reach(inside, at) != first), None)
        if other is None:
            return False
        there = places.reach(inside, other)
        return _put(inside, found[0], lambda _: there) and _put(inside, other, lambda _: first)

    return _rewritten(change)


def _differ(place: Place, values: list[Any]) -> bool:
    named = place.path[-1] in _ID or any(isinstance(one, list | dict) for one in values)
    return named and "*" != place.path[-1] and any(one != values[0] for one in values)


def _repeated(_: Place) -> Fault:
    """Every answer of the endpoint after the first that tells something is that one."""
    kept: list[Wire] = []

    def apply(wire: Wire, _: Wire | None) -> Wire:
        kept.extend([wire] if wire.status == HTTPStatus.OK else [])
        return Wire(HTTPStatus.OK, dict(wire.headers), kept[0].body) if kept else wire

    return Fault("repeated", apply)


def _asked_again(answers: Sequence[Answer]) -> Iterator[Place]:
    asked = [(one.side, one.endpoint) for one in answers]
    yield from (Place(*one) for one in dict.fromkeys(asked) if asked.count(one) > 1)


def _years(by: int) -> Kind:
    def shifted(old: Any) -> Any:
        if isinstance(old, int):
            return old + by * 365 * 86_400_000
        if not timed(old):
            return old
        moved = datetime.fromisoformat(old[:19]) + timedelta(days=365 * by)
        return f"{moved.isoformat()}{old[19:]}"

    def timed(value: Any) -> bool:
        return bool(_TIME.match(value)) if isinstance(value, str) else type(value) is int and value in _MILLISECONDS

    return Kind(
        f"a time is {by:+} year",
        partial(_everywhere, fits=lambda _, values: any(map(timed, values))),
        partial(_member, shifted),
    )


_ERROR = {"message": "Something is wrong"}
_FIRST, _LAST, _ALL = slice(1), slice(-1, None), slice(None)
KINDS: Mapping[str, Kind] = {
    **{f"once-{code}": _once(partial(_refusal, code)) for code in (401, 403, 404, 410, 500, 502)},
    "once-429": _once(partial(_refusal, 429, faults.SECONDARY)),
    "once-403-secondary": _once(faults.secondary),
    "once-503": _once(_unicorn),
    "once-cut": _once(faults.wrong_json),
    "once-dropped": _once(faults.dropped),
    **{f"graphql-null-{name}": _null_kind(name, part) for name, part in (("all", _ALL), ("first", _FIRST), ("last", _LAST))},
    "graphql-limits": _null_kind("resource limits", _FIRST, {**_ERROR, "type": "RESOURCE_LIMITS_EXCEEDED"}),
    "graphql-untyped": _null_kind("an error without type", _FIRST, _ERROR),
    "graphql-forbidden": _null_kind("forbidden", _FIRST, {**_ERROR, "type": "FORBIDDEN"}),
    "graphql-not-found": _null_kind("not found", _FIRST, {**_ERROR, "type": "NOT_FOUND"}),
    **{f"member-{name}": _member_kind(name) for name in _MEMBERS},
    "lie-short": Kind("a counted list without its last row", partial(_everywhere, fits=_counted), partial(_member, _short)),
    "lie-twice": Kind("a row stands twice", partial(_everywhere, fits=_lists), partial(_member, _twice)),
    "lie-exchanged": Kind("two members change places", partial(_everywhere, fits=_differ), _exchanged),
    "lie-repeated": Kind("the answer to another question", _asked_again, _repeated),
    "lie-year-early": _years(-1),
    "lie-year-late": _years(1),
}  # fmt: skip
"""By name, in the order in which they run."""
