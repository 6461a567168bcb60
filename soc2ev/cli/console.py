"""
What the command line shows: data on standard output, messages on standard error.

Text from outside is hostile: a pull request's title may hold escape sequences that repaint the screen, or
markup. All of it goes through `safe`. Glyphs fall back to ASCII where the terminal cannot show them, and colour
to none where it is not wanted.
"""

from __future__ import annotations

import json
import os
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from soc2ev.model import Coverage
    from soc2ev.timing import Timing

_GLYPHS = {
    "met": ("✓", "P", "green"),
    "deviation": ("✗", "X", "red"),
    "not tested": ("?", "?", "yellow"),
    "not applicable": ("–", "-", "dim"),
    "no deviations": ("✓", "P", "green"),
    "deviations": ("✗", "X", "red"),
    "incomplete": ("?", "?", "yellow"),
    "no occurrence": ("–", "-", "dim"),
    "yes": ("✓", "P", "green"),
    "no": ("✗", "X", "red"),
    "partly": ("◐", "~", "yellow"),
    "not known": ("?", "?", "yellow"),
    "complete": ("✓", "P", "green"),
    "ok": ("✓", "P", "green"),
    "missing": ("✗", "X", "red"),
    "warning": ("!", "!", "yellow"),
}
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn"}


def prepare_streams() -> None:
    """A character that the terminal cannot show becomes `?` instead of ending the command."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def safe(value: object, limit: int = 0) -> str:
    """
    One line of text that cannot move the cursor, change colours, reorder itself or open a link.

    Control, format and unassigned characters are shown as escapes; with `limit` the text is cut there.
    """
    shown = "".join(_visible(character) for character in str(value))
    return shown if not limit or len(shown) <= limit else shown[: limit - 1] + "…"


def _visible(character: str) -> str:
    if character in "\n\t":
        return " "
    if unicodedata.category(character) in _HIDDEN:
        return character.encode("unicode_escape", "backslashreplace").decode("ascii")
    return character


def say(text: str = "") -> None:
    """A message for the person, on standard error."""
    _write(sys.stderr, text)


def put(text: str) -> None:
    """Data, on standard output; its lines are ours and already safe."""
    _write(sys.stdout, text)


def put_parts(parts: Iterable[str]) -> None:
    """Data in parts, on standard output."""
    for part in parts:
        sys.stdout.write(part)
    sys.stdout.flush()


def put_json(value: Any) -> None:
    """A JSON document on standard output."""
    _write(sys.stdout, json.dumps(value, indent=2, ensure_ascii=_ascii(sys.stdout), allow_nan=False))


def glyph(word: str) -> str:
    """The mark of an outcome, conclusion, answer or state, as this terminal can show it."""
    fancy, plain, _ = _GLYPHS[word]
    return plain if _ascii(sys.stdout) else fancy


def marked(word: str) -> Text:
    """The mark and the word, in its colour."""
    from rich.text import Text

    return Text(f"{glyph(word)} {word}", style=_GLYPHS[word][2])


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, right: Sequence[int] = ()) -> None:
    """A table on standard output; cells are text from anywhere, or `marked`."""
    from rich.text import Text

    made = _table(columns, right)
    for row in rows:
        made.add_row(*(cell if isinstance(cell, Text) else Text(safe(cell)) for cell in row))
    _console().print(made)


def doubts(coverages: Iterable[Coverage]) -> None:
    """What collections themselves are in doubt about, each once, on standard error."""
    shown = list(coverages)
    if estimated := sorted({entry.scope.get("ref", "") for entry in shown if entry.details.get("estimated")}):
        say(f"estimate: where the period begins or ends on {safe(', '.join(estimated))} is read from committer dates")
    for warning in sorted({str(one) for entry in shown for one in entry.details.get("warnings") or ()}):
        say(f"doubt: {safe(warning)}")


def advise(timings: Iterable[Timing]) -> None:
    """What to run when, on standard error; silent when there is nothing to say."""
    lines = [line for one in timings for line in one.lines()]
    if lines:
        say("what to run when:")
    for line in lines:
        say(f"  {safe(line)}")


def heading(text: str) -> None:
    """A line in bold on standard output."""
    from rich.text import Text

    _console().print(Text(safe(text), style="bold"))


def _table(columns: Sequence[str], right: Sequence[int]) -> Table:
    from rich import box
    from rich.table import Table

    made = Table(box=None if _ascii(sys.stdout) else box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for at, column in enumerate(columns):
        made.add_column(column, justify="right" if at in right else "left", overflow="fold")
    return made


def _console() -> Console:
    from rich.console import Console

    # Markup and emoji codes stay off: `[red]` in a title is a title.
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 120
    return Console(file=sys.stdout, markup=False, highlight=False, emoji=False, width=width, soft_wrap=False)


def _ascii(stream: TextIO) -> bool:
    try:
        "✓✗–◐…".encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return True
    return False


def _write(stream: TextIO, text: str) -> None:
    stream.write(text + "\n")
    stream.flush()
