"""The monthly review of alerts as a draft that holds its population: every alert that the platforms tell of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from soc2ev import yamlfile
from soc2ev.cli import session
from soc2ev.errors import CollectError, ConfigError
from soc2ev.model import Json
from soc2ev.tables.facts.fact import moment, shown

Row = Mapping[str, Json]
_ALERTS = """
    select event, title, rule, severity, opened_at, acknowledged_by, closed_at, ticket, source_key from alerts
    order by opened_at, item
"""


def write_alert_review(folder: Path, period_text: str) -> Path:
    """
    Write alert-review/<period>.yaml with the number of alerts and a line for each; its path. Nothing is overwritten.

    ConfigError when the file exists; CollectError when the vault does not hold all alerts of the period, for then a
    review would look at fewer than there were.
    """
    with session.assessment(period_text) as found:
        name = found.tables.period.name
        behind = [one for one in found.tables.coverage(("alerts",)) if one.stream.endswith(":history:alerts")]
        short = [one for one in behind if not one.complete or one.provisional]
        if not behind or short:
            why = f"{short[0].stream}: {short[0].reason or 'it was read before the period ended'}" if short else "none"
            raise CollectError(
                f"the alerts of {name} were not collected whole: {why}",
                hint="give the platform `alerts: true` in sources.logs, and collect after the period has ended",
            )
        rows = list(found.tables.select(_ALERTS))
    path = folder / "alert-review" / f"{name}.yaml"
    if path.exists():
        raise ConfigError(f"{path} exists", hint="edit it, or move it away")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(_lines(name, rows)) + "\n", encoding="utf-8", newline="\n")
    return path


def _lines(name: str, rows: Sequence[Row]) -> Iterator[str]:
    platforms = sorted({row["source_key"] for row in rows})
    yield f"# Alerts of {name} as the platforms told them to `soc2ev collect`. Give each a verdict; two people sign."
    yield "# verdict: true_positive, false_positive, expected or duplicate"
    yield yamlfile.dump(
        {
            "id": f"alert-review-{name.lower()}",
            "kind": "alert_review",
            "schema": 1,
            "title": f"Alert review {name}",
            "owner": None,
            "criteria": ["CC7.2", "CC7.3"],
            "period": name,
            "prepared_by": None,
            "status": "draft",
            "population": {"alerts": len(rows), "from": ", ".join(platforms) or "the platforms"},
        }
    ).rstrip()
    # A list of nothing is valid: the draft reads as a review that gave no verdict yet.
    yield "reviewed: []"
    if rows:
        yield "# Write `reviewed:` without the brackets, and take the # away from each line whose verdict stands."
    for row in rows:
        yield from _alert(row)


def _alert(row: Row) -> Iterator[str]:
    """What a platform says stands in comments and as one quoted scalar: it can be nothing else than text."""
    ended = f"ended {moment(row['closed_at'])}" if row["closed_at"] else "still open"
    who = f", answered by {shown(row['acknowledged_by'])}" if row["acknowledged_by"] else ""
    yield f"#   {moment(row['opened_at'])}, {ended}{who}: {shown(row['severity'])} {shown(row['title'] or row['rule'])}"
    ticket = f", ticket: {_quoted(row['ticket'])}" if row["ticket"] else ""
    yield f"#   - {{alert: {_quoted(row['event'])}, verdict: {ticket}}}"


def _quoted(text: str) -> str:
    clean = "".join(sign if sign.isprintable() else " " for sign in text)
    return "'" + clean.replace("'", "''") + "'"
