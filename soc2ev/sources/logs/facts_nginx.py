"""What a parsed nginx configuration says of its logs and limits. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from soc2ev.model import Json

_LEAKS = re.compile(
    r"\$(http_authorization|http_cookie|cookie_\w+|request\b|request_uri|args|query_string|arg_\w*(?:token|key|secret"
    r"|password)\w*|request_body|http_x_api_key|http_\w*token\w*)",
)
_RATE = re.compile(r"rate=(\d+(?:\.\d+)?)r/([sm])")
_MINUTE = 60
_COMBINED = '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer"'
"""The format that nginx uses when a log names none, shortened: https://nginx.org/en/docs/http/ngx_http_log_module.html"""


@dataclass
class _Found:
    """What the walk over the blocks collects."""

    logs: list[list[str]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    formats: dict[str, str] = field(default_factory=dict)
    zones: dict[str, tuple[str, float]] = field(default_factory=dict)
    limits: dict[str, int] = field(default_factory=dict)
    off: list[str] = field(default_factory=list)
    http: bool = False
    http_logs: bool = False
    dry: bool = False


def nginx_facts(parsed: Json) -> Json:
    """
    `enabled`, `logs`, `errors`, `limits`, `exclusions`, `masking` of a configuration; None without an http block.

    nginx logs by default; a server or location with `access_log off` leaves its requests out. A format that holds
    tokens, cookies or whole addresses writes secrets down: `masking` is then none.
    """
    if not isinstance(parsed, dict) or parsed.get("status") != "ok":
        raise TypeError("the configuration could not be read whole")
    files = {one["file"]: one for one in parsed["config"]}
    found = _Found()
    order = list(parsed["config"])
    _walk(order[0]["parsed"] if order else [], files, order, found, ("main",))
    if not found.http:
        return {"enabled": None, "logs": [], "errors": found.errors, "limits": [], "exclusions": [], "masking": None}
    return {
        "enabled": bool(found.logs) or not found.http_logs,
        "logs": [log[0] for log in found.logs] or ([] if found.http_logs else ["the default log"]),
        "errors": found.errors,
        "limits": list(_limits(found)),
        "exclusions": [*found.off, *_conditions(found)],
        "masking": _masking(found),
    }


def _walk(
    block: list[Json], files: Mapping[str, Json], order: list[Json], found: _Found, where: tuple[str, ...]
) -> None:
    for one in block:
        name, args = one["directive"], one.get("args", [])
        for number in one.get("includes", ()):
            _walk(order[number]["parsed"], files, order, found, where)
        _note(name, args, found, where)
        if "block" in one:
            _walk(one["block"], files, order, found, (*where, " ".join([name, *args])))


def _note(name: str, args: list[str], found: _Found, where: tuple[str, ...]) -> None:
    if name == "http":
        found.http = True
    elif name == "log_format":
        found.formats[args[0]] = " ".join(args[1:])
    elif name == "error_log":
        found.errors.append(args[0])
    elif name == "access_log":
        _note_log(args, found, where)
    elif name == "limit_req_zone" and (rate := _RATE.search(" ".join(args))):
        zone = next((part for part in args if part.startswith("zone=")), "zone=?")
        found.zones[zone[5:].partition(":")[0]] = (args[0], float(rate[1]) / (_MINUTE if rate[2] == "m" else 1))
    elif name == "limit_req_dry_run":
        found.dry = found.dry or args[:1] == ["on"]
    elif name == "limit_req":
        values = dict(part.partition("=")[::2] for part in args)
        burst = values.get("burst", "0")
        found.limits[values.get("zone", "?")] = int(burst) if burst.isdecimal() else 0


def _note_log(args: list[str], found: _Found, where: tuple[str, ...]) -> None:
    if len(where) == 2:  # noqa: PLR2004  main, http
        found.http_logs = True
    if args[:1] == ["off"]:
        found.off.append(f"access_log off in {where[-1]}")
    else:
        found.logs.append(args)


def _limits(found: _Found) -> Iterator[Json]:
    for zone, (key, rate) in found.zones.items():
        applied = zone in found.limits and not found.dry
        yield {"scope": f"{zone} by {key}", "per_second": rate, "burst": found.limits.get(zone), "enforced": applied}


def _conditions(found: _Found) -> Iterator[str]:
    for log in found.logs:
        for part in log[1:]:
            if part.startswith("if="):
                yield f"{log[0]} only {part}"


def _masking(found: _Found) -> str:
    """`none` when a log in use writes what holds secrets; else what the formats leave out."""
    used = [log[1] if len(log) > 1 and "=" not in log[1] else "combined" for log in found.logs] or ["combined"]
    texts = [found.formats.get(name, _COMBINED if name == "combined" else "") for name in used]
    names = sorted({match[0] for text in texts for match in _LEAKS.finditer(text)})
    return f"none: the log holds {', '.join(names)}" if names else "log_format without headers, cookies and arguments"
