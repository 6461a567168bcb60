"""
What Prometheus makes of a rule's alerts before it sends them: their labels, what it drops, and to whom it sends. Pure.

https://prometheus.io/docs/prometheus/latest/configuration/configuration/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from soc2ev import yamlfile
from soc2ev.errors import ConfigError
from soc2ev.model import Json

_OURS = ("alertname", "severity")
"""Labels that only the rule gives: what it does not set there is not set."""
_QUOTED = re.compile(r""" "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' | `[^`]*` """, re.VERBOSE)
_AGGREGATES = r"(?:sum|min|max|avg|group|stddev|stdvar|count)"
_SUMMED = re.compile(rf"{_AGGREGATES}\s*(?:by\s*\(([^()]*)\)\s*)?\(")
_COMPARED = re.compile(r"\s*(?:by\s*\(([^()]*)\)\s*)?(?:(?:==|!=|>=|<=|>|<)\s*[-+]?[0-9.][0-9.eE+-]*\s*)?")
_CONSTANT = re.compile(r"\s*vector\(\s*[-+0-9.eE]*\s*\)\s*(?:(?:==|!=|>=|<=|>|<)\s*[-+]?[0-9.][0-9.eE+-]*\s*)?")


@dataclass(frozen=True)
class Labels:
    """Labels of the alerts of a rule. None is a value that is not known: a template, or what a series may bring."""

    given: Mapping[str, str | None]
    closed: bool = False
    """Whether the alerts have no others."""

    def value(self, name: str) -> str | None:
        """Its value, empty when it is not set; None when it is not known."""
        if name in self.given:
            return self.given[name]
        return "" if self.closed or name in _OURS else None

    def with_(self, name: str, value: str | None) -> Labels:
        """The same with one label changed."""
        return replace(self, given={**self.given, name: value})


@dataclass(frozen=True)
class Sending:
    """The part of Prometheus' configuration that is about sending; empty when it was not read."""

    labels: Mapping[str, str]
    relabel: tuple[Mapping[str, Json], ...]
    targets: tuple[str, ...]
    found: bool
    """Whether other Alertmanagers are looked for, by service discovery."""

    def sent(self, rule: Mapping[str, Json]) -> tuple[Labels, bool | None]:
        """The labels with which the alerts of a rule leave, and whether they do: None when nobody can tell."""
        labels, leaves = _labels(rule, self.labels), True
        for step in self.relabel:
            labels, goes_on = _relabelled(labels, step)
            if goes_on is False:
                return labels, False
            leaves = leaves and goes_on is True
        return labels, True if leaves else None


def sending(config: str | None) -> Sending:
    """What a configuration (YAML) says of sending; TypeError when it cannot be read."""
    if config is None:
        return Sending({}, (), (), found=False)
    try:
        read = yamlfile.parse(config.encode(), "Prometheus' configuration").data
    except ConfigError as problem:
        raise TypeError(problem.message) from None
    given = read if isinstance(read, dict) else {}
    alerting = given.get("alerting") or {}
    managers = [one for one in alerting.get("alertmanagers") or () if isinstance(one, dict)]
    external = (given.get("global") or {}).get("external_labels") or {}
    return Sending(
        {str(name): str(value) for name, value in external.items()},
        tuple(alerting.get("alert_relabel_configs") or ()),
        tuple(url for one in managers for url in _addresses(one)),
        any(name.endswith("_sd_configs") for one in managers for name in one),
    )


def _addresses(manager: Mapping[str, Json]) -> list[str]:
    scheme, prefix = manager.get("scheme") or "http", str(manager.get("path_prefix") or "").rstrip("/")
    hosts = [host for one in manager.get("static_configs") or () for host in one.get("targets") or ()]
    return [f"{scheme}://{host}{prefix}/api/v2/alerts" for host in hosts]


def _labels(rule: Mapping[str, Json], external: Mapping[str, str]) -> Labels:
    told = rule.get("labels")
    # A rule without any has an empty object: https://prometheus.io/docs/prometheus/latest/querying/api/#rules
    if not isinstance(told, Mapping):
        raise TypeError(f"the labels of the rule {rule.get('name')!r} are not told")
    given = {str(name): str(value) for name, value in told.items()}
    plain: dict[str, str | None] = {name: None if "{{" in value else value for name, value in given.items()}
    brought = _brought(str(rule.get("query") or ""))
    series: dict[str, str | None] = dict.fromkeys(brought or ())
    # An external label is for alerts that have none of that name: https://pkg.go.dev/github.com/prometheus/prometheus
    outside = {name: None if name in series or brought is None else value for name, value in external.items()}
    return Labels({**series, **outside, **plain, "alertname": str(rule.get("name"))}, closed=brought is not None)


def _brought(query: str) -> list[str] | None:
    """The names of the labels that the series of an expression may have; None when they may be any."""
    text = _QUOTED.sub('""', query).strip()
    if _CONSTANT.fullmatch(text):
        return []
    begun = _SUMMED.match(text)
    if begun is None:
        return None
    depth, end = 1, begun.end()
    while end < len(text) and depth:
        depth += {"(": 1, ")": -1}.get(text[end], 0)
        end += 1
    rest = _COMPARED.fullmatch(text, end)
    if depth or rest is None:
        return None
    return [name.strip() for name in (begun[1] or rest[1] or "").split(",") if name.strip()]


def _relabelled(labels: Labels, step: Mapping[str, Json]) -> tuple[Labels, bool | None]:
    """The labels after one step of alert_relabel_configs, and whether the alert is still there."""
    action, text = str(step.get("action") or "replace").lower(), str(step.get("regex") or "(.*)")
    values = [labels.value(str(name)) for name in step.get("source_labels") or ()]
    known = [value for value in values if value is not None]
    whole = len(known) == len(values)
    try:
        pattern = re.compile(text)
    except re.error:
        return Labels({}), None
    if action in ("drop", "keep"):
        fits = pattern.fullmatch(str(step.get("separator", ";")).join(known)) is not None
        return labels, (fits is (action == "keep")) if whole else None
    if action == "labeldrop":
        left = {name: "" if pattern.fullmatch(name) else value for name, value in labels.given.items()}
        return replace(labels, given=left), True
    target, value = str(step.get("target_label") or ""), str(step.get("replacement", "$1"))
    if not target or action != "replace":
        return Labels({}), True
    plain = not values and "$" not in value and text == "(.*)"
    return labels.with_(target, value if plain else None), True
