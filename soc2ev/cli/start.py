"""First steps: `init`, `doctor`, `status`, `demo`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from soc2ev.cli import console, session
from soc2ev.cli.doctor import doctor
from soc2ev.cli.options import Config, Format
from soc2ev.errors import ConfigError

if TYPE_CHECKING:
    from soc2ev.sources.git.survey import Survey

_ADVISED = 6
"""Periods, the last ones, for which the screen says what to run when; JSON has all."""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("init")(init)
    app.command("doctor")(doctor)
    app.command("status")(status)
    app.command("demo")(demo)


def init(
    organisation: Annotated[str, typer.Option("--organisation", help="The company's name (default: guessed).")] = "",
    timezone: Annotated[str, typer.Option("--timezone", help="The zone in which months begin.")] = "UTC",
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write into.")] = Path(),
) -> None:
    """
    Look at the repository you stand in; write soc2ev.yaml and starter registers. Nothing is overwritten.

    Example:
      soc2ev init --organisation "Example Co" --timezone Europe/Berlin
    """
    from soc2ev.config import FILE_NAME, load
    from soc2ev.period import zone
    from soc2ev.sources.git.survey import survey
    from soc2ev.sources.registers import write_starters

    zone(timezone)
    target = output / FILE_NAME
    if target.exists():
        raise ConfigError(f"{target} exists", hint="edit it, or remove it first; nothing was written")
    seen = survey(output)
    _tell(seen)
    output.mkdir(parents=True, exist_ok=True)
    target.write_text(_configuration(seen, organisation, timezone, output), encoding="utf-8")
    load(target)
    console.put(f"wrote {target}")
    for path in write_starters(output / "registers"):
        console.put(f"wrote {path}")
    console.say("next: soc2ev doctor, then soc2ev collect --period last-month")


def _tell(seen: Survey) -> None:
    if not seen.is_repository:
        console.say("this folder is no git repository: name one under sources.git in the file")
        return
    keys = ", ".join(f"{key} ({count})" for key, count in list(seen.ticket_prefixes.items())[:5]) or "none"
    console.say(f"found {seen.remote or 'a git repository'}, default branch {seen.default_branch or 'unknown'}")
    console.say(f"      {len(seen.branches)} branches, {seen.tags} tags, ticket keys: {console.safe(keys)}")
    console.say(f"      {seen.pull_request_share or 0:.0%} of the last commits name a pull request")
    if seen.shallow:
        console.say("      a shallow clone: run `git fetch --unshallow` before you collect")


def _configuration(seen: Survey, organisation: str, timezone: str, output: Path) -> str:
    from soc2ev.templates import folder

    name = seen.remote or f"local/{output.resolve().name or 'repository'}"
    owner = organisation or (name.partition("/")[0] if seen.remote else output.resolve().name) or "Example Co"
    projects = [key for key, count in seen.ticket_prefixes.items() if count > 1][:5]
    text = (folder() / "soc2ev.yaml").read_text(encoding="utf-8")
    values = {
        "ORGANISATION": _quoted(owner),
        "TIMEZONE": timezone,
        "REPOSITORY": _quoted(name),
        "BRANCHES": f"[{_quoted(seen.default_branch)}]" if seen.default_branch else "[]",
        "GIT": f"[{{path: ., repository: {_quoted(name)}}}]" if seen.is_repository else "[]",
        "PROJECTS": ", ".join(_quoted(key) for key in projects) or "API",
    }
    for key, value in values.items():
        text = text.replace(f"@{key}@", value)
    return text


def _quoted(text: str) -> str:
    """The text as a YAML scalar in double quotes: a branch or folder may be called anything."""
    import json

    return json.dumps(text, ensure_ascii=False)


def status(format_: Format = "table", config: Config = None) -> None:  # noqa: ARG001
    """
    Show what is in the vault: which months were collected, completely or not, which are missing, and what to run
    when.

    Example:
      soc2ev status
    """
    session.chosen_format(format_, ("table", "json"))
    from soc2ev.controls.report import instant
    from soc2ev.timing import timing

    found = session.settings()
    claims = list(session.vault(found).coverages())
    latest = {(entry.period, entry.stream): entry for entry in claims}
    rows = []
    for period in sorted({key[0] for key in latest}):
        entries = [entry for (of, _), entry in latest.items() if of == period]
        whole = sum(entry.complete for entry in entries)
        when = max(entry.collected_at for entry in entries if entry.collected_at)
        state = "missing" if whole < len(entries) else "warning" if when < period.end else "complete"
        rows.append((period.name, state, f"{whole} of {len(entries)} streams", instant(when)))
    now = session.now()
    advice = [timing(claims, period, now) for period in sorted({key[0] for key in latest})]
    if format_ == "json":
        names = ("period", "state", "streams", "collected_at")
        told = [dict(zip(names, row, strict=True)) for row in rows]
        console.put_json([{**row, "timing": one.as_json()} for row, one in zip(told, advice, strict=True)])
    else:
        console.table(("period", "state", "streams", "collected"), [(r[0], console.marked(r[1]), *r[2:]) for r in rows])
        if any(row[1] == "warning" for row in rows):
            console.say("warning: collected before the period closed; collect it again")
        console.advise(advice[-_ADVISED:])


def demo(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to build it in.")] = Path("soc2ev-demo"),
) -> None:
    """
    Build a fictional company offline: a repository, registers, twelve months of evidence, and a verified pack
    to play with.

    Example:
      soc2ev demo && open soc2ev-demo/packs/*/data/00_START-HERE.html
    """
    from soc2ev.demo import build

    built = build(output, say=lambda text: console.say(f"  {text}"))
    console.put(
        f"{len(built.findings)} controls over {built.changes} changes of {built.period}; readiness {built.score} / 100"
    )
    for finding in built.findings:
        console.put(
            f"  {console.glyph(finding.conclusion.value)} {finding.conclusion.value:<14} {finding.control.title}"
        )
    console.put(f"pack verified: {built.grade}")
    console.say("look around:")
    console.say(f"  open {built.pack / 'data' / '00_START-HERE.html'}")
    console.say(f"  open {built.pack / 'data' / '00_Index.xlsx'}")
    console.say(f"  cd {output} && soc2ev check --period {built.period}")
