"""The kinds of fault for log connectors: those of the campaign about changes that fit, and those of settings."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from tests.campaign import kinds as common
from tests.campaign import places
from tests.campaign.places import AtPlace, Place
from tests.campaign.roads import Answer
from tests.fakes.github import faults
from tests.fakes.github.faults import Fault, Wire

ELSEWHERE = "http://127.0.0.2:9"
"""Another host, on which nobody listens."""
_JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Kind:
    """Where it strikes in what a system answered, and the fault there."""

    about: str
    places: Callable[[Sequence[Answer]], Iterable[Place]]
    strike: Callable[[Place], Fault]
    members: bool = False
    """Whether it changes what is said rather than whether it is said."""


def _struck(fault: Fault, place: Place, *, times: int | None = None) -> Fault:
    """The fault at the endpoint of the place, from its call on."""
    return AtPlace(fault.name, fault.change, place.endpoint, place.call or 1, times, fault.asked, fault.after_encoding)


def _call(make: Callable[[], Fault], *, times: int | None = None) -> Kind:
    return Kind(make().name, places.calls, lambda place: _struck(make(), place, times=times))


def _status(code: int) -> Fault:
    body = json.dumps({"message": "no"}).encode()
    return Fault(f"status {code}", lambda *_: Wire(code, dict(_JSON), body))


def _said(text: bytes) -> Fault:
    """That body with 200, and nothing that tells of more pages."""
    return Fault(f"200 {text.decode()}", lambda *_: Wire(200, dict(_JSON), text))


def _page() -> Fault:
    return Fault("503 with a page", lambda *_: Wire(503, {"Content-Type": "text/html"}, b"<html>Down</html>"))


def _member(into: Callable[[Any], Any], fits: Callable[[Any], bool], about: str, which: slice = slice(None)) -> Kind:
    """Each member that fits, or only some rows of it, is what `into` makes of it."""

    def found(answers: Sequence[Answer]) -> Iterator[Place]:
        yield from (place for place, values in places.members(answers).items() if any(map(fits, values)))

    return Kind(about, found, lambda at: _struck(common._member(into, at, which=which), at), members=True)


def _named(name: str, *, one: bool = False) -> Kind:
    into, fits = common._MEMBERS[name]
    which = slice(1) if one else slice(None)
    return _member(into, fits, f"{'one' if one else 'each'} member is {name}", which)


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _lists(value: Any) -> bool:
    return isinstance(value, list) and bool(value)


def _foreign(old: Any) -> Any:
    """The list with an object of another kind in the place of its last row."""
    return [*old[:-1], {"kind": "notice", "says": "hello"}] if _lists(old) else old


def _following(told: Any, into: Callable[[str], str | None]) -> bool:
    """Change each address in an answer that names the next page; whether there was one."""
    done = False
    for name, value in list(told.items()) if isinstance(told, dict) else ():
        if isinstance(value, str) and value.startswith(("http", "/")) and name in ("next", "nextLink", "href"):
            told[name], done = into(value), True
        done = _following(value, into) or done
    return done


def _paged(wire: Wire, link: str, into: Callable[[str], str | None]) -> Wire:
    headers = {name: value for name, value in wire.headers.items() if name != "Link"}
    if "Link" in wire.headers:
        return Wire(wire.status, {**headers, **({"Link": link} if link else {})}, wire.body)
    told = wire.json if wire.body[:1] in b"{[" else None
    return Wire(wire.status, wire.headers, json.dumps(told).encode()) if _following(told, into) else wire


def _moved() -> Fault:
    link = f'<{ELSEWHERE}/next?page=2>; rel="next"'
    return Fault("next page elsewhere", lambda wire, _: _paged(wire, link, lambda _: f"{ELSEWHERE}/next?page=2"))


def _last() -> Fault:
    return Fault("without its last page", lambda wire, _: _paged(wire, "", lambda _: None))


def _login() -> Fault:
    return Fault("redirect", lambda *_: Wire(302, {"Location": f"{ELSEWHERE}/login"}, b""))


def _repeated(place: Place) -> Fault:
    return _struck(common._repeated(place), place)


_STILL: dict[str, Callable[[], Fault]] = {
    **{f"{code}": partial(_status, code) for code in (401, 403, 404, 410, 429, 500, 502)},
    "503": _page,
    "html": faults.html,
    **{name: partial(_said, text) for name, text in (("object", b"{}"), ("list", b"[]"), ("null", b"null"), ("error", b'{"error": "session expired"}'), ("text", b'"maintenance"'))},
    "empty": faults.empty,
    "cut": faults.wrong_json,
    "short": faults.short_body,
    "dropped": faults.dropped,
    "slow": partial(faults.timeout, 0.5),
    "login": _login,
}  # fmt: skip
_TYPES = ("null", "missing", "number", "text", "object", "list")
KINDS: dict[str, Kind] = {
    "once-429": _call(partial(_status, 429), times=1),
    "once-502": _call(partial(_status, 502), times=1),
    "once-dropped": _call(faults.dropped, times=1),
    **{f"still-{name}": _call(make) for name, make in _STILL.items()},
    "page-loop": Kind("the first page again and again", common._asked_again, _repeated),
    "page-elsewhere": _call(_moved),
    **{f"each-{name}": _named(name) for name in _TYPES},
    **{f"one-{name}": _named(name, one=True) for name in _TYPES},
    "each-yes": _member(lambda old: "yes" if old else "no", lambda value: isinstance(value, bool), "yes for true"),
    "one-weird": _member(lambda _: "weird", _text, "a word that nobody knows", slice(1)),
    "each-weird": _member(lambda _: "weird", _text, "a word that nobody knows"),
    "row-foreign": _member(_foreign, _lists, "an object of another kind among the rows"),
    "lie-twice": _member(common._twice, _lists, "a row stands twice"),
    "lie-last": _call(_last),
}
"""By name, in the order in which they run. `once-` strikes one call, `still-` that one and all after it."""
