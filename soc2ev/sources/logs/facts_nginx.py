"""What a parsed nginx configuration says of its logs and limits. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from soc2ev.model import Json

_LEAKS = re.compile(
    r"\$\{?(http_authorization|http_cookie|cookie_\w+|request\b|request_uri|args|query_string|arg_\w*(?:token|key|secret"
    r"|password)\w*|request_body|http_x_api_key|http_\w*token\w*)",
)
_RATE = re.compile(r"rate=(\d+(?:\.\d+)?)r/([sm])")
_MINUTE = 60
_COMBINED = '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer"'
"""The format that nginx uses when a log names none, shortened: https://nginx.org/en/docs/http/ngx_http_log_module.html"""
_DEFAULT = "the default log"
_PLACES = ("server", "location", "if", "limit_except")
"""Blocks below http that inherit logs and limits: https://nginx.org/en/docs/http/ngx_http_limit_req_module.html"""


@dataclass(frozen=True)
class _Place:
    """A block, with what holds in it: its own directives, or all of those above when it has none of that name."""

    name: str
    logs: tuple[tuple[str, ...], ...] = ((_DEFAULT,),)
    limits: tuple[tuple[str, int], ...] = ()
    dry: bool = False
    serves: bool = True
    never: frozenset[str] = frozenset()
    """Variables that no request sets to anything but empty or 0."""
    below: tuple[_Place, ...] = ()

    @property
    def written(self) -> list[tuple[str, ...]]:
        """The logs that something is really written to."""
        return [log for log in self.logs if log[0] != "/dev/null" and _condition(log) not in ("", "0", *self.never)]

    def all(self) -> Iterator[_Place]:
        """Every block in which requests are answered: this one, and those below."""
        if self.serves:
            yield self
        for place in self.below:
            yield from place.all()


def nginx_facts(parsed: Json) -> Json:
    """
    `enabled`, `logs`, `errors`, `limits`, `exclusions`, `masking` of a configuration; None without an http block.

    nginx logs by default. A block has the logs and the limits of the block above it, unless it has some of its own;
    one `off` cancels all of its block. Blocks whose requests are logged nowhere are `exclusions`. A format that holds
    tokens, cookies or whole addresses writes secrets down: `masking` is then none.
    """
    if not isinstance(parsed, dict) or parsed.get("status") != "ok":
        raise TypeError("the configuration could not be read whole")
    files = list(parsed["config"])
    main = list(_directives(files[0]["parsed"], files)) if files else []
    errors = [one["args"][0] for one in _everywhere(main, files) if one["directive"] == "error_log"]
    block = next((one for one in main if one["directive"] == "http"), None)
    if block is None:
        return {"enabled": None, "logs": [], "errors": errors, "limits": [], "exclusions": [], "masking": None}
    inside = list(_directives(block["block"], files))
    http = _place(inside, files, _Place("http", never=frozenset(_never(inside))))
    places = list(http.all())
    logs = list(dict.fromkeys(log for place in places for log in place.written))
    return {
        "enabled": bool(logs),
        "logs": list(dict.fromkeys(log[0] for log in logs)),
        "errors": errors,
        "limits": list(_limits(inside, places)),
        "exclusions": [*_unlogged(http, logged=True), *_conditions(logs)],
        "masking": _masking(inside, logs),
    }


def _directives(block: list[Json], files: list[Json]) -> Iterator[Json]:
    """The directives of a block, those of included files where they are included."""
    for one in block:
        if one["directive"] == "include":
            for number in one.get("includes", ()):
                yield from _directives(files[number]["parsed"], files)
        else:
            yield one


def _everywhere(directives: Iterable[Json], files: list[Json]) -> Iterator[Json]:
    for one in directives:
        yield one
        yield from _everywhere(_directives(one.get("block") or [], files), files)


def _never(inside: list[Json]) -> Iterator[str]:
    """
    The variables of maps whose every value is empty or 0, which as a condition of a log is no.

    Without a default it is empty: https://nginx.org/en/docs/http/ngx_http_map_module.html
    """
    for one in inside:
        if one["directive"] == "map" and len(one["args"]) == 2:  # noqa: PLR2004  a value and the variable
            entries = one.get("block") or []
            values = [args[-1] for args in (entry["args"] for entry in entries) if args]
            if not any(entry["directive"] == "include" for entry in entries) and set(values) <= {"", "0"}:
                yield one["args"][1]


