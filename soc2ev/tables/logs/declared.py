"""The standard tables of log evidence: what the platforms show, merged with what the registers ask for."""

from __future__ import annotations

from soc2ev.model import Column, Table

_EVIDENCE = Column("evidence", "TEXT[]", "digests of the stored bodies behind the row", required=True)
_SOURCE = Column("source_key", "TEXT", "key of the source in log_sources", required=True)
_POSITION = Column("position", "BIGINT", "place in the source's list, from 0", required=True)
_SEEN = Column("observed_at", "TIMESTAMP", "when the platform was asked")

LOG_SOURCES = Table(
    "log_sources",
    "Log sources that a platform shows or the inventory lists, each with what is configured and what is required. "
    "NULL is not known; it is never off, none or zero.",
    (
        Column("key", "TEXT", "connector and native name, such as aws-cloudtrail:main"),
        Column("connector", "TEXT", "connector that shows it, or would", required=True),
        Column("title", "TEXT", "for people"),
        Column("category", "TEXT", "kind of source; NULL for one that no platform shows"),
        Column("enabled", "BOOLEAN", "whether it logs now, not merely exists"),
        Column("delivering", "BOOLEAN", "whether the platform says that what it logs arrives"),
        Column("retention_days", "BIGINT", "days that the longest sink keeps; NULL when not known or kept for ever"),
        Column("retention_infinite", "BOOLEAN", "whether a sink keeps it for ever"),
        Column("retention_basis", "TEXT", "configured, plan, declared, observed or unknown"),
        Column("integrity", "TEXT", "none, validation_files, worm_governance, worm_compliance, hmac"),
        Column("encryption", "TEXT", "none, provider_managed, or the customer's key"),
        Column("owner", "TEXT", "who answers for it, by the inventory"),
        Column("in_inventory", "BOOLEAN", "listed in a register of log sources; NULL when registers cannot be read"),
        Column("status", "TEXT", "ok, deviation or unknown, over listing, logging, delivery and retention"),
        Column("reasons", "TEXT[]", "what makes the status deviate or unknown; empty when ok", required=True),
        Column("found", "BOOLEAN", "a platform shows it; NULL when the platform was not read whole"),
        Column("account", "TEXT", "account, project or tenant"),
        Column("region", "TEXT", "region, where the system has some"),
        Column("searchable_days", "BIGINT", "days that can be searched at once"),
        Column("archive_days", "BIGINT", "days that are kept in an archive"),
        Column("masking", "TEXT", "what masks secrets before they are stored"),
        Column("last_event_at", "TIMESTAMP", "when something last arrived"),
        Column("last_error", "TEXT", "what the system says of its last failure"),
        Column("sampling", "DOUBLE", "share of events that is kept, 1 for all"),
        Column("exclusions", "TEXT[]", "what is left out, in the system's words"),
        Column("required_days", "BIGINT", "longest of inventory, policy in force and promises; NULL when none says"),
        Column("required_by", "TEXT", "where that number comes from"),
        Column("listed_reason", "TEXT", "what the inventory says, or why that is not known"),
        Column("logs", "BOOLEAN", "found, and logging"),
        Column("logs_reason", "TEXT", "what the platform says"),
        Column("arrives", "BOOLEAN", "delivering, and not silent for a month"),
        Column("arrives_reason", "TEXT", "what the platform says"),
        Column("kept", "BOOLEAN", "kept for as long as required"),
        Column("kept_reason", "TEXT", "the numbers, or why they are not known"),
        Column("kept_year", "BOOLEAN", "kept for a year at least"),
        Column("kept_year_reason", "TEXT", "the number, or why it is not known"),
        Column("sealed", "BOOLEAN", "changes to what is kept are prevented or would show"),
        Column("sealed_reason", "TEXT", "by what, or why that is not known"),
        Column("encrypted", "BOOLEAN", "encrypted where it is kept"),
        Column("encrypted_reason", "TEXT", "by whose key, or why that is not known"),
        Column("whole", "BOOLEAN", "nothing is sampled away or left out"),
        Column("whole_reason", "TEXT", "what is, or why that is not known"),
        Column("events_covered", "BOOLEAN", "every event that the inventory requires is logged by the configuration"),
        Column("events_reason", "TEXT", "which are not, or why that is not known"),
        Column("unknown", "TEXT[]", "facts that the platform did not let be read", required=True),
        _SEEN,
        _EVIDENCE,
    ),
    ("key",),
)
LOG_SINKS = Table(
    "log_sinks",
    "Where each source's events are kept.",
    (
        _SOURCE,
        _POSITION,
        Column("type", "TEXT", "bucket, log_group, event_data_store, workspace, index, file, stream ..."),
        Column("target", "TEXT", "its name or address"),
        Column("retention_days", "BIGINT", "days kept; NULL when not known or for ever"),
        Column("retention_infinite", "BOOLEAN", "whether nothing ever deletes"),
        Column("worm_mode", "TEXT", "none, GOVERNANCE or COMPLIANCE"),
        Column("encryption", "TEXT", "none, provider_managed, or the customer's key"),
        _EVIDENCE,
    ),
    ("source_key", "position"),
)
ALERT_RULES = Table(
    "alert_rules",
    "Rules that raise alerts, and whom they reach.",
    (
        _SOURCE,
        _POSITION,
        Column("rule", "TEXT", "its name"),
        Column("title", "TEXT", "for people"),
        Column("expression", "TEXT", "its condition in the system's language"),
        Column("severity", "TEXT", "as the system has it"),
        Column("event_kinds", "TEXT[]", "kinds of events that it watches; NULL when not known"),
        Column("enabled", "BOOLEAN", "whether it can raise an alert now"),
        Column("receiver", "TEXT", "where the system sends it"),
        Column("reaches", "TEXT", "the person or team; `none` for a dead end; NULL when not known"),
        Column("muted_until", "TIMESTAMP", "end of the silence that hides it"),
        Column("last_changed", "TIMESTAMP", "when it was last changed"),
        Column("last_fired", "TIMESTAMP", "when it last raised an alert"),
        Column("runbook", "TEXT", "address of what to do"),
        Column("routed", "BOOLEAN", "it reaches a person or team"),
        Column("heard", "BOOLEAN", "no silence hid it when it was read"),
        Column(
            "tried", "BOOLEAN", "it fired, or its scenario was tested, in the twelve months before the period's end"
        ),
        Column("tried_reason", "TEXT", "when, or why that is not known"),
        _SEEN,
        _EVIDENCE,
    ),
    ("source_key", "position"),
)
LOG_READERS = Table(
    "log_readers",
    "Who may read a source's events, or stop them.",
    (
        _SOURCE,
        _POSITION,
        Column("principal", "TEXT", "user, role, policy or group"),
        Column("kind", "TEXT", "what kind of principal"),
        Column("can_read", "BOOLEAN", "may read the events"),
        Column("can_stop", "BOOLEAN", "may switch logging off or delete what is kept"),
        Column("via", "TEXT", "by what it may"),
        _SEEN,
        _EVIDENCE,
    ),
    ("source_key", "position"),
)
RATE_LIMITS = Table(
    "rate_limits",
    "Limits on requests.",
    (
        _SOURCE,
        _POSITION,
        Column("scope", "TEXT", "what is limited"),
        Column("limit_per_second", "DOUBLE", "requests for each second"),
        Column("burst", "BIGINT", "requests beyond that at once"),
        Column("period_s", "BIGINT", "seconds over which the system counts"),
        Column("enforced", "BOOLEAN", "false for counting, dry-run and preview"),
        _EVIDENCE,
    ),
    ("source_key", "position"),
)
ALERT_COVERAGE = Table(
    "alert_coverage",
    "For each kind of high-risk event: does an enabled rule that reaches somebody watch it?",
    (
        Column("event", "TEXT", "canonical kind of event"),
        Column("title", "TEXT", "for people", required=True),
        Column("rules", "TEXT[]", "rules that watch it, as <source>/<rule>", required=True),
        Column("covered", "BOOLEAN", "a rule that is enabled, heard and routed watches it"),
        Column("covered_reason", "TEXT", "which rules, or why that is not known"),
        _EVIDENCE,
    ),
    ("event",),
)
LOG_REMOVALS = Table(
    "log_removals",
    "Decisions to remove or reduce access to logs: does a later list of readers agree?",
    (
        Column("item", "TEXT", "<file>#<record>/<reading or stopping>/<position of the decision>"),
        Column("source_key", "TEXT", "log source that was reviewed"),
        Column("principal", "TEXT", "whose access"),
        Column("decision", "TEXT", "reduce or remove"),
        Column("decided_on", "DATE", "day of the review"),
        Column("gone", "BOOLEAN", "a list of readers read afterwards lacks it"),
        Column("gone_reason", "TEXT", "what the list shows, or why nothing does"),
        Column("days", "BIGINT", "days from the review to the list that lacks it"),
        _EVIDENCE,
    ),
    ("item",),
)
LOG_EXCEPTIONS = Table(
    "log_exceptions",
    "Exceptions from logging requirements beside what the platforms show.",
    (
        Column("item", "TEXT", "<file>#<record>"),
        Column("applies_to", "TEXT", "log source, rule or limit"),
        Column("fresh", "BOOLEAN", "what it states as actual is what was collected"),
        Column("fresh_reason", "TEXT", "both, or why that is not known"),
        Column("compensated", "BOOLEAN", "each source named to make up for it logs and keeps as long as required"),
        Column("compensated_reason", "TEXT", "which does not, or why that is not known"),
        _EVIDENCE,
    ),
    ("item",),
)
LOG_DRIFT = Table(
    "log_drift",
    "Facts of logging that read otherwise in a later collection, each with the change that explains it.",
    (
        Column("item", "TEXT", "<source>/<field>@<instant of the later reading>"),
        Column("source_key", "TEXT", "the log source", required=True),
        Column("field", "TEXT", "which fact; source when the whole source appeared or vanished", required=True),
        Column("before", "TEXT", "the value that was read first; NULL when the source was not there"),
        Column("after", "TEXT", "the value that was read later; NULL when the source is gone"),
        Column("seen_before", "TIMESTAMP", "when the first was read", required=True),
        Column("seen_at", "TIMESTAMP", "when the later was read", required=True),
        Column(
            "changes",
            "TEXT[]",
            "changes between both that name the source; where none does, those of the kind logging or rate limit",
            required=True,
        ),
        Column("authorised", "BOOLEAN", "a change whose title names the source by its key explains it"),
        Column("authorised_reason", "TEXT", "which, or why none is known"),
        _EVIDENCE,
    ),
    ("item",),
)
LOG_WEBHOOKS = Table(
    "log_webhooks",
    "Addresses that are told of events, with their failures and the review of these.",
    (
        _SOURCE,
        _POSITION,
        Column("endpoint", "TEXT", "masked address"),
        Column("enabled", "BOOLEAN", "whether it is used"),
        Column("deliveries", "BIGINT", "messages sent"),
        Column("failures", "BIGINT", "messages that did not arrive"),
        Column("last_failure_at", "TIMESTAMP", "when the last one did not"),
        _EVIDENCE,
    ),
    ("source_key", "position"),
)
LOGGED_EVENTS = Table(
    "logged_events",
    "For each canonical kind of event: do a configuration or samples show that it is logged?",
    (
        Column("event", "TEXT", "canonical kind, such as auth.failure"),
        Column("title", "TEXT", "for people", required=True),
        Column("sources", "TEXT[]", "log sources and samples that show it", required=True),
        Column("observed", "BIGINT", "how many samples hold; NULL when there are no samples"),
        Column("logged", "BOOLEAN", "shown by a source that logs, or a sample; not observed is NULL, never false"),
        Column("logged_reason", "TEXT", "by which, or why that is not known"),
        _EVIDENCE,
    ),
    ("event",),
)
LOG_SAMPLES = Table(
    "log_samples",
    "What samples and exports of logs hold, one row for each source of sources.files.",
    (
        Column("source", "TEXT", "name of the source in the configuration"),
        Column("files", "BIGINT", "files that were read", required=True),
        Column("lines", "BIGINT", "lines that they hold", required=True),
        Column("unparsed", "BIGINT", "of these, lines in no known format", required=True),
        Column("leaks", "BIGINT", "secrets and personal data that stand in them in the clear", required=True),
        Column("gaps", "BIGINT", "times without events that the usual volume does not explain", required=True),
        Column("clean", "BOOLEAN", "no key, token, password, card number or other secret was found"),
        Column("clean_reason", "TEXT", "how many of which kind"),
        Column("impersonal", "BOOLEAN", "no address or other personal data was found"),
        Column("impersonal_reason", "TEXT", "how many of which kind"),
        Column("correlated", "BOOLEAN", "nine in ten lines carry an id by which a request can be followed"),
        Column("correlated_reason", "TEXT", "the share, or why it is not known"),
        Column("clocks", "BOOLEAN", "no event lies more than a minute ahead of its arrival"),
        Column("clocks_reason", "TEXT", "the numbers, or why they are not known"),
        Column("continuous", "BOOLEAN", "no gap that the usual volume does not explain"),
        Column("continuous_reason", "TEXT", "how many"),
        _EVIDENCE,
    ),
    ("source",),
)
_SAMPLES = ("log_contents", "log_content_events", "log_leaks", "log_gaps")
_REGISTERS = ("registers", "register_approvals", "register_log_sources", "register_retention", "register_commitments")
TABLES: tuple[tuple[Table, tuple[str, ...]], ...] = (
    (LOG_SOURCES, ("collected_log_sources", "collected_log_sinks", "collected_log_events", *_REGISTERS)),
    (LOG_SINKS, ("collected_log_sinks",)),
    (ALERT_RULES, ("collected_alert_rules", "register_abuse_scenarios")),
    (LOG_READERS, ("collected_log_readers",)),
    (RATE_LIMITS, ("collected_rate_limits",)),
    (ALERT_COVERAGE, ("collected_alert_rules",)),
    (LOG_REMOVALS, ("collected_log_readers", "register_access_decisions", "register_access_reviews")),
    (LOG_EXCEPTIONS, ("collected_log_sources", "register_exceptions")),
    (LOG_DRIFT, ("collected_log_sources",)),
    (LOG_WEBHOOKS, ("collected_log_webhooks",)),
    (LOGGED_EVENTS, ("collected_log_events", "log_content_events")),
    (LOG_SAMPLES, _SAMPLES),
)
"""The tables in the order in which they are made, with what each is made from."""
