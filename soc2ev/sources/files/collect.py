"""The collection of log files: one check, one body and one coverage for each source."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from soc2ev.errors import CollectError
from soc2ev.logs.instants import iso
from soc2ev.logs.key import beside, fingerprint_key
from soc2ev.model import Coverage, Json
from soc2ev.sources.files.tables import SCHEMA

if TYPE_CHECKING:
    from soc2ev.config import FileSource, Settings
    from soc2ev.fetch import Fetch
    from soc2ev.logs.check import Check
    from soc2ev.logs.measured import Measured
    from soc2ev.logs.reading import Problem
    from soc2ev.period import Period

NAME = "files"
_SHOWN = 6
_WIDTH = 3_000
_HEAD = 1 << 16
_ODD = 0.1
"""Share of characters that are none above which a file is no text; lines in Latin-1 have some."""
_UNPACKED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xff\xfe", b"\xfe\xff")
"""How files begin that the check unpacks or decodes itself: gzip, Zstandard, UTF-16."""


def collect(fetch: Fetch, settings: Settings, period: Period) -> Iterator[Coverage]:
    """
    Check the files of every source; a source of which nothing can be read has an incomplete coverage.

    Entries with the same `source` are one. ConfigError when the key of the fingerprints cannot be kept.
    """
    entries = settings.config.sources.files
    if not entries:
        return
    key, made = fingerprint_key(beside(settings.path(settings.config.vault)))
    if made:
        fetch.say("files: made the key of the fingerprints beside the vault; keep it, out of version control")
    for source in dict.fromkeys(entry.source for entry in entries):
        own = [entry for entry in entries if entry.source == source]
        fetch.say(f"files: {source}")
        try:
            yield _collected(fetch, settings, period, own, key)
        except CollectError as problem:
            reason = f"{problem.message}; {problem.hint}"[:_WIDTH]
            stream = f"{NAME}:{source}:content"
            yield Coverage(stream, period, None, 0, complete=False, reason=reason, scope={"source": source})


def _collected(fetch: Fetch, settings: Settings, period: Period, own: list[FileSource], key: bytes) -> Coverage:
    # A collection without log files need not wait for the patterns to compile.
    from soc2ev.logs.check import check, relative
    from soc2ev.logs.events import Matcher, packs
    from soc2ev.logs.reading import files

    source, paths = own[0].source, [str(settings.path(entry.path)) for entry in own]
    stream = f"{NAME}:{source}:content"
    told: list[Problem] = []
    before = {name: _digest(file) for file, name in relative(list(files(paths, told.append))).items()}
    now = fetch.now().timestamp()
    made = check(paths, key=key, now=now, matcher=Matcher(packs(settings.file.parent)))
    after = {name: _digest(file) for file, name in relative(list(files(paths, told.append))).items()}
    reasons = [f"{one.file.name}: {one.reason}" for one in made.problems]
    changed = [name for name in made.files if before.get(name) != after.get(name)]
    reasons += [f"{name} changed while it was read" for name in changed]
    where = {name: file for file, name in relative(list(files(paths, told.append))).items()}
    garbled = [name for name, one in made.files.items() if _is_garbled(one, where.get(name))]
    reasons += [f"{name} is no text, and of no kind that can be unpacked: nothing in it was found" for name in garbled]
    record = _record(made, source, before, {*changed, *garbled})
    _lay_down(fetch, record, stream, _asked(own), len(made.files))
    more = f"; and {len(reasons) - _SHOWN} more" if len(reasons) > _SHOWN else ""
    whole = len(made.files) - len({one.file for one in made.problems}) - len({*changed, *garbled})
    return Coverage(
        stream,
        period,
        None if reasons else len(made.files),
        max(0, whole),
        complete=not reasons,
        reason=("; ".join(reasons[:_SHOWN])[:_WIDTH] + more) if reasons else None,
        scope={"source": source},
        details={"lines": made.whole.lines, "unparsed": made.whole.unparsed, "leaks": made.leak_counts.total()},
    )


def _asked(own: list[FileSource]) -> dict[str, Json]:
    listed = [{"path": entry.path, "format": entry.format} for entry in own]
    return {"method": "check", "source": own[0].source, "entries": listed}


def _is_garbled(made: Measured, file: Path | None) -> bool:
    """Whether nothing in a file had a known format and its beginning is no text: an archive, or encrypted."""
    if file is None or not made.lines or made.unparsed < made.lines:
        return False
    try:
        with file.open("rb") as stream:
            head = stream.read(_HEAD)
    except OSError:
        return True
    if head.startswith(_UNPACKED):
        return False
    text = head.decode(errors="replace")
    odd = sum(sign == "\ufffd" or (not sign.isprintable() and not sign.isspace()) for sign in text)
    return odd > _ODD * len(text)


def _record(made: Check, source: str, digests: dict[str, tuple[str, int]], partly: set[str]) -> dict[str, Json]:
    """What is stored: the check's answer, and of each file what proves which one it was; `partly` are read in part."""
    answer = made.as_json()
    incomplete = {one.file.name for one in made.problems}
    listed = [
        _file(name, one, digests.get(name), Path(name).name not in incomplete and name not in partly)
        for name, one in made.files.items()
    ]
    seen = {kind: {"count": one.count, **answer["seen"][kind]} for kind, one in sorted(made.whole.events.items())}
    return {**answer, "schema": SCHEMA, "source": source, "files": listed, "seen": seen}


def _file(name: str, one: Measured, digest: tuple[str, int] | None, whole: bool) -> dict[str, Json]:  # noqa: FBT001
    correlation, skew = one.fields.correlation(), one.times.skew
    return {
        "file": name,
        "sha256": digest[0] if digest else None,
        "size": digest[1] if digest else None,
        "whole": whole,
        "lines": one.lines,
        "unparsed": one.unparsed,
        "formats": sorted(one.shapes),
        "first": iso(one.times.first),
        "last": iso(one.times.last),
        "correlation": {"field": correlation.field, "share": round(correlation.share, 6)},
        "shares": one.fields.shares(),
        "authentication": {"records": one.logins.records, **one.logins.present},
        "skew": {"p50_s": skew.at(0.5), "p99_s": skew.at(0.99), "future": one.times.future},
        "masked": one.masked.total(),
    }


def _digest(file: Path) -> tuple[str, int]:
    """SHA-256 and size of a file as it lies there; ("", 0) for one that cannot be read, which the check tells."""
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest(), stream.tell()
    except OSError:
        return "", 0


def _lay_down(fetch: Fetch, record: Json, stream: str, request: dict[str, Json], count: int) -> None:
    text = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    with tempfile.TemporaryDirectory(prefix="soc2ev-") as folder:
        file = Path(folder) / "check.json"
        file.write_text(text, encoding="utf-8", errors="replace")
        fetch.file(file, source=NAME, stream=stream, request=request, count=lambda _: count)
