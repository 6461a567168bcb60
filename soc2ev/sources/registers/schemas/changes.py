"""Registers about changes: what a production change is, how it is done, what went beside the usual way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import ValidationInfo, field_validator

from soc2ev.sources.registers.fields import Day, DocumentPath, Id, Instant, PersonName, Strict, Text, says, some, unique
from soc2ev.sources.registers.header import Register

if TYPE_CHECKING:
    from datetime import date

_KindOfChange = Literal[
    "infrastructure",
    "database",
    "api_endpoint",
    "permission_model",
    "configuration",
    "feature_flag",
    "webhook",
    "rate_limit",
    "logging",
]


class KindOfChange(Strict):
    """Whether one kind of change is a production change, and how it is recognised."""

    kind: _KindOfChange = says("which kind of change")
    included: bool = says("whether it counts as a production change")
    paths: list[Text] = says("globs of the files that it touches", default=[])
    labels: list[Text] = says("labels that mark it", default=[])
    description: Text = says("what it means here; why, when it is not included")


class ProductionChange(Register):
    """The definition of a production change: which kinds count, and how each is recognised."""

    tables: ClassVar[dict[str, str]] = {"kinds": "register_change_kinds"}
    kind: Literal["production_change"]
    kinds: Annotated[list[KindOfChange], unique("kind"), some] = says("one entry for each kind of change")


class Procedure(Strict):
    """A written procedure and its approval."""

    key: Id = says(
        "change_management, emergency_change, rollback, incident_response, alert_review, log_access_review,"
        " client_suspension, high_risk_api_change or another name"
    )
    title: Text = says("title of the document")
    document: DocumentPath = says("the document, as a path")
    approved_by: PersonName | None = says("who approved it; left out when nobody did yet", default=None)
    approved_on: Day | None = says("day of the approval", default=None)
    next_review_on: Day | None = says("day by which it is looked at again", default=None)

    @field_validator("next_review_on")
    @classmethod
    def _later(cls, value: date | None, info: ValidationInfo) -> date | None:
        approved = info.data.get("approved_on")
        if value and approved and value <= approved:
            raise ValueError("the next review comes after the approval")
        return value


class Procedures(Register):
    """The written procedures, who approved each, and when it is looked at again."""

    tables: ClassVar[dict[str, str]] = {"procedures": "register_procedures"}
    kind: Literal["procedures"]
    procedures: Annotated[list[Procedure], unique("key"), some] = says("one entry for each procedure")


class Emergency(Strict):
    """One emergency change."""

    id: Id = says("a name for the emergency", column="emergency")
    change: Text = says("the change: id of the item or the pull request")
    reason: Text = says("why it could not wait")
    approver: PersonName = says("who allowed it")
    approved_at: Instant = says("when it was allowed")
    systems: list[Text] = says("systems that it touched", min_length=1)
    testing: Text = says("how it was tested")
    rollback: Text = says("how it could be undone")
    reviewed_by: PersonName | None = says("who looked at it afterwards; left out until then", default=None)
    reviewed_on: Day | None = says("day of that review", default=None)

    @field_validator("reviewed_on")
    @classmethod
    def _by_whom(cls, value: date | None, info: ValidationInfo) -> date | None:
        if value and "reviewed_by" in info.data and info.data["reviewed_by"] is None:
            raise ValueError("a review has somebody who made it: reviewed_by")
        return value


class EmergencyChanges(Register):
    """The log of emergencies: why, who allowed each, how it was tested and undone, who reviewed it."""

    tables: ClassVar[dict[str, str]] = {"emergencies": "register_emergencies"}
    kind: Literal["emergency_change"]
    emergencies: Annotated[list[Emergency], unique("id")] = says("one entry for each emergency")


class HighRiskReview(Register):
    """The seven questions about a change that could hurt customers, answered before it went out."""

    table: ClassVar[str | None] = "register_high_risk_reviews"
    kind: Literal["high_risk_review"]
    change: Text = says("the change: id of the item or the pull request")
    authentication: bool = says("does it touch how callers prove who they are?")
    authorisation: bool = says("does it touch what callers may do?")
    transaction_processing: bool = says("does it touch how transactions or payments are processed?")
    uptime_or_performance: bool = says("could it make the service slow or unavailable?")
    logs_or_monitoring: bool = says("does it change what is logged or watched?")
    customer_data: bool = says("does it touch customer data?")
    rollback_possible: bool = says("can it be undone?")
    notes: Text | None = says("what was done about each yes", default=None)


class CorrectiveAction(Strict):
    """What is done about one deviation."""

    deviation: Id = says("id of the deviation")
    control: Id = says("control in which it was found")
    item: Text | None = says("the item that deviates; left out when it is about the control as a whole", default=None)
    owner: Text = says("who does it")
    due_on: Day = says("day by which it is done")
    ticket: Text | None = says("ticket of the work", default=None)
    state: Literal["open", "in progress", "done", "accepted"] = says("how far it is")


class CorrectiveActions(Register):
    """What is done about each deviation, by whom and until when. It never removes the deviation."""

    tables: ClassVar[dict[str, str]] = {"actions": "register_corrective_actions"}
    kind: Literal["corrective_action"]
    actions: Annotated[list[CorrectiveAction], unique("deviation")] = says("one entry for each deviation")


class ProcessingReview(Strict):
    """One check that processing was complete and right."""

    kind: Literal["validation", "reconciliation", "failed_jobs"] = says("what was checked")
    date: Day = says("day of the check")
    performed_by: Text = says("who made it")
    result: Literal["passed", "issues found", "failed"] = says("how it came out")
    sample: DocumentPath | None = says("what was looked at, as a path", default=None)
    note: Text | None = says("what was found", default=None)


class ProcessingIntegrity(Register):
    """Checks that processing was complete and right: validation, reconciliation, failed jobs."""

    tables: ClassVar[dict[str, str]] = {"reviews": "register_processing_reviews"}
    kind: Literal["processing_integrity"]
    reviews: list[ProcessingReview] = says("one entry for each check")


class DeploymentLook(Strict):
    """One look at production after a deployment."""

    id: Id = says("a name for the look", column="look")
    deployment: Text = says("the deployment: id of the item, or GitHub's number of it")
    looked_by: PersonName = says("who looked")
    looked_at: Instant = says("when")
    seen: Text = says("what was looked at, and what was seen")
    result: Literal["fine", "issues found", "rolled back"] = says("how it came out")


class PostDeploymentChecks(Register):
    """Who looked at production after which deployment, when, and what was seen."""

    tables: ClassVar[dict[str, str]] = {"looks": "register_deployment_looks"}
    kind: Literal["post_deployment_check"]
    looks: Annotated[list[DeploymentLook], unique("id")] = says("one entry for each look")


class SelfReviewed(Strict):
    """One change that its own maker looked at again, because nobody else could."""

    id: Id = says("a name for the review", column="review")
    change: Text = says("the change: id of the item, commit, or owner/name#number of the pull request")
    reviewer: PersonName = says("who looked at it")
    reviewed_at: Instant = says("when")
    checked: Text = says("what was looked at, and how")
    result: Literal["fine", "fixed", "undone"] = says("how it came out")


class SelfReviews(Register):
    """Reviews of one's own changes, where a team is too small for another pair of eyes."""

    tables: ClassVar[dict[str, str]] = {"reviews": "register_self_reviews"}
    kind: Literal["self_review"]
    reviews: Annotated[list[SelfReviewed], unique("id")] = says("one entry for each review")
