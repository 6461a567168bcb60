"""What log files really hold: a pass that measures, a pass for leaks, and the answer as `soc2ev.logcheck/1`."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import BrokenExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from soc2ev.errors import CollectError
from soc2ev.logs.events import CANONICAL, KINDS, Matcher
from soc2ev.logs.instants import iso
from soc2ev.logs.leaks import Leak, scan_files
from soc2ev.logs.measured import Measured
from soc2ev.logs.measures import Span, Spike, Timeline
from soc2ev.logs.measuring import measure
from soc2ev.logs.reading import Problem, Told, files
from soc2ev.logs.together import Together

SCHEMA = "soc2ev.logcheck/1"
_MOST_LEAKS = 100_000
_MOST_FAMILIES = 64
_SHOWN_PROBLEMS = 50
_DAY = 86_400
_SERIAL = re.compile(r"_\d{8}T\d{4}Z_.*$|(?:\.(?:gz|zst|jsonl?|ndjson|log|txt))+$|[\d:TZ+]+|[-_.]{2,}")
Progress = Callable[[Path, int], None]


@dataclass(frozen=True, slots=True)
class Placed:
    """A leak and where it stands; never the value."""

    file: str
    line: int
    leak: Leak

    def as_json(self) -> dict[str, Any]:
        """As the schema has it."""
        return {
            "file": self.file,
            "line": self.line,
            "kind": self.leak.kind,
            "field": self.leak.field,
            "fingerprint": self.leak.fingerprint,
        }


@dataclass
class Check:
    """The answer for a set of files that one source wrote."""

    now: float
    whole: Measured
    files: dict[str, Measured] = field(default_factory=dict)
    """By name, relative to the folder that all of them lie in."""
    leaks: list[Placed] = field(default_factory=list)
    """The first 100,000; `leak_counts` counts all."""
    leak_counts: Counter[str] = field(default_factory=Counter)
    gaps: list[Span] = field(default_factory=list)
    spikes: list[Spike] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    """What was not read, or not to its end: with any, the answer is about a part."""
    notes: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The document of the schema, with further keys that say more."""
        return {"schema": SCHEMA, **_contents(self.whole), **_findings(self), **_further(self)}


def check(
    paths: Iterable[str | Path],
    *,
    key: bytes,
    now: float,
    matcher: Matcher,
    on_progress: Progress | None = None,
    workers: int = 1,
) -> Check:
    """
    Check files, folders and globs that one source wrote; `key` keys the fingerprints, `now` is the clock.

    Files that cannot be read are among the `problems`. CollectError when a path names nothing or nothing could be read.
    """
    told: list[Problem] = []
    found = list(files(paths, told.append))
    if not found:
        reason = f": {told[0].file}: {told[0].reason}" if told else ""
        raise CollectError(f"there is no file to read{reason}", hint="name log files, or a folder that holds some")
    if workers > 1:
        with suppress(BrokenExecutor, OSError):  # where no processes can be had, or one was killed, one has to do
            return _check_together(found, key, now, matcher, on_progress, workers, list(told))
    made = Check(now, Measured(now), problems=told)
    lines: dict[str, Timeline] = {}
    names = relative(found)
    for file in found:
        _add_file(made, lines, file, names, measure(file, now, matcher, told.append, on_progress))
    _find_leaks(made, found, names, key)
    _conclude(made, lines)
    return made


def _check_together(
    found: list[Path],
    key: bytes,
    now: float,
    matcher: Matcher,
    on_progress: Progress | None,
    workers: int,
    told: list[Problem],
) -> Check:
    made = Check(now, Measured(now), problems=told)
    lines: dict[str, Timeline] = {}
    names = relative(found)
    with Together(key, matcher, now, workers) as together:
        for file, measured, leaks in together.files(found, _told_once(told), on_progress):
            for part in leaks:
                _add_leaks(made, names, part)
            _add_file(made, lines, file, names, measured)
    _note_leaks(made)
    _conclude(made, lines)
    return made


def _told_once(told: list[Problem]) -> Told:
    """A document is read twice, and what is wrong with it told once."""
    return lambda problem: None if problem in told else told.append(problem)


def _add_file(
    made: Check, lines: dict[str, Timeline], file: Path, names: Mapping[Path, str], measured: Measured
) -> None:
    _line_of(lines, file).merge(measured.timeline)
    measured.timeline = Timeline()  # its events are in the line of its family; thousands of files stay small
    made.files[names[file]] = measured
    made.whole.merge(measured)


def relative(found: Iterable[Path]) -> dict[Path, str]:
    """Each file's path below the folder that all of them lie in, with `/`."""
    real = {file: Path(os.path.abspath(file)) for file in found}  # noqa: PTH100  resolve() would follow links
    top = Path(os.path.commonpath([file.parent for file in real.values()])) if real else Path()
    return {file: path.relative_to(top).as_posix() for file, path in real.items()}


