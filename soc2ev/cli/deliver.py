"""`soc2ev pack` and `soc2ev verify`: hand over, and check what was handed over."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from soc2ev.cli import console, session
from soc2ev.cli.options import Config, Format, Period
from soc2ev.errors import TamperedError

Key = Annotated[
    list[str] | None,
    typer.Option("--key", help="A verifier key (a .vkey file or its text) that you were given by another way."),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("pack")(pack)
    app.command("verify")(verify)


def pack(
    period: Period = "last-month",
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write the pack into.")] = Path("packs"),
    format_: Format = "table",
    config: Config = None,  # noqa: ARG001
) -> None:
    """
    Render the evidence of a period as a pack: folders, workbooks, one page, raw evidence, and how to verify it.

    The same evidence gives the same bytes, whenever it is rendered. A pack that somebody has edited is kept.

    Examples:
      soc2ev pack --period 2026-10
      soc2ev pack --period 2026-Q3 --output /srv/packs --format json
    """
    session.chosen_format(format_, ("table", "json"))
    from soc2ev import pack as packs

    found = session.settings()
    with session.assessment(period) as made:
        target = output / packs.name(made)
        written = packs.write(made, session.vault(found), target, session.signer())
        count = (len(made.findings), len(written.path.name))
    if format_ == "json":
        console.put_json(
            {"pack": str(written.path), "files": written.files, "kept": str(written.kept) if written.kept else None}
        )
        return
    if written.kept:
        console.say(f"the pack that stood there had been changed; it is kept as {written.kept}")
    console.say(f"{count[0]} controls, {written.files} files")
    console.put(str(written.path))
    console.say(f"open   {written.path / 'data' / '00_START-HERE.html'}")
    console.say(f"verify soc2ev verify {written.path}")


def verify(
    path: Annotated[Path, typer.Argument(help="The pack: its folder, or a zip of it.")],
    key: Key = None,
    format_: Format = "table",
) -> None:
    """
    Check a pack: nothing changed, and judging its raw evidence again gives the same outcomes.

    Works offline, without configuration, and trusts nothing in the pack. Without --key nobody's signature is trusted,
    and the grade says so. Exit 6 when it does not verify.

    Examples:
      soc2ev verify packs/acme-soc2-2026-10
      soc2ev verify acme-soc2-2026-10.zip --key acme.vkey
    """
    session.chosen_format(format_, ("table", "json"))
    from soc2ev.pack.reperform import verify_pack

    session.bound_memory()
    found = verify_pack(path, [key_text(one) for one in key or []])
    if format_ == "json":
        console.put_json(found.as_json())
    else:
        for problem in found.problems:
            console.put(f"{console.glyph('missing')} {console.safe(problem)}")
        if found.ok:
            console.put(
                f"{console.glyph('ok')} files      {found.files} of {found.files} are the ones that were written"
            )
            console.put(f"{console.glyph('ok')} journal    {found.lines} lines, unbroken")
            console.put(f"{console.glyph('ok')} re-check   judged again from the raw evidence: the same outcomes")
            if found.rendered_identically:
                console.put(f"{console.glyph('ok')} rendition  every file renders to the same bytes")
            else:
                says = "not compared: another version wrote workbooks and page"
                console.put(f"{console.glyph('incomplete')} rendition  {says}")
            signed = ", ".join(found.signed_by) or "no key was named, so nobody's signature is trusted"
            console.put(f"  signature  {console.safe(signed)}")
        console.put(f"grade: {found.grade}")
        console.say("It does not prove that the sources told the truth, nor what was never collected.")
    if not found.ok:
        raise typer.Exit(TamperedError.exit_code)


def key_text(given: str) -> str:
    """The verifier key: the text itself, or that of the file with this name."""
    path = Path(given)
    try:
        return path.read_text(encoding="utf-8").strip() if path.is_file() else given
    except OSError:
        return given
