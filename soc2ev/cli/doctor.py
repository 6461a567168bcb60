"""`soc2ev doctor`: what is configured, what can be reached, and what each credential may see."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, NamedTuple

import typer

from soc2ev.cli import console, session
from soc2ev.cli.options import Config, Format
from soc2ev.errors import AccessError, Soc2evError

if TYPE_CHECKING:
    from soc2ev.config import Settings
    from soc2ev.sources.sight import Sight

_WIDE = 4
"""So many repositories stand beside one another."""
_CHANGES = "change-authorised-tested-approved"
_DEPLOYS = "deployment-traceable"
_SUFFERS = {
    "repositories": f"every control over its changes: {_CHANGES} A-H, {_DEPLOYS} A-D",
    "activity": f"{_CHANGES} A-H: the population rests on merged requests alone; C, D: when heads were pushed",
    "commits": f"{_CHANGES} A-H: the population cannot be closed",
    "pull requests": f"{_CHANGES} A-H",
    "checks": f"{_CHANGES} B",
    "statuses": f"{_CHANGES} B, where CI reports statuses",
    "actions runs": f"{_CHANGES} B: what started a check",
    "deployments": f"{_CHANGES} D, H; {_DEPLOYS} A-D",
    "environments": f"{_CHANGES} D, where environments are gated",
    "rules": f"{_CHANGES} B, C, E",
    "protection": f"{_CHANGES} B, C, E, where a branch has classic protection",
    "bypass actors": f"{_CHANGES} E: who could have bypassed a ruleset; collections stay complete",
    "ruleset history": f"{_CHANGES} B: what a ruleset had asked before it was changed; collections stay complete",
    "rule suites": f"{_CHANGES} E: whether somebody bypassed the rules",
    "audit log": f"{_CHANGES} E: whether somebody overrode classic protection; collections stay complete",
    "collaborators": f"{_CHANGES} C: who may approve; {_DEPLOYS} C",
    "workflow permissions": "settings: whether workflows may write or approve",
    "site": f"{_CHANGES} A, F, G",
    "projects": f"{_CHANGES} A, F, G, for their tickets",
    "tickets": f"{_CHANGES} A, F, G",
    "histories": f"{_CHANGES} A: when a ticket was approved, and by whom",
    "service management": f"{_CHANGES} A, with `ticket: {{mode: service_management}}`",
}
"""What cannot be tested without a capability: control and letters."""
_NOTES = {
    "checks": "fine-grained tokens cannot have it: use a GitHub App, or a classic token",
    "rule suites": "fine-grained tokens are refused even with it: use a GitHub App",
    "audit log": "organisations of Enterprise Cloud and Enterprise Server have it, and their owners may read it",
    "protection": "a user's token shows it to administrators only",
    "workflow permissions": "a user's token shows it to administrators only",
    "collaborators": "a user's token needs push access",
}
"""What granting the permission does not cure."""
_OPTIONAL = frozenset({"bypass actors", "ruleset history", "audit log"})
"""What reading tokens are not shown, and no collection counts as a gap."""


class Row(NamedTuple):
    """The state of one part of the configuration."""

    part: str
    state: str
    detail: str


def doctor(format_: Format = "table", config: Config = None) -> None:  # noqa: ARG001
    """
    Check configuration, repositories, registers, vault and key, and what each credential may see, before a collection.

    Asks GitHub and Jira one small question for each kind of evidence; the answers are kept in the vault.
    Exit 4 when a repository is missing or something that a collection needs is refused.

    Examples:
      soc2ev doctor
      soc2ev doctor --format json
    """
    session.chosen_format(format_, ("table", "json"))
    found = session.settings()
    rows = [
        Row("configuration", "ok", str(found.file)),
        *_git_rows(found),
        _register_row(found),
        _controls_row(found),
        _vault_row(found),
        _key_row(),
    ]
    hosts, sights = _look(found)
    rows += hosts
    if format_ == "json":
        console.put_json(_document(rows, sights))
    else:
        console.table(("part", "state", "detail"), [(row.part, console.marked(row.state), row.detail) for row in rows])
        _show(sights)
    denied = any(sight.visible == "no" and sight.capability not in _OPTIONAL for sight in sights)
    if denied or any(row.state == "missing" for row in rows):
        raise typer.Exit(AccessError.exit_code)


def _look(found: Settings) -> tuple[list[Row], list[Sight]]:
    """Ask every GitHub and Jira; a row for each of them, and what it shows."""
    from soc2ev.sources.github.probe import probe as probe_github

    sources = found.config.sources
    if not sources.github and not sources.jira:
        return [], []
    rows: list[Row] = []
    sights: list[Sight] = []
    with session.writer(found) as vault:
        fetch = session.fetch(found, vault)
        for host in probe_github(fetch, found, session.now()) if sources.github else ():
            state = "warning" if host.warnings else "ok"
            rows.append(Row(f"github {host.url}", state, "; ".join([host.token, *host.warnings])))
            sights += host.sights
        if sources.jira:
            from soc2ev.sources.jira.probe import probe as probe_jira

            told = probe_jira(fetch, found)
            rows += [Row(f"jira {one.about}", "ok", "it answers") for one in told if _is_site(one)]
            sights += told
    return rows, sights


def _is_site(sight: Sight) -> bool:
    return sight.capability == "site" and sight.visible == "yes"


def _document(rows: Sequence[Row], sights: Sequence[Sight]) -> dict[str, object]:
    refused = [{**asdict(sight), **_help(sight)} if sight.visible == "no" else asdict(sight) for sight in sights]
    return {"schema": "soc2ev.doctor/1", "parts": [row._asdict() for row in rows], "sights": refused}


def _help(sight: Sight) -> dict[str, object]:
    needed = sight.capability not in _OPTIONAL
    return {"suffers": _SUFFERS[sight.capability], "fix": _fix(sight), "needed": needed}


def _fix(sight: Sight) -> str:
    if sight.capability in ("repositories", "site"):
        return f"check its name and let the token see {sight.about}: {sight.needs}"
    note = _NOTES.get(sight.capability, "")
    return f"grant {sight.needs}" + (f" ({note})" if note else "")


def _show(sights: Sequence[Sight]) -> None:
    """What is seen of each repository and site, then what is missing and what it costs."""
    for system in dict.fromkeys(sight.system for sight in sights):
        here = [sight for sight in sights if sight.system == system]
        abouts = list(dict.fromkeys(sight.about for sight in here))
        for start in range(0, len(abouts), _WIDE):
            _matrix(here, abouts[start : start + _WIDE])
    refused = [sight for sight in sights if sight.visible == "no"]
    if refused:
        console.heading("not visible")
        columns = ("capability", "where", "cannot be tested", "fix")
        console.table(columns, [(name, *cells) for name, cells in _grouped(refused)])
    for sight in sights:
        if sight.visible == "not known":
            console.say(
                f"not known: {sight.capability} of {console.safe(sight.about)}: {console.safe(sight.reason, 200)}"
            )


def _matrix(sights: Sequence[Sight], abouts: Sequence[str]) -> None:
    seen = {(sight.capability, sight.about): sight.visible for sight in sights}
    rows = [
        (name, *(console.marked(seen[name, about]) if (name, about) in seen else "" for about in abouts))
        for name in dict.fromkeys(sight.capability for sight in sights if sight.about in abouts)
    ]
    console.table(("capability", *abouts), rows)


def _grouped(refused: Sequence[Sight]) -> Iterator[tuple[str, tuple[str, str, str]]]:
    """One line for each capability and fix, with the places."""
    groups: dict[tuple[str, str], list[Sight]] = {}
    for sight in refused:
        groups.setdefault((sight.capability, _fix(sight)), []).append(sight)
    for (capability, fix), found in groups.items():
        where = ", ".join(sight.about for sight in found[:_WIDE])
        more = f" and {len(found) - _WIDE} more" if len(found) > _WIDE else ""
        yield capability, (where + more, _SUFFERS[capability], fix)


def _git_rows(found: Settings) -> list[Row]:
    from soc2ev.sources.git.survey import survey

    rows: list[Row] = []
    for entry in found.config.sources.git:
        seen = survey(found.path(entry.path))
        if not seen.is_repository:
            rows.append(Row(f"git {entry.repository}", "missing", f"{entry.path} is no git repository"))
        elif seen.shallow:
            rows.append(Row(f"git {entry.repository}", "warning", "a shallow clone: run `git fetch --unshallow`"))
        else:
            rows.append(
                Row(
                    f"git {entry.repository}",
                    "ok",
                    f"default branch {seen.default_branch or 'not known: name branches'}",
                )
            )
    if not rows and not found.config.sources.github:
        rows.append(
            Row("git", "warning", "no repository under sources.git or sources.github: no change can be collected")
        )
    return rows


def _register_row(found: Settings) -> Row:
    from soc2ev.sources.registers import lint

    if found.config.registers is None:
        return Row("registers", "warning", "none configured")
    folder = found.path(found.config.registers)
    if not folder.is_dir():
        return Row("registers", "warning", f"{folder} does not exist; `soc2ev registers new` writes starters")
    problems = lint(folder)
    if problems:
        return Row("registers", "warning", f"{len(problems)} problems; `soc2ev registers lint` lists them")
    return Row("registers", "ok", str(folder))


def _controls_row(found: Settings) -> Row:
    from soc2ev import controls

    if missing := controls.missing_folders(found):
        return Row("controls", "warning", f"there is no folder {', '.join(missing)}")
    return Row("controls", "ok", f"{len(controls.load(found))} controls")


def _vault_row(found: Settings) -> Row:
    try:
        head = session.vault(found).head()
    except Soc2evError as problem:
        return Row("vault", "warning", problem.message)
    return Row(
        "vault",
        "ok",
        f"{head.size} lines, last written {head.recorded_at:%Y-%m-%d %H:%M}Z" if head.recorded_at else "empty",
    )


def _key_row() -> Row:
    signer = session.signer()
    if signer is None:
        return Row(
            "signing key", "warning", "SOC2EV_SIGNING_KEY is not set: checkpoints are unsigned (`soc2ev keys new`)"
        )
    return Row("signing key", "ok", signer.verifier.name)