def _place(inside: list[Json], files: list[Json], above: _Place) -> _Place:
    """The block with these directives, where `above` says its name and what holds unless they say otherwise."""
    given = {name: [one["args"] for one in inside if one["directive"] == name] for name in _GIVEN}
    logs = [tuple(args) for args in given["access_log"]]
    here = replace(
        above,
        logs=above.logs if not logs else () if ("off",) in logs else tuple(logs),
        limits=tuple(map(_limit, given["limit_req"])) or above.limits,
        dry=given["limit_req_dry_run"][-1] == ["on"] if given["limit_req_dry_run"] else above.dry,
    )
    below = []
    for one in inside:
        if one["directive"] in _PLACES:
            held = list(_directives(one.get("block") or [], files))
            below.append(_place(held, files, replace(here, name=_named(one, held), serves=True, below=())))
    # What no location takes is answered by the server itself, unless there is one for everything.
    whole = any(one["directive"] == "location" and one["args"] == ["/"] for one in inside)
    return replace(here, below=tuple(below), serves=not whole and not (here.name == "http" and below))


_GIVEN = ("access_log", "limit_req", "limit_req_dry_run")


def _named(one: Json, inside: list[Json]) -> str:
    """What to call a block: a server by its name, all others by their arguments."""
    args = one.get("args") or []
    if one["directive"] == "server":
        args = next((held["args"][:1] for held in inside if held["directive"] == "server_name"), [])
    return " ".join([one["directive"], *args])


def _limit(args: list[str]) -> tuple[str, int]:
    values = dict(part.partition("=")[::2] for part in args)
    burst = values.get("burst", "0")
    return values.get("zone", "?"), int(burst) if burst.isdecimal() else 0


def _limits(inside: list[Json], places: list[_Place]) -> Iterator[Json]:
    """The zones with their rates; a zone that limits in some blocks and only counts in others is told for both."""
    for args in (one["args"] for one in inside if one["directive"] == "limit_req_zone"):
        rate = _RATE.search(" ".join(args))
        zone = next((part[5:].partition(":")[0] for part in args if part.startswith("zone=")), "?")
        used = [(place, burst) for place in places for name, burst in place.limits if name == zone]
        acts, counts = ([one for one in used if one[0].dry is dry] for dry in (False, True))
        found = {
            "scope": f"{zone} by {args[0]}",
            "per_second": None if rate is None else float(rate[1]) / (_MINUTE if rate[2] == "m" else 1),
        }
        yield {**found, "burst": max((burst for _, burst in acts or counts), default=None), "enforced": bool(acts)}
        for place, burst in counts if acts else ():
            yield {**found, "scope": f"{found['scope']} in {place.name}", "burst": burst, "enforced": False}


def _unlogged(place: _Place, *, logged: bool) -> Iterator[str]:
    """The outermost blocks that answer requests which no log is written for."""
    writes = bool(place.written)
    # http itself answers nothing.
    if logged and not writes and place.serves and place.name != "http":
        yield f"access_log off in {place.name}"
    for one in place.below:
        yield from _unlogged(one, logged=logged if not place.serves or place.name == "http" else writes)


def _condition(log: tuple[str, ...]) -> str | None:
    """The condition of a log; one that is empty or 0 is never true."""
    return next((part[3:] for part in log[1:] if part.startswith("if=")), None)


def _conditions(logs: list[tuple[str, ...]]) -> Iterator[str]:
    return (f"{log[0]} only if={_condition(log)}" for log in logs if _condition(log) is not None)


def _masking(inside: list[Json], logs: list[tuple[str, ...]]) -> str:
    """`none` when a log in use writes what holds secrets; else what the formats leave out."""
    formats = {one["args"][0]: " ".join(one["args"][1:]) for one in inside if one["directive"] == "log_format"}
    used = [log[1] if len(log) > 1 and "=" not in log[1] else "combined" for log in logs]
    texts = [formats.get(name, _COMBINED if name == "combined" else "") for name in used]
    names = sorted({match[0].replace("{", "") for text in texts for match in _LEAKS.finditer(text)})
    return f"none: the log holds {', '.join(names)}" if names else "log_format without headers, cookies and arguments"
