"""
Matchers of labels, in the forms that Alertmanager's routes and silences have. Pure.

https://prometheus.io/docs/alerting/latest/configuration/#matcher
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from soc2ev.model import Json
from soc2ev.sources.logs.sending import Labels

Matcher = tuple[str, str, str]
"""Label, operator, value."""
_MATCHER = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*(?:"((?:[^"\\]|\\.)*)"|(.*?))\s*')


def matches(matchers: list[Matcher], labels: Labels) -> bool | None:
    """Whether all of them match; None when that is not known."""
    answers = [_matches(matcher, labels) for matcher in matchers]
    return False if False in answers else None if None in answers else True


def _matches(matcher: Matcher, labels: Labels) -> bool | None:
    name, sign, value = matcher
    found = labels.value(name)
    if found is None:
        return None
    try:
        equal = found == value if sign in ("=", "!=") else re.fullmatch(value, found) is not None
    except re.error:
        return None
    return equal if sign in ("=", "=~") else not equal


def of_route(route: Mapping[str, Json]) -> list[Matcher]:
    """Those of `matchers`, and of the older `match` and `match_re`."""
    found = [_matcher(part) for text in route.get("matchers") or () for part in _split(str(text))]
    found += [(str(name), "=", str(value)) for name, value in (route.get("match") or {}).items()]
    return found + [(str(name), "=~", str(value)) for name, value in (route.get("match_re") or {}).items()]


def _split(text: str) -> list[str]:
    """A matcher each from `{a="b", c=~"d"}`; commas within quotes are part of the value."""
    inner = text.strip().removeprefix("{").removesuffix("}")
    return [part for part in re.findall(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+', inner) if part.strip()]


def _matcher(text: str) -> Matcher:
    found = _MATCHER.fullmatch(text)
    if found is None:
        raise TypeError(f"{text!r} is no matcher")
    value = re.sub(r"\\(.)", r"\1", found[3]) if found[3] is not None else found[4]
    return found[1], found[2], value


def of_silence(matcher: Mapping[str, Json]) -> Matcher:
    """One of a silence; `isEqual` is true by default."""
    signs = {(True, False): "=", (False, False): "!=", (True, True): "=~", (False, True): "!~"}
    sign = signs[(matcher.get("isEqual") is not False, matcher.get("isRegex") is True)]
    return str(matcher.get("name")), sign, str(matcher.get("value"))
