"""`soc2ev check`, `checklist`, `show`: what the evidence says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from soc2ev.cli import console, session
from soc2ev.cli.options import Config, Format, Limit, Period
from soc2ev.errors import CollectError, ConfigError
from soc2ev.model import Answer, Conclusion, Outcome

if TYPE_CHECKING:
    from soc2ev.checklist import Readiness
    from soc2ev.checklist.assessment import Assessment
    from soc2ev.model import Finding, Item, Json

_GATES = ("none", "deviations", "incomplete")
_CONTROLS_FAILED = 3
_SEE_LATE = 'soc2ev query "SELECT * FROM late_changes"'

FailOn = Annotated[
    list[str] | None,
    typer.Option("--fail-on", help="deviations (exit 3) or incomplete (exit 3, or 5 when only incomplete); for CI."),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("check")(check)
    app.command("checklist")(checklist)
    app.command("show")(show)


def check(
    period: Period = "last-month",
    format_: Format = "table",
    control: Annotated[list[str] | None, typer.Option("--control", help="Only this control; may be repeated.")] = None,
    fail_on: FailOn = None,
    limit: Limit = 10,
    config: Config = None,  # noqa: ARG001
) -> None:
    """
    Judge every item of every population by the controls.

    Examples:
      soc2ev check --period 2026-10
      soc2ev check --period 2026-10 --format json > findings.json
      soc2ev check --period last-month --fail-on deviations
    """
    session.chosen_format(format_, ("table", "json"))
    gates = _gates(fail_on)
    with session.assessment(period) as made:
        findings = _only(made.findings, control)
        if format_ == "json":
            from soc2ev.controls.report import text

            console.put_parts(text(findings, made.period))
        else:
            _show_findings(findings, limit)
            _show_late(made)
    _gate(findings, gates)


def checklist(
    period: Period = "last-month",
    format_: Annotated[str, typer.Option("--format", "-f", help="table, json or markdown.")] = "table",
    fail_on: FailOn = None,
    min_score: Annotated[int, typer.Option("--min-score", help="Exit 3 when the score is lower.", min=0, max=100)] = 0,
    config: Config = None,  # noqa: ARG001
) -> None:
    """
    Score readiness: every question with its answer, its reason and what to do next.

    Examples:
      soc2ev checklist --period 2026-10
      soc2ev checklist --period 2026-10 --format markdown >> "$GITHUB_STEP_SUMMARY"
    """
    session.chosen_format(format_, ("table", "json", "markdown"))
    gates = _gates(fail_on)
    with session.assessment(period) as made:
        readiness, findings, named = made.readiness, made.findings, made.period.name
        if format_ == "json":
            from soc2ev.checklist import as_json

            console.put_json(as_json(readiness, named))
        elif format_ == "markdown":
            from soc2ev.checklist.markdown import render

            console.put(render(readiness, made.settings.config.organisation, named))
        else:
            _show_readiness(readiness, made.settings.config.organisation, named)
    _gate(findings, gates)
    if readiness.score < min_score:
        raise typer.Exit(_CONTROLS_FAILED)


def show(
    item: Annotated[str, typer.Argument(help="An item's id, for example acme/api@<sha>; its beginning is enough.")],
    period: Period = "last-month",
    format_: Format = "table",
    page: Annotated[Path | None, typer.Option("--page", help="Write the item as a page to this file.")] = None,
    config: Config = None,  # noqa: ARG001
) -> None:
    """
    Show one item: its outcomes with reasons, its facts, its chain of custody, and the evidence behind them.

    Examples:
      soc2ev show acme/api@53a78e36 --period 2026-10
      soc2ev show acme/api@53a78e36 --period 2026-10 --page change.html
    """
    session.chosen_format(format_, ("table", "json"))
    with session.assessment(period) as made:
        found = [
            (finding, one) for finding in made.findings for one in finding.population.items if one.id.startswith(item)
        ]
        if not found:
            raise ConfigError(
                f"no population of {made.period.name} has an item {item!r}", hint="`soc2ev check` lists items"
            )
        if format_ == "json":
            from soc2ev.controls.report import findings as as_json

            document = as_json([finding for finding, _ in found], made.period)
            for entry in document["findings"]:
                entry["items"] = [one for one in entry["items"] if one["id"].startswith(item)]
            console.put_json({**document, "late_changes": _late(made, {one.id for _, one in found})})
            return
        if page is not None:
            _write_page(page, made, found)
            return
        from soc2ev.tables.time_line import time_line

        for finding, one in found:
            _show_item(finding, one)
            _show_custody(time_line(made.tables, one.id))


def _only(findings: tuple[Finding, ...], names: list[str] | None) -> list[Finding]:
    if not names:
        return list(findings)
    known = [finding.control.id for finding in findings]
    if unknown := sorted(set(names) - set(known)):
        from soc2ev.yamlfile import suggest

        raise ConfigError(
            f"there is no control {unknown[0]!r}{suggest(unknown[0], known)}", hint="see `soc2ev controls list`"
        )
    return [finding for finding in findings if finding.control.id in names]


def _show_findings(findings: list[Finding], limit: int) -> None:
    from soc2ev.controls import CHANGED

    rows = []
    for finding in findings:
        count = Counter(result.outcome for item in finding.population.items for result in item.outcomes.values())
        rows.append(
            (
                console.marked(finding.conclusion.value),
                finding.control.id,
                ", ".join(finding.control.criteria),
                len(finding.population.items),
                count[Outcome.MET],
                count[Outcome.DEVIATION],
                count[Outcome.NOT_TESTED],
            )
        )
    console.table(
        ("conclusion", "control", "criteria", "items", "met", "deviation", "not tested"), rows, right=(3, 4, 5, 6)
    )
    for finding in findings:
        _show_deviations(finding, limit)
    gaps = {(entry.stream, entry.reason) for one in findings for entry in one.population.coverage if not entry.complete}
    for stream, reason in sorted(gaps, key=str):
        console.say(f"not collected whole: {console.safe(stream)}: {console.safe(reason)}")
    if any(finding.population.provisional for finding in findings):
        console.say("provisional: collected before the period closed; collect again after it")
    console.doubts(entry for finding in findings for entry in finding.population.coverage)
    for finding in findings:
        if CHANGED in finding.control.origin:
            console.say(f"warning: {finding.control.id} is {CHANGED}; `soc2ev controls show {finding.control.id}`")


def _show_late(made: Assessment) -> None:
    """How many facts read otherwise than when they were first collected; silent when none does."""
    kinds = Counter(row["kind"] for row in made.tables.select("select kind from late_changes"))
    if kinds:
        count = kinds.total()
        many = "1 fact" if count == 1 else f"{count} facts"
        gone = f", {kinds['vanished']} of them vanished" if kinds["vanished"] else ""
        console.say(f"{many} changed after they were first collected{gone}; see them:")
        console.say(f"  {_SEE_LATE} --period {made.period.name}")


def _late(made: Assessment, items: set[str]) -> list[dict[str, Json]]:
    """The late changes of those items."""
    from soc2ev.controls.report import plain

    rows = made.tables.select('select * from late_changes order by stream, "table", key, field, run, kind')
    return [plain(row) for row in rows if items & set(row["items"])]


def _show_deviations(finding: Finding, limit: int) -> None:
    deviating = [
        (item, letter, result)
        for item in finding.population.items
        for letter, result in item.outcomes.items()
        if result.outcome is Outcome.DEVIATION
    ]
    if not deviating:
        return
    console.put("")
    console.heading(finding.control.title)
    shown = deviating if limit == 0 else deviating[:limit]
    rows = [(item.id, letter, console.safe(result.reason, 200), _waived(item)) for item, letter, result in shown]
    console.table(("item", "", "deviation", "waiver"), rows)
    if len(deviating) > len(shown):
        console.put(f"and {len(deviating) - len(shown)} more (--limit 0 shows all)")
    for marker in finding.pattern.markers:
        console.put(f"pattern: {console.safe(marker)}")


def _waived(item: Item) -> str:
    return f"{item.waiver.id} until {item.waiver.expires_on}" if item.waiver else ""


def _show_readiness(readiness: Readiness, organisation: str, period_name: str) -> None:
    from soc2ev.checklist import builtin

    console.heading(f"SOC 2 readiness  {organisation}  {period_name}  {readiness.score} / 100")
    for one in builtin():
        answers = readiness.of(one.name)
        if not answers:
            continue
        console.put("")
        console.heading(one.title)
        console.table(
            ("answer", "question", "reason"),
            [
                (console.marked(entry.answer.value), entry.question.question, console.safe(entry.reason, 160))
                for entry in answers
            ],
        )
    count = Counter(entry.answer for entry in readiness.answers)
    console.put("")
    console.put("  ".join(f"{console.glyph(answer.value)} {answer.value} {count[answer]}" for answer in Answer))
    if readiness.next:
        console.put("")
        console.heading("Next best actions")
        for at, action in enumerate(readiness.next[:5], start=1):
            console.put(f"  {at}. {console.safe(action.text)}  (+{action.gain}, {len(action.questions)} questions)")


def _show_item(finding: Finding, item: Item) -> None:
    console.heading(f"{item.id}  {item.title}")
    console.put(f"{console.safe(finding.control.title)} ({', '.join(finding.control.criteria)})")
    asks = {attribute.letter: attribute.asks for attribute in finding.control.attributes}
    rows = [
        (letter, console.marked(result.outcome.value), asks[letter], result.reason)
        for letter, result in item.outcomes.items()
    ]
    console.table(("", "outcome", "question", "reason"), rows)
    facts = {
        name: value for name, value in item.facts.items() if value not in (None, []) and not name.endswith("_reason")
    }
    console.table(("fact", "value"), [(name, _plain(value)) for name, value in facts.items()])
    evidence = sorted({digest for result in item.outcomes.values() for digest in result.evidence})
    console.put("evidence: " + ", ".join(evidence))
    console.put("")


def _write_page(file: Path, made: Assessment, found: list[tuple[Finding, Item]]) -> None:
    from soc2ev.pack.pages import item_card
    from soc2ev.tables.time_line import time_line

    named = {one.id for _, one in found}
    if len(named) > 1:
        hint = f"it begins the names of {len(named)} items; give more of it"
        raise ConfigError("a page shows one item", hint=hint)
    item = named.pop()
    steps = time_line(made.tables, item)
    text = item_card(made.settings.config.organisation, made.period.name, found, steps)
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as problem:
        raise ConfigError(f"{file} cannot be written: {problem.strerror}") from None
    console.say(f"page: {file}")


def _show_custody(rows: Sequence[Mapping[str, Json]]) -> None:
    """The time line; marked is what a client's clock says, since anybody can set it, and when only we looked."""
    if not rows:
        return
    shown = []
    for row in rows:
        when = f"{row['at']:%Y-%m-%d %H:%M:%S}" if row["at"] else "time not known"
        clock = f" ({row['clock']})" if row["clock"] in ("client", "collection") else ""
        shown.append((when + clock, row["step"], row["who"] or "", row["what"]))
    console.heading("chain of custody (UTC)")
    console.table(("when", "step", "who", "what"), shown)
    console.put("")


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _gates(given: list[str] | None) -> set[str]:
    chosen = {part for entry in given or [] for part in entry.split(",") if part}
    if unknown := sorted(chosen - set(_GATES)):
        raise ConfigError(f"--fail-on does not know {unknown[0]!r}", hint=f"use one of: {', '.join(_GATES)}")
    return chosen


def _gate(findings: list[Finding] | tuple[Finding, ...], gates: set[str]) -> None:
    conclusions = {finding.conclusion for finding in findings}
    if gates & {"deviations", "incomplete"} and Conclusion.DEVIATIONS in conclusions:
        raise typer.Exit(_CONTROLS_FAILED)
    if "incomplete" in gates and Conclusion.INCOMPLETE in conclusions:
        raise typer.Exit(CollectError.exit_code)
