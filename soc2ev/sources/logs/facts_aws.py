"""What answers of AWS mean, where it takes more than picking a field. Each function is pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from soc2ev.model import Json
from soc2ev.sources.logs.facts import lookup
from soc2ev.sources.logs.facts_buckets import least

_WRITES, _READS = ("WriteOnly", "All"), ("ReadOnly", "All")


def trail_events(selectors: Json) -> list[str]:
    """The kinds of events that the event selectors of a trail let through, as canonical names."""
    given = selectors or {}
    # Without any selector a trail logs all management events.
    kinds: set[str] = set() if given.get("EventSelectors") or given.get("AdvancedEventSelectors") else _managed("All")
    for one in given.get("EventSelectors") or ():
        if one.get("IncludeManagementEvents", True):
            kinds |= _managed(one.get("ReadWriteType", "All"))
        kinds |= {"sensitive.read"} if one.get("DataResources") and one.get("ReadWriteType") in _READS else set()
    for one in given.get("AdvancedEventSelectors") or ():
        fields = {part.get("Field"): part for part in one.get("FieldSelectors") or ()}
        way = _way(fields)
        category = (fields.get("eventCategory") or {}).get("Equals")
        kinds |= _managed(way) if category == ["Management"] else set()
        kinds |= {"sensitive.read"} if category == ["Data"] and way in _READS else set()
    return sorted(kinds)


def _managed(way: str) -> set[str]:
    """Sign-ins and changes are write events; denied calls come with both."""
    writes = {"admin.action", "auth.failure", "auth.success", "logging.changed", "token.created", "token.revoked"}
    return {"authz.failure"} | (writes if way in _WRITES else set())


def trail_exclusions(trail: Json, selectors: Json) -> list[str]:
    """What a trail leaves out: regions, global services, management events, and event sources by name."""
    found = [] if (trail or {}).get("IsMultiRegionTrail") else [f"regions other than {(trail or {}).get('HomeRegion')}"]
    found += [] if (trail or {}).get("IncludeGlobalServiceEvents") else ["global services"]
    basic, advanced = ((selectors or {}).get(kind) or [] for kind in ("EventSelectors", "AdvancedEventSelectors"))
    managed = [one for one in basic if one.get("IncludeManagementEvents", True)]
    ways = [str(one.get("ReadWriteType") or "All") for one in managed]
    found += [str(name) for one in managed for name in one.get("ExcludeManagementEventSources") or ()]
    for one in advanced:
        fields = {part.get("Field"): part for part in one.get("FieldSelectors") or ()}
        found += _narrowed(fields)
        if (fields.get("eventCategory") or {}).get("Equals") == ["Management"]:
            ways.append(_way(fields))
    if not ways and (basic or advanced):
        found.append("management events")
    found += {"ReadOnly": ["writes"], "WriteOnly": ["reads"]}.get("".join(set(ways)), [])
    return list(dict.fromkeys(found))


def _way(fields: Mapping[str, Json]) -> str:
    """What an advanced selector lets through of reading and writing, as the basic ones call it."""
    only = (fields.get("readOnly") or {}).get("Equals") or []
    return "All" if len(only) != 1 else "ReadOnly" if only == ["true"] else "WriteOnly"


def _narrowed(fields: Mapping[str, Json]) -> Iterator[str]:
    """What an advanced selector leaves out by name, and to what it keeps management events."""
    managed = (fields.get("eventCategory") or {}).get("Equals") == ["Management"]
    for name, part in fields.items():
        for sign in ("NotEquals", "NotStartsWith", "NotEndsWith"):
            yield from (f"{name} {value}" for value in part.get(sign) or ())
        kept = [value for sign in ("Equals", "StartsWith", "EndsWith") for value in part.get(sign) or ()]
        if managed and kept and name not in ("eventCategory", "readOnly"):
            yield f"{name} other than {', '.join(map(str, kept))}"


def plans_of(plans: Json, api: str | None, stage: str | None) -> list[Json]:
    """The usage plans of a stage, and what they say of single methods, as rate limits."""
    return [
        {"scope": f"usage plan {plan.get('name')}{f' {of}' if of else ''}", **limit}
        for plan in plans or ()
        for one in plan.get("apiStages") or ()
        if (one.get("apiId"), one.get("stage")) == (api, stage)
        for of, limit in (("", plan.get("throttle")), *(one.get("throttle") or {}).items())
        if limit
    ]


def method_limits(settings: Json, stage: str | None) -> list[Json]:
    """
    The rate limits that a stage of a REST API sets for single methods, other than the one for all (`*/*`).

    `scope` is `stage NAME METHOD PATH`, with `rateLimit` and `burstLimit`.
    https://docs.aws.amazon.com/apigateway/latest/api/API_MethodSetting.html
    """
    given = settings or {}
    whole = (given.get("*/*") or {}).get("throttlingRateLimit")
    found = []
    for name, one in sorted(given.items()):
        # A method without a limit of its own shows the one that goes for all.
        rate = (one or {}).get("throttlingRateLimit")
        if name != "*/*" and rate is not None and rate != whole:
            path, _, method = str(name).replace("~1", "/").rpartition("/")
            limit = {"rateLimit": rate, "burstLimit": one.get("throttlingBurstLimit")}
            found.append({"scope": f"stage {stage} {method} {path}", **limit})
    return found


def reads_logged(status: Json, selectors: Json) -> bool | None:
    """
    Whether a trail logs what reads, as reading a secret does; None when not every answer was had and none says so.

    `status` and `selectors` are the outcomes of asking for those of each trail, each about the trail itself.
    """
    told = [_logs_reads(one, lookup(selectors, "for", one.get("for"))) for one in status or ()]
    return True if True in told else None if None in told else False


def _logs_reads(status: Mapping[str, Json], selectors: Json) -> bool | None:
    if status.get("state") != "ok":
        return None
    if (status.get("answer") or {}).get("IsLogging") is not True:
        return False
    if (selectors or {}).get("state") != "ok":
        return None
    left = trail_exclusions({"IsMultiRegionTrail": True, "IncludeGlobalServiceEvents": True}, selectors["answer"])
    if "reads" in left or "management events" in left:
        return False
    return None if any("secretsmanager" in one or " other than " in one for one in left) else True


def exported_logs(kinds: Json, home: str, groups: Json) -> Json:
    """
    How long the log groups of a database are kept: `groups` by the name of the kind of log, and of all together.

    `days` is that of the shortest, for each holds other logs. A group that is not there is not `known`.
    """
    rows = {str(row.get("logGroupName")): row for row in groups or ()}
    found = [{"name": kind, "row": rows.get(f"{home}{kind}")} for kind in kinds or ()]
    told = [
        {
            "name": one["name"],
            "days": one["row"].get("retentionInDays"),
            "infinite": "retentionInDays" not in one["row"],
        }
        for one in found
        if one["row"] is not None
    ]
    known = bool(told) and len(told) == len(found)
    days = least([one["days"] for one in told]) if known else None
    return {"groups": told, "known": known, "days": days, "infinite": days is None if known else None}


def waf_limits(acl: Json) -> list[Json]:
    """
    The rate limits of a web ACL: `scope`, `per_second`, `period` and `enforced`.

    A rule that counts blocks nobody.
    """
    return list(_limits(((acl or {}).get("WebACL") or {}).get("Rules"), ""))


_GROUPED = ("PreProcessFirewallManagerRuleGroups", "Rules", "PostProcessFirewallManagerRuleGroups")
"""Where a web ACL refers to rule groups, in the order in which they are applied."""


def waf_group_limits(acl: Json, groups: Json) -> list[Json]:
    """
    The rate limits in the rule groups that a web ACL refers to, as `waf_limits` gives its own: scope `GROUP/RULE`.

    `groups` are the outcomes of asking for each group; TypeError for one that was not had. A group whose action is
    overridden to count enforces nothing, nor does a rule of it whose action is, or that is excluded. Those that
    Firewall Manager put there are among them.
    https://docs.aws.amazon.com/waf/latest/developerguide/web-acl-rule-group-override-options.html
    """
    found: list[Json] = []
    given = (acl or {}).get("WebACL") or {}
    for rule in (one for name in _GROUPED for one in given.get(name) or ()):
        statement = rule.get("Statement") or rule.get("FirewallManagerStatement") or {}
        if reference := statement.get("RuleGroupReferenceStatement"):
            group = _group(reference, groups)
            found += _limits(group.get("Rules"), f"{group.get('Name')}/", reference, counts=_counts(rule))
    return found


def _group(reference: Mapping[str, Json], groups: Json) -> Mapping[str, Json]:
    outcome: Json = next((one for one in groups or () if one.get("for") == reference.get("ARN")), {})
    if outcome.get("state") != "ok":
        raise TypeError(f"the rule group {reference.get('ARN')} was not read")
    return (outcome.get("answer") or {}).get("RuleGroup") or {}


def _limits(
    rules: Json, within: str, reference: Mapping[str, Json] | None = None, *, counts: bool = False
) -> Iterator[Json]:
    given = reference or {}
    excluded = {one.get("Name") for one in given.get("ExcludedRules") or ()}
    overrides = {one.get("Name"): one.get("ActionToUse") for one in given.get("RuleActionOverrides") or ()}
    for rule in rules or ():
        name, limit = rule.get("Name"), (rule.get("Statement") or {}).get("RateBasedStatement")
        if limit:
            acts = _acts({**rule, "Action": overrides.get(name) or rule.get("Action")})
            yield {
                "scope": f"{within}{name}",
                "per_second": _rate(limit),
                "period": limit.get("EvaluationWindowSec") or 300,
                "enforced": acts and not counts and name not in excluded,
            }


def _counts(rule: Mapping[str, Json]) -> bool:
    return "Count" in (rule.get("OverrideAction") or {})


def _rate(limit: Mapping[str, Json]) -> float | None:
    # AWS counts over five minutes where the rule names no window.
    most = limit.get("Limit")
    return None if not isinstance(most, int) else round(most / (limit.get("EvaluationWindowSec") or 300), 6)


def _acts(rule: Mapping[str, Json]) -> bool:
    return bool({"Block", "Captcha", "Challenge"} & set(rule.get("Action") or {})) and not _counts(rule)
