"""
JMESPath (https://jmespath.org/specification.html) with the functions of the language; the only importer of jmespath.

An expression knows which names of its surroundings it uses, so that a question that failed makes every fact that
depends on it unknown: to JMESPath itself what is missing is null, and null looks like "off".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

import jmespath
from jmespath import exceptions, functions, visitor

from soc2ev.model import Json
from soc2ev.sources.logs import facts

RESERVED = {"item", "entry", "config", "partial", "peers"}
"""
Names that every expression of a record may use: the element of `each`, the element of a list's own `each`, settings
without secrets, answers of requests with for_each as far as they were had, and answers of other connectors.
"""
_SAME = {"function_expression", "multi_select_dict", "multi_select_list", "key_val_pair", "or_expression"}
_SAME |= {"and_expression", "not_expression", "comparator"}
_LOOKS = {"subexpression", "index_expression", "value_projection", "filter_projection", "flatten"}
_PARTIAL = "partial"
_ANY: Json = {"types": []}
_NAME, _TEXT = {"types": ["string"]}, {"types": ["string", "null"]}
_OBJECT, _ARRAY = {"types": ["object", "null"]}, {"types": ["array", "null"]}


class _Functions(functions.Functions):  # type: ignore[misc]  # jmespath has no types
    """What JMESPath lacks. Each is a pure function of its arguments; docs/adding-a-source.md lists them."""

    def __init__(self, now: str) -> None:
        super().__init__()
        self._now = now

    @functions.signature()  # type: ignore[untyped-decorator]
    def _func_now(self) -> str:
        return self._now

    @functions.signature(_ANY)  # type: ignore[untyped-decorator]
    def _func_days(self, value: Json) -> int | None:
        return facts.days(value)

    @functions.signature(_ARRAY, _NAME, _ANY)  # type: ignore[untyped-decorator]
    def _func_lookup(self, rows: Json, key: str, value: Json) -> Json:
        return facts.lookup(rows, key, value)

    @functions.signature(_ARRAY, _NAME, _ARRAY)  # type: ignore[untyped-decorator]
    def _func_lookups(self, rows: Json, key: str, values: Json) -> list[Json]:
        return facts.lookups(rows, key, values)

    @functions.signature(_OBJECT)  # type: ignore[untyped-decorator]
    def _func_named(self, entries: Json) -> list[Json]:
        return facts.named(entries)

    @functions.signature(_TEXT, _NAME)  # type: ignore[untyped-decorator]
    def _func_regex(self, text: str | None, pattern: str) -> str | None:
        return facts.regex(text, pattern)

    @functions.signature(_ANY, _ANY)  # type: ignore[untyped-decorator]
    def _func_per_second(self, count: Json, seconds: Json) -> float | None:
        return facts.per_second(count, seconds)

    @functions.signature(_ANY)  # type: ignore[untyped-decorator]
    def _func_unique(self, values: Json) -> list[Json]:
        return facts.unique(values)

    @functions.signature(_ANY)  # type: ignore[untyped-decorator]
    def _func_instant(self, value: Json) -> str | None:
        return facts.instant(value)

    @functions.signature(_ANY, _ANY, _ANY)  # type: ignore[untyped-decorator]
    def _func_choose(self, condition: Json, then: Json, otherwise: Json) -> Json:
        if condition is not None and not isinstance(condition, bool):
            raise TypeError("choose() is asked by what is neither true nor false")
        return None if condition is None else then if condition else otherwise

    @functions.signature(_ARRAY, _NAME)  # type: ignore[untyped-decorator]
    def _func_spread(self, rows: Json, path: str) -> list[Json]:
        return facts.spread(rows, path)

    @functions.signature(_ARRAY)  # type: ignore[untyped-decorator]
    def _func_longest(self, sinks: Json) -> Json:
        return facts.longest(sinks)

    @functions.signature(_OBJECT, _OBJECT)  # type: ignore[untyped-decorator]
    def _func_trail_exclusions(self, trail: Json, selectors: Json) -> list[str]:
        from soc2ev.sources.logs.facts_aws import trail_exclusions

        return trail_exclusions(trail, selectors)

    @functions.signature(_ARRAY, _TEXT, _TEXT)  # type: ignore[untyped-decorator]
    def _func_plans_of(self, plans: Json, api: str | None, stage: str | None) -> list[Json]:
        from soc2ev.sources.logs.facts_aws import plans_of

        return plans_of(plans, api, stage)

    @functions.signature(_OBJECT, _TEXT)  # type: ignore[untyped-decorator]
    def _func_method_limits(self, settings: Json, stage: str | None) -> list[Json]:
        from soc2ev.sources.logs.facts_aws import method_limits

        return method_limits(settings, stage)

    @functions.signature(_ARRAY, _ARRAY)  # type: ignore[untyped-decorator]
    def _func_reads_logged(self, status: Json, selectors: Json) -> bool | None:
        from soc2ev.sources.logs.facts_aws import reads_logged

        return reads_logged(status, selectors)

    @functions.signature(_TEXT)  # type: ignore[untyped-decorator]
    def _func_policy_principals(self, document: str | None) -> list[Json]:
        from soc2ev.sources.logs.facts_buckets import policy_principals

        return policy_principals(document)

    @functions.signature(_TEXT, _NAME)  # type: ignore[untyped-decorator]
    def _func_bucket_access(self, document: str | None, bucket: str) -> list[Json]:
        from soc2ev.sources.logs.facts_buckets import bucket_access

        return bucket_access(document, bucket)

    @functions.signature(_OBJECT, _OBJECT)  # type: ignore[untyped-decorator]
    def _func_bucket_grants(self, acl: Json, ownership: Json) -> list[Json]:
        from soc2ev.sources.logs.facts_buckets import bucket_grants

        return bucket_grants(acl, ownership)

    @functions.signature(_OBJECT)  # type: ignore[untyped-decorator]
    def _func_trail_prefix(self, trail: Json) -> str:
        from soc2ev.sources.logs.facts_buckets import trail_prefix

        return trail_prefix(trail)

    @functions.signature(_OBJECT, _OBJECT, _OBJECT, _ARRAY)  # type: ignore[untyped-decorator]
    def _func_bucket_retention(self, versioning: Json, lifecycle: Json, lock: Json, prefixes: Json) -> Json:
        from soc2ev.sources.logs.facts_buckets import bucket_retention

        return bucket_retention(versioning, lifecycle, lock, prefixes)

    @functions.signature(_ARRAY, _ARRAY, _NAME)  # type: ignore[untyped-decorator]
    def _func_log_prefixes(self, trails: Json, channels: Json, bucket: str) -> list[str]:
        from soc2ev.sources.logs.facts_buckets import log_prefixes

        return log_prefixes(trails, channels, bucket)

    @functions.signature(_OBJECT)  # type: ignore[untyped-decorator]
    def _func_trail_events(self, selectors: Json) -> list[str]:
        from soc2ev.sources.logs.facts_aws import trail_events

        return trail_events(selectors)

    @functions.signature({"types": ["object"]}, _ARRAY, _ARRAY)  # type: ignore[untyped-decorator]
    def _func_alarm_route(self, alarm: Json, topics: Json, alarms: Json) -> Json:
        from soc2ev.sources.logs.facts_alarms import alarm_route

        return alarm_route(alarm, topics, alarms)

    @functions.signature(_OBJECT)  # type: ignore[untyped-decorator]
    def _func_waf_limits(self, acl: Json) -> list[Json]:
        from soc2ev.sources.logs.facts_aws import waf_limits

        return waf_limits(acl)

    @functions.signature(_OBJECT, _ARRAY)  # type: ignore[untyped-decorator]
    def _func_waf_group_limits(self, acl: Json, groups: Json) -> list[Json]:
        from soc2ev.sources.logs.facts_aws import waf_group_limits

        return waf_group_limits(acl, groups)

    @functions.signature(_ARRAY, _NAME, _ARRAY)  # type: ignore[untyped-decorator]
    def _func_exported_logs(self, kinds: Json, home: str, groups: Json) -> Json:
        from soc2ev.sources.logs.facts_aws import exported_logs

        return exported_logs(kinds, home, groups)

    @functions.signature(_ARRAY, _ARRAY)  # type: ignore[untyped-decorator]
    def _func_parameter_readers(self, readers: Json, grants: Json) -> list[Json]:
        from soc2ev.sources.logs.facts_postgres import parameter_readers

        return parameter_readers(readers, grants)

    @functions.signature(_TEXT)  # type: ignore[untyped-decorator]
    def _func_alertmanager_routes(self, config: str | None) -> list[Json]:
        from soc2ev.sources.logs.routes import listed

        return listed(config, self._now)

    @functions.signature(_OBJECT, _ARRAY)  # type: ignore[untyped-decorator]
    def _func_mute(self, route: Json, intervals: Json) -> Json:
        from soc2ev.sources.logs.facts_times import mute_by

        return mute_by(route, intervals, self._now)

    @functions.signature(_ARRAY, {"types": ["object"]})  # type: ignore[untyped-decorator]
    def _func_silenced(self, silences: Json, labels: Json) -> Json:
        from soc2ev.sources.logs.silences import silenced

        return silenced(silences, labels, self._now)

    @functions.signature({"types": ["array"]}, _NAME)  # type: ignore[untyped-decorator]
    def _func_snoozed(self, windows: Json, name: str) -> Json:
        from soc2ev.sources.logs.silences import snoozed

        return snoozed(windows, name, self._now)

    @functions.signature(_OBJECT, _ARRAY, _ARRAY, _ARRAY)  # type: ignore[untyped-decorator]
    def _func_iam_access(self, details: Json, resources: Json, reading: Json, stopping: Json) -> list[Json]:
        from soc2ev.sources.logs.facts_iam import iam_access

        return iam_access(details, resources, reading, stopping)

    @functions.signature(_ARRAY, _ANY)  # type: ignore[untyped-decorator]
    def _func_alert_episodes(self, series: Json, step: Json) -> list[Json]:
        from soc2ev.sources.logs.episodes import of_samples

        return of_samples(series, step)

    @functions.signature(_ARRAY)  # type: ignore[untyped-decorator]
    def _func_alarm_episodes(self, items: Json) -> list[Json]:
        from soc2ev.sources.logs.episodes import of_changes

        return of_changes(items)

    @functions.signature(_ARRAY, _ARRAY, _ARRAY, _TEXT)  # type: ignore[untyped-decorator]
    def _func_routed_rules(self, groups: Json, active: Json, peers: Json, config: str | None) -> list[Json]:
        from soc2ev.sources.logs.routes import routed

        return routed(groups, active, peers, self._now, config)

    @functions.signature(_OBJECT)  # type: ignore[untyped-decorator]
    def _func_nginx_facts(self, parsed: Json) -> Json:
        from soc2ev.sources.logs.facts_nginx import nginx_facts

        return nginx_facts(parsed)

    @functions.signature(_ARRAY)  # type: ignore[untyped-decorator]
    def _func_pgaudit_events(self, settings: Json) -> list[str]:
        from soc2ev.sources.logs.facts_postgres import pgaudit_events

        return pgaudit_events(settings)

    @functions.signature(_ARRAY)  # type: ignore[untyped-decorator]
    def _func_pgaudit_written(self, settings: Json) -> bool | None:
        from soc2ev.sources.logs.facts_postgres import pgaudit_written

        return pgaudit_written(settings)

    @functions.signature(_ARRAY, _ARRAY)  # type: ignore[untyped-decorator]
    def _func_pgaudit_scope(self, settings: Json, overrides: Json) -> Json:
        from soc2ev.sources.logs.facts_postgres import pgaudit_scope

        return pgaudit_scope(settings, overrides)


class _Interpreter(visitor.TreeInterpreter):  # type: ignore[misc]  # jmespath has no types
    """
    JMESPath, where values of two types that are compared, and an object in the place of a list, are errors.

    To JMESPath `'yes' == true` is false, and rows of what is no list are none: an answer that means something else than
    the manifest would look like "off". What is missing is null here too, and compares with everything.
    """

    def visit_comparator(self, node: Json, value: Json) -> Json:
        sides = [self.visit(child, value) for child in node["children"]]
        kinds = {kind for kind in map(_kind, sides) if kind}
        if len(kinds) > 1 or (kinds - {"number"} and node["value"] not in self._EQUALITY_OPS):
            raise TypeError(f"{' and '.join(sorted(kinds))} cannot be compared by {node['value']}")
        return super().visit_comparator({**node, "children": [_as_node(side) for side in sides]}, value)

    def visit_or_expression(self, node: Json, value: Json) -> Json:
        """Alternatives of several types, `x == true || x == '1'`: one of them has to fit."""
        try:
            left = self.visit(node["children"][0], value)
        except TypeError:
            return self.visit(node["children"][1], value)
        if not self._is_false(left):
            return left
        try:
            return self.visit(node["children"][1], value)
        except TypeError:
            if isinstance(left, bool):
                return left
            raise

    def visit_filter_projection(self, node: Json, value: Json) -> Json:
        return super().visit_filter_projection(self._over(node, value, list), value)

    def visit_projection(self, node: Json, value: Json) -> Json:
        return super().visit_projection(self._over(node, value, list), value)

    def visit_flatten(self, node: Json, value: Json) -> Json:
        return super().visit_flatten(self._over(node, value, list), value)

    def visit_value_projection(self, node: Json, value: Json) -> Json:
        return super().visit_value_projection(self._over(node, value, dict), value)

    def _over(self, node: Json, value: Json, kind: type) -> Json:
        """The node with what it goes over, which is of that kind or null; visited once."""
        base = self.visit(node["children"][0], value)
        if base is not None and not isinstance(base, kind):
            raise TypeError(f"{_kind(base)} stands where {_kind(kind())} is expected")
        return {**node, "children": [_as_node(base), *node["children"][1:]]}


def _as_node(value: Json) -> Json:
    return {"type": "literal", "value": value, "children": []}


def _kind(value: Json) -> str | None:
    """The type of a value; None for null."""
    names = (((bool,), "boolean"), ((int, float), "number"), ((str,), "text"), ((list,), "list"), ((dict,), "object"))
    return next((name for kinds, name in names if isinstance(value, kinds)), None)


class Expression:
    """A compiled expression. ValueError when it does not compile, or uses a function that does not exist."""

    def __init__(self, text: str) -> None:
        self._compiled = _compiled(text)
        self.text = text
        self._names = frozenset(_roots(self._compiled.parsed))

    @property
    def roots(self) -> frozenset[str]:
        """The names of its surroundings that it uses; of `partial.x` both `partial` and x."""
        return self._names

    @property
    def negates_first(self) -> bool:
        """Whether it looks into what a negation gives, as `!a.b` does, which means `(!a).b` and is null."""
        return _negates_first(self._compiled.parsed)

    @property
    def needs(self) -> frozenset[str]:
        """Those of them that must be known whole: not those below `partial`."""
        return frozenset(_roots(self._compiled.parsed, skip_partial=True))

    def value(self, surroundings: Mapping[str, Json], now: str) -> Json:
        """What it yields there; ValueError when a function meets a value that it cannot take."""
        options = jmespath.Options(custom_functions=_Functions(now))
        try:
            return _Interpreter(options).visit(self._compiled.parsed, surroundings)
        except (exceptions.JMESPathError, RecursionError, TypeError, ArithmeticError) as problem:
            raise ValueError(f"{self.text!r}: {problem}"[:300]) from None


@lru_cache(maxsize=2_000)
def _compiled(text: str) -> Json:
    try:
        made = jmespath.compile(text)
    except (exceptions.JMESPathError, RecursionError) as problem:
        says = " ".join(str(problem).split())
        raise ValueError(f"{text!r} is no JMESPath expression: {says}"[:300]) from None
    for name in _called(made.parsed):
        if name not in _Functions.FUNCTION_TABLE:
            raise ValueError(f"{text!r} uses the function {name}(), which does not exist")
    return made


def _negates_first(node: Json) -> bool:
    """To JMESPath a negation binds closer than a dot, `[]` and `[?`."""
    inner = [child for child in node["children"] if isinstance(child, dict)]
    looks = node["type"] in _LOOKS and inner[0]["type"] == "not_expression"
    return looks or any(map(_negates_first, inner))


def _called(node: Json) -> Iterator[str]:
    if node["type"] == "function_expression":
        yield node["value"]
    for child in node["children"]:
        if isinstance(child, dict):
            yield from _called(child)


def _roots(node: Json, *, skip_partial: bool = False) -> Iterator[str]:
    """The fields that are looked up in the surroundings rather than in what stands to the left of them."""
    kind, children = node["type"], node["children"]
    if kind == "field":
        yield node["value"]
    elif kind == "current":
        raise ValueError("@ alone means nothing here: name what is meant")
    elif kind in _SAME:
        for child in children:
            yield from _roots(child, skip_partial=skip_partial)
    elif kind == "subexpression" and children[0] == _FIELD_PARTIAL:
        yield from () if skip_partial else (_PARTIAL, children[1].get("value", ""))
    elif kind not in ("literal", "identity", "expref") and children:
        yield from _roots(children[0], skip_partial=skip_partial)


_FIELD_PARTIAL = {"type": "field", "children": [], "value": _PARTIAL}
