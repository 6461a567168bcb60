"""
The command line: arguments in, core functions called, screens and exit codes out.

Every command imports what it needs inside its body, so that `soc2ev --help` stays fast.
"""

from __future__ import annotations

import typer

from soc2ev.cli import assess, collect, deliver, explore, keep, ledger, logs, sample, sources, start
from soc2ev.cli.options import Config

app = typer.Typer(
    name="soc2ev",
    help="SOC 2 evidence: complete populations, judged item by item, in a pack that an auditor can re-perform.",
    epilog="Start with `soc2ev demo` (a fictional company) or `soc2ev init` (the repository you stand in).",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:  # noqa: FBT001  typer calls it with one positional value
    if asked:
        from soc2ev import __version__
        from soc2ev.cli import console

        console.put(f"soc2ev {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    config: Config = None,
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),  # noqa: FBT001, FBT003
) -> None:
    """SOC 2 evidence: complete populations, judged item by item, in a pack that an auditor can re-perform."""


def _keep_examples(inside: typer.Typer) -> None:
    """Mark the examples of every help as lines that are not to be joined."""
    for command in inside.registered_commands:
        if command.callback is not None:
            text = command.callback.__doc__ or ""
            command.callback.__doc__ = text.replace("    Example", "    \b\n    Example", 1)
    for group in inside.registered_groups:
        if group.typer_instance is not None:
            _keep_examples(group.typer_instance)


for module in (start, collect, assess, sample, deliver, explore, keep, ledger, sources, logs):
    module.register(app)
_keep_examples(app)
