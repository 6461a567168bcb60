"""The kinds of register, listed here and nowhere else; a file's `kind` decides, not its name or folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, get_args

from soc2ev.sources.registers.fields import Strict
from soc2ev.sources.registers.header import Register
from soc2ev.sources.registers.schemas import alerts, changes, logs, people

if TYPE_CHECKING:
    from collections.abc import Iterator

_MODELS: tuple[type[Register], ...] = (
    logs.LogSources,
    logs.RetentionPolicy,
    logs.CustomerCommitments,
    alerts.AlertReview,
    logs.LogAccessReview,
    logs.ExceptionRecord,
    alerts.AbuseMonitoring,
    logs.IncidentLogSample,
    alerts.WebhookFailureReview,
    alerts.MonitoringOwners,
    changes.ProductionChange,
    changes.Procedures,
    changes.EmergencyChanges,
    changes.HighRiskReview,
    changes.ProcessingIntegrity,
    changes.CorrectiveActions,
    changes.PostDeploymentChecks,
    changes.SelfReviews,
    people.People,
    people.Waiver,
    people.SignOff,
)


class Kind(NamedTuple):
    """A kind of register as `soc2ev registers list` shows it."""

    kind: str
    description: str
    fields: tuple[str, ...]
    """The fields beside the header, nested ones with a dot, those of list entries after `[]`."""


def kinds() -> list[Kind]:
    """Every kind of register with one line about it and its own fields, in the order of docs/registers.md."""
    return [Kind(name, described(model), tuple(_fields(model))) for name, model in MODELS.items()]


def described(model: type[Strict]) -> str:
    """The model's own account of itself on one line."""
    return " ".join((model.__doc__ or "").split())


def part_of(annotation: object) -> tuple[type[Strict] | None, bool]:
    """The model inside a field's type and whether it is a list of them; (None, False) for a plain value."""
    for inner in get_args(annotation):
        if isinstance(inner, type) and issubclass(inner, Strict):
            return inner, True
    if isinstance(annotation, type) and issubclass(annotation, Strict):
        return annotation, False
    return None, False


def _fields(model: type[Strict], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        if not prefix and name in Register.model_fields:
            continue
        inner, many = part_of(field.annotation)
        shown = f"{prefix}{field.alias or name}"
        if inner is None:
            yield shown
        else:
            yield from _fields(inner, f"{shown}[]." if many else f"{shown}.")


def _kind_of(model: type[Register]) -> str:
    return str(get_args(model.model_fields["kind"].annotation)[0])


MODELS: dict[str, type[Register]] = {_kind_of(model): model for model in _MODELS}
"""Kind -> its form."""
