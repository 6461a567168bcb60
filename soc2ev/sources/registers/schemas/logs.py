"""Registers about logging: what no interface of a log platform can tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import ValidationInfo, field_validator

from soc2ev.sources.registers.fields import (
    Count,
    Criterion,
    Day,
    DocumentPath,
    Expiry,
    Id,
    Instant,
    PeriodName,
    PersonName,
    Strict,
    Text,
    says,
    some,
    unique,
)
from soc2ev.sources.registers.header import Register

if TYPE_CHECKING:
    from datetime import datetime

Frequency = Literal["daily", "weekly", "monthly", "quarterly", "yearly"]


class LogSource(Strict):
    """One place that logs come from."""

    key: Id = says("connector and native name, such as aws-cloudtrail:main; the same name as in collected evidence")
    owner: PersonName | None = says("who answers for this source", default=None)
    purpose: Text | None = says("what it is for", default=None)
    events: list[Text] = says("events that it is known to record", default=[])
    required_events: list[Text] = says("events that it has to record, such as auth.failure", default=[])
    access_group: Text | None = says("who may read it", default=None)
    alert_rules: list[Text] = says("alert rules that watch it", default=[])
    criteria: list[Criterion] = says("related criteria", default=[])
    review_frequency: Frequency | None = says("how often somebody looks at it", default=None)
    required_retention_days: int | None = says("days for which it has to be kept", default=None, ge=1)
    retention_reason: Text | None = says("where that number comes from", default=None)


class LogSources(Register):
    """Inventory of log sources: what each is for, whose it is, what it has to record and for how long."""

    tables: ClassVar[dict[str, str]] = {"sources": "register_log_sources"}
    kind: Literal["log_sources"]
    sources: Annotated[list[LogSource], unique("key"), some] = says("one entry for each log source")


class RetentionClass(Strict):
    """How long one class of logs is kept."""

    class_: Text = says("name of the class", alias="class")
    searchable_days: Count = says("days for which it can be searched at once")
    archive_days: Count = says("days for which it can be restored, counted from the event")
    applies_to: list[Text] = says("log sources by key; * matches any run of characters", min_length=1)


class RetentionPolicy(Register):
    """The decision how long logs are kept, by class; compared with what the platforms are set to."""

    tables: ClassVar[dict[str, str]] = {"classes": "register_retention"}
    kind: Literal["retention_policy"]
    classes: Annotated[list[RetentionClass], unique("class_"), some] = says("one entry for each class of logs")


class Commitment(Strict):
    """A promise to a customer."""

    customer: Text = says("whom it was promised to")
    retention_days: int = says("days of logs that were promised", ge=1)
    source: Text = says("the contract or document that says so")


class CustomerCommitments(Register):
    """What customers were promised about keeping logs; the longest promise binds."""

    tables: ClassVar[dict[str, str]] = {"commitments": "register_commitments"}
    kind: Literal["customer_commitments"]
    commitments: Annotated[list[Commitment], unique("customer", "source")] = says("one entry for each promise")


class AccessDecision(Strict):
    """What was decided about one reader of a log platform."""

    principal: Text = says("person, group or machine")
    role: Text | None = says("its role on the platform", default=None)
    decision: Literal["keep", "reduce", "remove"] = says("what was decided")
    why: Text = says("reason")
    done_on: Day | None = says("day on which it was carried out", default=None)
    proof: Text | None = says("what shows that it was carried out", default=None)


class LogAccessReview(Register):
    """The review of who can read a log platform, and who can stop or delete logs there."""

    table: ClassVar[str | None] = "register_access_reviews"
    tables: ClassVar[dict[str, str]] = {
        "decisions": "register_access_decisions",
        "can_stop_logging": "register_access_decisions",
    }
    kind: Literal["log_access_review"]
    period: PeriodName = says("the period that the review covers")
    system: Text = says("log platform")
    snapshot: Text | None = says("the list of readers that was reviewed", default=None)
    decisions: Annotated[list[AccessDecision], unique("principal", "role")] = says("one entry for each reader")
    can_stop_logging: Annotated[list[AccessDecision], unique("principal", "role")] = says(
        "the same for everyone who can stop, change or delete logs", default=[]
    )


class Requirement(Strict):
    """The number that is not met."""

    field: Text = says("which fact, such as retention_days")
    required: Text = says("what it should be")
    actual: Text = says("what it is")


class ExceptionRecord(Register):
    """An approved, expiring acceptance of something that is less than required. It never hides that."""

    table: ClassVar[str | None] = "register_exceptions"
    kind: Literal["exception"]
    type: Literal["retention", "sampling", "masking", "coverage", "alert_muted", "rate_limit"] = says(
        "what it is about"
    )
    applies_to: Text = says("log source, rule or limit, by key")
    requirement: Requirement = says("what is required, and what is")
    reason: Text = says("why it is accepted")
    compensating: list[Text] = says("what makes up for it", default=[])
    risk: Literal["low", "medium", "high"] = says("risk that remains")
    approved_by: PersonName = says("who accepted it")
    approved_on: Day = says("day of the acceptance")
    expires_on: Expiry = says("last day of the acceptance, at most twelve months later")


class Window(Strict):
    """The time that was searched."""

    from_: Instant = says("first instant searched", alias="from", column="window_start")
    to: Instant = says("last instant searched", column="window_end")

    @field_validator("to")
    @classmethod
    def _forward(cls, value: datetime, info: ValidationInfo) -> datetime:
        if "from_" in info.data and value <= info.data["from_"]:
            raise ValueError("it ends before it begins")
        return value


class IncidentLogSample(Register):
    """Proof that the logs of an incident could be found: the query, how long it took, and a masked sample."""

    table: ClassVar[str | None] = "register_incident_samples"
    kind: Literal["incident_log_sample"]
    incident: Text = says("id of the incident")
    query: Text = says("the query as it was run")
    window: Window = says("the time that was searched")
    retrieved_by: Text = says("who ran it")
    retrieved_on: Day = says("day on which it was run")
    minutes_to_retrieve: Count = says("minutes until the events were found")
    sample: DocumentPath = says("the masked events, as a path")
    hash: Text | None = says("digest of the events before masking", default=None)
    shows: list[Literal["who", "what", "when", "outcome"]] = says("what the events show", min_length=1)