def _line_of(lines: dict[str, Timeline], file: Path) -> Timeline:
    """Rotated files of one stream lie on one line; another stream's events do not hide the gaps of this one."""
    family = _SERIAL.sub("", file.name) if len(lines) < _MOST_FAMILIES else ""
    return lines.setdefault(family, Timeline())


def _find_leaks(made: Check, found: list[Path], names: Mapping[Path, str], key: bytes) -> None:
    again: list[Problem] = []
    _add_leaks(made, names, scan_files(found, key, problems=again))
    made.problems += [problem for problem in again if problem not in made.problems]
    _note_leaks(made)


def _add_leaks(made: Check, names: Mapping[Path, str], found: Iterable[tuple[Path, int, Leak]]) -> None:
    for file, line, leak in found:
        made.leak_counts[leak.kind] += 1
        if len(made.leaks) < _MOST_LEAKS:
            made.leaks.append(Placed(names[file], line, leak))


def _note_leaks(made: Check) -> None:
    if (total := made.leak_counts.total()) > len(made.leaks):
        made.notes.append(f"{total} leaks were found; the first {len(made.leaks)} are listed")


def _conclude(made: Check, lines: Mapping[str, Timeline]) -> None:
    made.gaps = sorted((gap for line in lines.values() for gap in line.gaps()), key=lambda gap: (gap.start, gap.end))
    made.spikes = sorted((one for line in lines.values() for one in line.spikes()), key=lambda one: one.start)
    if any(line.too_long for line in lines.values()):
        made.notes.append("the times of the records span too many years; gaps were not looked for")
    if constants := made.whole.fields.constants():
        made.notes.append(f"{', '.join(constants)} hardly changes from record to record: it joins nothing")
    if made.whole.lines and not made.whole.times.records:
        made.notes.append("no line was understood: events, times and fields are not known")


def _contents(whole: Measured) -> dict[str, Any]:
    return {
        "lines": whole.lines,
        "unparsed": whole.unparsed,
        "first": iso(whole.times.first),
        "last": iso(whole.times.last),
        "events": {kind: whole.count(kind) for kind in CANONICAL},
    }


def _findings(made: Check) -> dict[str, Any]:
    correlation, times = made.whole.fields.correlation(), made.whole.times
    return {
        "leaks": [leak.as_json() for leak in made.leaks],
        "correlation": {
            "field": correlation.field,
            "share": round(correlation.share, 6),
            "distinct": correlation.distinct,
            "joinable": _rounded(correlation.joinable),
            "constant": made.whole.fields.constants(),
        },
        "gaps": [{"from": iso(gap.start), "to": iso(gap.end)} for gap in made.gaps],
        "error_spikes": [
            {"from": iso(one.start), "to": iso(one.end), "share": round(one.share, 4)} for one in made.spikes
        ],
        "skew": {
            "p50_s": _rounded(times.skew.at(0.5)),
            "p99_s": _rounded(times.skew.at(0.99)),
            "future": times.future,
            "negative": times.negative,
            "known": times.skew.count,
        },
    }


def _further(made: Check) -> dict[str, Any]:
    whole, times = made.whole, made.whole.times
    return {
        "complete": not made.problems,
        "problems": [{"file": one.file.name, "reason": one.reason} for one in made.problems[:_SHOWN_PROBLEMS]],
        "records": times.records,
        "formats": dict(sorted(whole.shapes.items())),
        "lifecycle": {kind: whole.count(kind) for kind in KINDS if kind not in CANONICAL},
        "seen": {kind: {"first": iso(one.first), "last": iso(one.last)} for kind, one in sorted(whole.events.items())},
        "not_observed": [kind for kind in CANONICAL if not whole.count(kind)],
        "leaks_by_kind": dict(sorted(made.leak_counts.items())),
        "fields": {asked: _rounded(share) for asked, share in whole.fields.shares().items()},
        "authentication": {
            "records": whole.logins.records,
            **{asked: _rounded(share) for asked, share in whole.logins.shares().items()},
        },
        "masking": {
            "masked": whole.masked.total(),
            "leaked": made.leak_counts.total(),
            "by_field": dict(whole.masked.most_common(50)),
        },
        "timestamps": {
            "parsed": _share(times.parsed, times.records),
            "zoned": _share(times.zoned, times.parsed),
            "monotonic": _share(times.ordered, times.pairs),
        },
        "retention": {
            "oldest": iso(times.first),
            "observed_days": None if times.first is None else round((made.now - times.first) / _DAY, 2),
        },
        "files": {name: {"lines": one.lines, "unparsed": one.unparsed} for name, one in made.files.items()},
        "notes": list(made.notes),
    }


def _share(count: int, of: int) -> float | None:
    return round(count / of, 6) if of else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
