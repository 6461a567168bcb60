"""Registers about alerts, abuse and failed deliveries: what somebody decided about what was seen."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from soc2ev.sources.registers.fields import (
    Count,
    Day,
    DocumentPath,
    PeriodName,
    PersonName,
    Reason,
    Strict,
    Text,
    says,
    some,
    unique,
)
from soc2ev.sources.registers.header import Register


class Alerts(Strict):
    """How many alerts there were, and who counted."""

    alerts: Count = says("alerts in the period")
    from_: Text = says("where the number comes from", alias="from", column="alerts_from")


class Verdict(Strict):
    """What somebody decided about one alert."""

    alert: Text = says("id of the alert")
    verdict: Literal["true_positive", "false_positive", "expected", "duplicate"] = says("what it was")
    ticket: Text | None = says("ticket in which it was handled", default=None)
    action: Text | None = says("what was done", default=None)
    rule_change: Text | None = says("change of the rule that followed", default=None)
    note: Text | None = says("anything else", default=None)


class Tuning(Strict):
    """A rule that was changed because of the review."""

    rule: Text = says("which rule")
    from_: Text = says("setting before", alias="from", column="before")
    to: Text = says("setting after", column="after")
    why: Text = says("reason")
    change: Text | None = says("pull request or ticket of the change", default=None)


class Scope(Strict):
    """What an alert review looked at."""

    services: list[Text] = says("services", default=[])
    rules: Text | None = says("which rules, such as all_security", default=None)


class AlertReview(Register):
    """The review of a period's alerts: one verdict for each, false ones named, rules tuned."""

    table: ClassVar[str | None] = "register_alert_reviews"
    tables: ClassVar[dict[str, str]] = {
        "reviewed": "register_alert_verdicts",
        "tuning": "register_alert_tunings",
    }
    kind: Literal["alert_review"]
    period: PeriodName = says("the period whose alerts were reviewed")
    scope: Scope = says("what was looked at", default=Scope())
    population: Alerts = says("how many alerts there were")
    reviewed: Annotated[list[Verdict], unique("alert")] = says("one entry for each alert that was reviewed")
    unreviewed_reason: Reason = says("why some were not reviewed; empty when no reason is given", default="")
    tuning: list[Tuning] = says("rules changed because of the review", default=[])


class Detection(Strict):
    """How a scenario is noticed."""

    events: list[Text] = says("events that show it", default=[])
    rule: Text | None = says("alert rule", default=None)
    threshold: Text | None = says("when the rule fires", default=None)


class Barrier(Strict):
    """What holds a scenario back."""

    rate_limit: Text | None = says("limit that holds it back, by key", default=None)


Scenario = Literal[
    "token_misuse",
    "bulk_export",
    "scraping",
    "rate_limit_bypass",
    "webhook_replay",
    "tenant_enumeration",
    "admin_api",
]


class AbuseScenario(Strict):
    """One way to abuse the API."""

    id: Scenario = says("which way of abuse", column="scenario")
    detects: Detection = says("how it is noticed", default=Detection())
    control: Barrier = says("what holds it back", default=Barrier())
    runbook: DocumentPath | None = says("what to do, as a path", default=None)
    client_suspension: DocumentPath | None = says("how a client is suspended, as a path", default=None)
    tested_on: Day | None = says("day on which the detection was last tried", default=None)
    incidents: list[Text] = says("incidents of this kind", default=[])
    owner: PersonName = says("who answers for it")


class AbuseMonitoring(Register):
    """How abuse of the API would be noticed and stopped, scenario by scenario."""

    tables: ClassVar[dict[str, str]] = {"scenarios": "register_abuse_scenarios"}
    kind: Literal["abuse_monitoring"]
    scenarios: Annotated[list[AbuseScenario], unique("id"), some] = says("one entry for each scenario")


class FailedDelivery(Strict):
    """A webhook delivery that failed, and what became of it."""

    delivery: Text = says("id of the delivery")
    endpoint: Text = says("where it went")
    retried: bool = says("whether it was sent again")
    customer_told: bool = says("whether the receiver was told")
    ticket: Text | None = says("ticket in which it was handled", default=None)
    note: Text | None = says("anything else", default=None)


class Failures(Strict):
    """How many deliveries failed, and who counted."""

    failures: Count = says("failed deliveries in the period")
    from_: Text = says("where the number comes from", alias="from", column="failures_from")


class WebhookFailureReview(Register):
    """The review of webhook deliveries that failed in a period."""

    table: ClassVar[str | None] = "register_webhook_reviews"
    tables: ClassVar[dict[str, str]] = {"reviewed": "register_webhook_failures"}
    kind: Literal["webhook_failure_review"]
    period: PeriodName = says("the period whose failures were reviewed")
    population: Failures = says("how many failures there were")
    reviewed: Annotated[list[FailedDelivery], unique("delivery")] = says("one entry for each failure")
    unreviewed_reason: Reason = says("why some were not reviewed; empty when no reason is given", default="")


class MonitoringOwner(Strict):
    """Who watches one part of the system."""

    scope: Text = says("what is watched")
    owner: PersonName = says("who watches it")
    deputy: Text | None = says("who does when the owner is away", default=None)
    duties: list[Text] = says("what that person does", default=[])
    since: Day | None = says("day on which it began", default=None)


class MonitoringOwners(Register):
    """Who watches which part of the system, and who stands in."""

    tables: ClassVar[dict[str, str]] = {"owners": "register_monitoring_owners"}
    kind: Literal["monitoring_owner"]
    owners: Annotated[list[MonitoringOwner], unique("scope"), some] = says("one entry for each part")
