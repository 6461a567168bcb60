"""Hash chains in JSON lines: each record has the hash of the one before it, so that no line can be changed alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from soc2ev.logs.reading import Problem, lines

_MOST_COMPLAINTS = 1_000
_BEGINNINGS = frozenset({"", "0", "none", "null", "genesis", "0" * 64})


@dataclass(frozen=True, slots=True)
class Form:
    """How a chain is made."""

    previous: str = "prev_hash"
    """The field with the hash of the record before."""
    own: str = "hash"
    """The field with the record's own hash; it is not hashed. Records without it are hashed whole."""
    canonical: Literal["line", "json"] = "json"
    """What is hashed: the line's bytes, or the record without `own` as JSON with sorted keys and no spaces (UTF-8)."""


@dataclass
class Chain:
    """What was verified: links that hold, and where others do not."""

    records: int = 0
    head: str | None = None
    """The hash of the last record: keep it elsewhere, since whoever writes the file could make a new chain."""
    broken: list[tuple[int, str]] = field(default_factory=list)
    """(line, what is wrong), the first thousand."""
    problems: list[Problem] = field(default_factory=list)
    named: bool = False
    """Whether the first record has its own hash: then all must, or the last could be anything."""

    @property
    def ok(self) -> bool:
        """Every record was read and follows the one before it."""
        return self.records > 0 and not self.broken and not self.problems


def verify_chain(file: Path, form: Form) -> Chain:
    """Follow the chain in a file; the first record may begin it with nothing, zeros or `genesis`."""
    made = Chain()
    for _, number, row in lines(file, made.problems.append):
        if not row.strip():
            continue
        record = _record(row)
        complaints = ["no JSON object"] if record is None else list(_complaints(record, row, form, made))
        made.broken += [(number, says) for says in complaints[: max(0, _MOST_COMPLAINTS - len(made.broken))]]
        made.records += 1
        made.head = _hash(record, row, form) if record is not None else None
    return made


def _complaints(record: dict[str, Any], row: bytes, form: Form, made: Chain) -> Iterator[str]:
    given = _plain(record.get(form.previous))
    if form.previous not in record:
        yield f"no {form.previous}"
    elif made.records == 0:
        if given not in _BEGINNINGS and set(given) != {"0"}:
            yield f"the chain begins before this file: {form.previous} is {given[:16]}"
    elif given != made.head:
        yield f"does not follow the record before it: {form.previous} is another hash"
    own = record.get(form.own)
    if made.records == 0:
        made.named = own is not None
    if form.canonical != "json":
        return
    if (own is not None) != made.named:
        yield f"{'no' if own is None else 'has its own'} {form.own}, other than the records before it"
    if own is not None and _plain(own) != _hash(record, row, form):
        yield f"was altered: its {form.own} is not that of its content"


def _hash(record: dict[str, Any], row: bytes, form: Form) -> str:
    if form.canonical == "line":
        return hashlib.sha256(row).hexdigest()
    rest = {name: value for name, value in record.items() if name != form.own}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _plain(value: Any) -> str:
    return "" if value is None else str(value).lower().removeprefix("sha256:")


def _record(row: bytes) -> dict[str, Any] | None:
    """None, too, when a name stands there twice: the hash would speak of one of the two."""
    try:
        found = json.loads(row, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError
    return made
