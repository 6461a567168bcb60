"""Keeping the vault and its keys, and the team's dispositions of deviations."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from soc2ev.cli import console, session
from soc2ev.cli.deliver import Key, key_text
from soc2ev.cli.options import Config, Format, Period
from soc2ev.errors import ConfigError, TamperedError
from soc2ev.model import Outcome

if TYPE_CHECKING:
    from soc2ev.checklist.assessment import Assessment
    from soc2ev.model import Finding, Item, Result

_vault = typer.Typer(help="The evidence store: verify, fsck.", no_args_is_help=True, rich_markup_mode=None)
_keys = typer.Typer(help="Signing keys: new.", no_args_is_help=True, rich_markup_mode=None)
_deviations = typer.Typer(help="Deviations: list, assign, waive.", no_args_is_help=True, rich_markup_mode=None)

Pinned = Annotated[
    Path | None, typer.Option("--checkpoint", help="A checkpoint that was kept elsewhere; the vault must continue it.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(_vault, name="vault")
    app.add_typer(_keys, name="keys")
    app.add_typer(_deviations, name="deviations")


@_vault.command("verify")
def vault_verify(
    key: Key = None,
    checkpoint: Pinned = None,
    format_: Format = "table",
    config: Config = None,  # noqa: ARG001
) -> None:
    """
    Read the whole vault again: every object, every line, every checkpoint. Exit 6 when something is not what
    was stored.

    Example:
      soc2ev vault verify --key acme.vkey --checkpoint last-month.note
    """
    session.chosen_format(format_, ("table", "json"))
    from soc2ev.vault import VerifierKey

    given = [VerifierKey.parse(key_text(one)) for one in key or []]
    pinned = _read(checkpoint) if checkpoint else None
    found = session.vault(session.settings()).verify(given, pinned=pinned)
    if format_ == "json":
        console.put_json(
            {
                "schema": "soc2ev.vault-verification/1",
                "ok": found.ok,
                "grade": found.grade,
                "lines": found.lines,
                "objects": found.objects,
                "root": found.root,
                "signed_by": list(found.signed_by),
                "problems": list(found.problems),
                "notes": list(found.notes),
            }
        )
    else:
        for problem in found.problems:
            console.put(f"{console.glyph('missing')} {console.safe(problem)}")
        for note in found.notes:
            console.put(f"  note: {console.safe(note)}")
        state = "holds" if found.ok else "DOES NOT VERIFY"
        console.put(f"{state}: {found.lines} lines, {found.objects} objects, root {found.root}")
        console.put(f"grade: {found.grade}")
        console.say(f"It proves: {found.proves}")
        console.say(f"It does not prove: {found.does_not_prove}")
    if not found.ok:
        raise typer.Exit(TamperedError.exit_code)


@_vault.command("fsck")
def vault_fsck(format_: Format = "table", config: Config = None) -> None:
    """
    Look for damage and for what interrupted runs left; the same reading as verify, without keys.

    Example:
      soc2ev vault fsck
    """
    vault_verify(key=None, checkpoint=None, format_=format_, config=config)


@_keys.command("new")
def keys_new(
    name: Annotated[str, typer.Option("--name", help="The key's name, for example acme/prod/collect.")],
    out: Annotated[Path, typer.Option("--out", help="File for the private key; FILE.vkey gets the public one.")],
) -> None:
    """
    Make a signing key: the private part in a file that only you can read, the public part beside it.

    Put the private text into the secret SOC2EV_SIGNING_KEY of your CI; give the .vkey to your auditor by
    another way than the pack.

    Example:
      soc2ev keys new --name acme/prod/collect --out collect.key
    """
    from soc2ev.vault import new_key

    private, public = new_key(name)
    try:
        handle = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ConfigError(f"{out} exists", hint="give another file name; a key is never overwritten") from None
    except OSError as problem:
        raise ConfigError(f"{out}: {problem.strerror}") from None
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(private + "\n")
    public_file = out.with_name(out.name + ".vkey")
    public_file.write_text(public + "\n", encoding="utf-8")
    console.put(public)
    console.say(f"private key: {out} (mode 0600); public key: {public_file}")


@_deviations.command("list")
def deviations_list(period: Period = "last-month", format_: Format = "table", config: Config = None) -> None:  # noqa: ARG001
    """
    List deviations with their stable ids, waivers and corrective actions.

    Example:
      soc2ev deviations list --period 2026-10
    """
    session.chosen_format(format_, ("table", "json"))
    with session.assessment(period) as made:
        actions = {
            row["deviation"]: row
            for row in made.tables.select("select * from register_corrective_actions order by all")
        }
        rows = [
            {
                "id": deviation_id(finding, item, letter),
                "control": finding.control.id,
                "item": item.id,
                "attribute": letter,
                "reason": result.reason,
                "waiver": item.waiver.id if item.waiver else None,
                "owner": actions.get(deviation_id(finding, item, letter), {}).get("owner"),
                "due": str(actions.get(deviation_id(finding, item, letter), {}).get("due_on") or "") or None,
            }
            for finding, item, letter, result in _deviating(made)
        ]
    if format_ == "json":
        console.put_json({"schema": "soc2ev.deviations/1", "deviations": rows})
    else:
        shown = [
            (
                r["id"],
                r["control"],
                r["item"],
                r["attribute"],
                console.safe(r["reason"], 120),
                r["waiver"] or "",
                r["owner"] or "no owner",
            )
            for r in rows
        ]
        console.table(("id", "control", "item", "", "reason", "waiver", "owner"), shown)


@_deviations.command("assign")
def deviations_assign(
    deviation: Annotated[str, typer.Argument(help="The deviation's id, as `deviations list` prints it.")],
    owner: Annotated[str, typer.Option("--owner", help="Who corrects it.")],
    due: Annotated[str, typer.Option("--due", help="Until when, as 2026-12-31.")],
    ticket: Annotated[str, typer.Option("--ticket", help="Where the work is tracked.")] = "",
    period: Period = "last-month",
    config: Config = None,  # noqa: ARG001
) -> None:
    """
    Print the record of a corrective action, to be reviewed and kept in the registers.

    Example:
      soc2ev deviations assign DEV-1a2b3c4d --owner Ann --due 2026-12-31 --period 2026-10
    """
    with session.assessment(period) as made:
        finding, item, letter, _ = _find(made, deviation)
        console.put(
            _record(
                "corrective_action",
                f"action-{deviation.lower()}",
                owner,
                {
                    "deviation": deviation,
                    "control": finding.control.id,
                    "item": item.id,
                    "owner": owner,
                    "due_on": due,
                    "ticket": ticket or None,
                    "state": "open",
                },
                "actions",
            )
        )
    console.say(
        f"put it into registers/corrective-action/{deviation.lower()}.yaml ({letter}); a second person reviews it"
    )


@_deviations.command("waive")
def deviations_waive(
    deviation: Annotated[str, typer.Argument(help="The deviation's id, as `deviations list` prints it.")],
    reason: Annotated[str, typer.Option("--reason", help="Why it is accepted.")],
    approver: Annotated[str, typer.Option("--approver", help="Who accepts it.")],
    approved_on: Annotated[str, typer.Option("--approved-on", help="When, as 2026-11-05.")],
    expires_on: Annotated[str, typer.Option("--expires-on", help="Until when, at most twelve months later.")],
    period: Period = "last-month",
    config: Config = None,  # noqa: ARG001
) -> None:
    """
    Print the record of a waiver, to be reviewed and kept in the registers. The deviation stays listed.

    Example:
      soc2ev deviations list --period 2026-10, then: soc2ev deviations waive DEV-1a2b3c4d --help
    """
    with session.assessment(period) as made:
        finding, item, letter, _ = _find(made, deviation)
        console.put(
            _record(
                "waiver",
                f"waiver-{deviation.lower()}",
                approver,
                {
                    "control": finding.control.id,
                    "items": [item.id],
                    "attributes": [letter],
                    "reason": reason,
                    "approver": approver,
                    "approved_on": approved_on,
                    "expires_on": expires_on,
                },
                "waivers",
            )
        )
    console.say(
        f"put it into registers/waiver/{deviation.lower()}.yaml; it counts once a second person has approved it"
    )


def deviation_id(finding: Finding, item: Item, letter: str) -> str:
    """The same for the same control, item and attribute in every run."""
    text = f"{finding.control.id}|{item.id}|{letter}"
    return f"DEV-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _deviating(made: Assessment) -> list[tuple[Finding, Item, str, Result]]:
    return [
        (finding, item, letter, result)
        for finding in made.findings
        for item in finding.population.items
        for letter, result in item.outcomes.items()
        if result.outcome is Outcome.DEVIATION
    ]


def _find(made: Assessment, deviation: str) -> tuple[Finding, Item, str, Result]:
    for found in _deviating(made):
        if deviation_id(*found[:3]) == deviation:
            return found
    raise ConfigError(
        f"there is no deviation {deviation!r} in {made.period.name}", hint="`soc2ev deviations list` names them"
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        raise ConfigError(f"{path}: {problem.strerror}") from None


def _record(kind: str, name: str, owner: str, fields: dict[str, object], listed: str) -> str:
    """A register with one record, as YAML text: a draft until a second person reviews it."""
    from soc2ev.yamlfile import dump

    header: dict[str, object] = {
        "id": name,
        "kind": kind,
        "schema": 1,
        "owner": owner,
        "prepared_by": owner,
        "status": "draft",
    }
    body = {**header, **fields} if kind == "waiver" else {**header, listed: [fields]}
    kept = {key: value for key, value in body.items() if value is not None}
    return dump(kept)
