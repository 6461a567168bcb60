"""The tables of log sources as the connectors see them. NULL is not known; it is never off, none or zero."""

from __future__ import annotations

from soc2ev.model import Column, Table

_KEY = Column("source_key", "TEXT", "key of the source in collected_log_sources", required=True)
_AT = Column("position", "BIGINT", "position in the record, from 0", required=True)

_FACTS = (
    Column("native", "TEXT", "what the system calls it: trail, log group, bucket, stage ..."),
    Column("title", "TEXT", "for people"),
    Column("category", "TEXT", "kind of source, such as cloud_infrastructure or database"),
    Column("account", "TEXT", "account, project or tenant that it belongs to"),
    Column("region", "TEXT", "region, where the system has some"),
    Column("enabled", "BOOLEAN", "whether it logs now, not merely exists"),
    Column("delivering", "BOOLEAN", "whether what it logs arrives"),
    Column("retention_days", "BIGINT", "days that the longest sink keeps; NULL when not known or kept for ever"),
    Column("retention_infinite", "BOOLEAN", "whether nothing ever deletes"),
    Column("retention_basis", "TEXT", "configured, plan, declared, observed or unknown"),
    Column("searchable_days", "BIGINT", "days that can be searched at once"),
    Column("archive_days", "BIGINT", "days that are kept in an archive"),
    Column("integrity", "TEXT", "none, validation_files, worm_governance, worm_compliance, hmac"),
    Column("encryption", "TEXT", "none, provider_managed, or the customer's key"),
    Column("masking", "TEXT", "what masks secrets before they are stored; none when nothing does"),
    Column("last_event_at", "TIMESTAMP", "when something last arrived"),
    Column("last_error", "TEXT", "what the system says of its last failure"),
    Column("sampling", "DOUBLE", "share of events that is kept, 1 for all"),
    Column("exclusions", "TEXT[]", "what is left out, in the system's words"),
    Column("rule_count", "BIGINT", "alert rules that it holds"),
)
SOURCES = Table(
    "collected_log_sources",
    "log sources as their systems describe them, one row each; only what was read, never what is believed",
    (
        Column("key", "TEXT", "connector and native name: aws-cloudtrail:main", required=True),
        Column("connector", "TEXT", "id of the manifest", required=True),
        Column("entry", "TEXT", "name of the entry of sources.logs", required=True),
        *_FACTS,
        Column("unknown", "TEXT[]", "names of the facts that could not be read", required=True),
        Column("reasons", "TEXT", "why they could not be read; empty when all could", required=True),
        Column("observed_at", "TIMESTAMP", "when the record was closed", required=True),
    ),
    ("key",),
)
_EVERY = {
    "sinks": (
        "collected_log_sinks",
        "where a source's events are kept",
        (
            Column("type", "TEXT", "bucket, log_group, event_data_store, workspace, index, file, stream ..."),
            Column("target", "TEXT", "its name or address"),
            Column("retention_days", "BIGINT", "days kept; NULL when not known or for ever"),
            Column("retention_infinite", "BOOLEAN", "whether nothing ever deletes"),
            Column("part", "BOOLEAN", "it holds only a part of the events, so that its retention is not the source's"),
            Column("worm_mode", "TEXT", "none, GOVERNANCE or COMPLIANCE"),
            Column("encryption", "TEXT", "none, provider_managed, or the customer's key"),
        ),
    ),
    "alert_rules": (
        "collected_alert_rules",
        "rules that raise alerts, and whom they reach",
        (
            Column("rule", "TEXT", "its name"),
            Column("title", "TEXT", "for people"),
            Column("expression", "TEXT", "its condition in the system's language"),
            Column("severity", "TEXT", "as the system has it"),
            Column("event_kinds", "TEXT[]", "kinds of events that it looks at"),
            Column("enabled", "BOOLEAN", "whether it can raise an alert now"),
            Column("receiver", "TEXT", "where the system sends it"),
            Column("reaches", "TEXT", "the person or team; `none` for a dead end; NULL when not known"),
            Column("muted_until", "TIMESTAMP", "end of the silence that hides it"),
            Column("silence_doubt", "TEXT", "why nobody can tell whether a silence hides it; NULL when that is known"),
            Column("last_changed", "TIMESTAMP", "when it was last changed"),
            Column("last_fired", "TIMESTAMP", "when it last raised an alert"),
            Column("runbook", "TEXT", "address of what to do"),
        ),
    ),
    "readers": (
        "collected_log_readers",
        "who may read a source's events, or stop them",
        (
            Column("principal", "TEXT", "user, role, policy or group"),
            Column("kind", "TEXT", "what kind of principal"),
            Column("can_read", "BOOLEAN", "may read the events"),
            Column("can_stop", "BOOLEAN", "may switch logging off or delete what is kept"),
            Column("via", "TEXT", "by what it may"),
        ),
    ),
    "rate_limits": (
        "collected_rate_limits",
        "limits on requests",
        (
            Column("scope", "TEXT", "what is limited"),
            Column("limit_per_second", "DOUBLE", "requests for each second"),
            Column("burst", "BIGINT", "requests beyond that at once"),
            Column("period_s", "BIGINT", "seconds over which the system counts"),
            Column("enforced", "BOOLEAN", "false for counting, dry-run and preview"),
        ),
    ),
    "events": (
        "collected_log_events",
        "kinds of events that the configuration says are logged",
        (
            Column("event", "TEXT", "canonical kind, such as admin.action"),
            Column("basis", "TEXT", "which setting says so"),
        ),
    ),
    "webhooks": (
        "collected_log_webhooks",
        "addresses that are told of events",
        (
            Column("endpoint", "TEXT", "masked address"),
            Column("enabled", "BOOLEAN", "whether it is used"),
            Column("deliveries", "BIGINT", "messages sent"),
            Column("failures", "BIGINT", "messages that did not arrive"),
            Column("last_failure_at", "TIMESTAMP", "when the last one did not"),
        ),
    ),
}
BY_LIST = {
    key: Table(name, doc, (_KEY, _AT, *columns), ("source_key", "position"))
    for key, (name, doc, columns) in _EVERY.items()
}
"""By the name that the list has in a manifest."""
_ALERT = (
    Column("event", "TEXT", "the system's own id of this alert", required=True),
    Column("rule", "TEXT", "the rule that raised it, as alert_rules names it"),
    Column("title", "TEXT", "for people"),
    Column("severity", "TEXT", "as the system has it"),
    Column("opened_at", "TIMESTAMP", "when it was raised"),
    Column("acknowledged_at", "TIMESTAMP", "when it was first acknowledged; NULL when nobody did, or not known"),
    Column("acknowledged_by", "TEXT", "the person who did; NULL for a machine"),
    Column("closed_at", "TIMESTAMP", "when it was resolved; NULL while it is open"),
    Column("closed_by", "TEXT", "the person who resolved it; NULL when it went by itself, or not known"),
    Column("people_known", "BOOLEAN", "whether the system tells who answered"),
    Column("notes", "TEXT", "what people wrote about it, where a ticket may be named"),
    Column("url", "TEXT", "where it can be seen"),
)
ALERT_EVENTS = Table(
    "collected_alert_events",
    "alerts that were raised in the period, as the system that raised or routed them remembers",
    (Column("source_key", "TEXT", "connector and name of the entry: pagerduty:main", required=True), *_ALERT),
    ("source_key", "event"),
)
TABLES = (SOURCES, *BY_LIST.values())
ALERTS = "alert_events"
"""The list of a history."""
FIELDS = {column.name: column.type for column in _FACTS} | {"within": "TEXT", "same": "TEXT"}
"""
What a record may say, with its type; `within` tells two sources of one native name apart, and `same` is equal where two
entries see one and the same source.
"""
LISTS = {key: {column.name: column.type for column in columns} for key, (_, _, columns) in _EVERY.items()}
LISTS[ALERTS] = {column.name: column.type for column in _ALERT}
"""The lists of a record, and the columns of an entry with their types."""
