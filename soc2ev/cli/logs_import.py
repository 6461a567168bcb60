"""`soc2ev logs import`: an aggregation that ran elsewhere, into the vault, and what it speaks for."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from soc2ev.cli import console, session
from soc2ev.errors import ConfigError
from soc2ev.logs import aggregate
from soc2ev.logs.dialects import ENGINES
from soc2ev.logs.events import KINDS, packs
from soc2ev.logs.instants import instant, iso
from soc2ev.logs.plan import FIELDS, Planned, planned

if TYPE_CHECKING:
    from soc2ev.config import Settings
    from soc2ev.model import EvidenceItem, Json
    from soc2ev.vault import Writer

_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,80}$")
_TAKEN = frozenset({"sources", "alerts", "query"})
"""Ends of names that streams of another kind have."""
_SOURCE = re.compile(r"^[^\s\x00-\x1f\x7f](?:[^\x00-\x1f\x7f]{0,198}[^\s\x00-\x1f\x7f])?$")
_SAME = ("digest", "query_sha256", "ran_at", "log_source", "planned", "fields", "table")
NOT_MEASURED = ("leaks", "gaps", "clocks", "lines that were not understood")
"""What the query does not look for, so that a result says nothing about it."""


def store(
    result: Path, query_text: Path, *, query_id: str, at: str, engine: str, name: str, source: str = ""
) -> dict[str, Any]:
    """
    Store query and result, unless they are there already; what was stored, and what it speaks for.

    ConfigError, and nothing is stored, when the result is not that of a planned query, or the engine's run of that id
    was imported before with another result. A query that was not planned for the engine is stored and supports nothing.
    """
    _refuse(engine, name, source or name, query_id)
    when = instant(at, session.now().timestamp())
    if when is None or not when.zoned:
        raise ConfigError("--at needs a time with its zone", hint="as 2026-11-02T09:00:00Z")
    settings = session.settings()
    body, query = _read(result), _read(query_text)
    rows = aggregate.rows(body)
    reads, reason = _planned(query, engine, settings)
    if not reason:
        aggregate.refuse_impossible(rows)
    about = {"engine": engine, "query_id": query_id, "ran_at": iso(when.at), "query_sha256": _sha256(query)}
    request: dict[str, Json] = {"method": "import", "path": result.name, "digest": aggregate.digest(rows), **about}
    request |= {"log_source": source or name, "planned": not reason, "reason": reason, "fields": list(reads.fields)}
    request |= {"table": reads.table}
    hours = [row["hour"] for row in rows if row["hour"] is not None]
    request |= {"first_hour": min(hours, default=None), "last_hour": max(hours, default=None)}
    stream = f"logs:import:{name}"
    item = _earlier(settings, stream, request)
    stored = item is None
    if item is None:
        with session.writer(settings) as vault:
            item = _put(vault, stream, (query, query_text.name), (body, len(rows)), request)
    return _answer(stream, item, rows) | {"stored": stored, "known": _is_known(settings, source or name)}


def show(stored: Mapping[str, Any]) -> None:
    """The same for people."""
    counts = [(name, count) for name, count in stored["totals"].items() if count]
    console.table(("what", "count"), counts, right=(1,))
    state = "stored" if stored["stored"] else "already there, nothing was stored: it is"
    console.say(f"{state} as {stored['stream']}: {stored['result']}, query {stored['query']}")
    if not stored["planned"]:
        console.say(f"it is not the planned query and supports nothing: {console.safe(stored['reason'])}")
    else:
        for line in _speaking(stored):
            console.say(line)
    if not stored["known"]:
        told = "no register of log sources lists it, and sources.files and sources.logs have nothing of that name"
        console.say(f"warning: {console.safe(stored['source'])}: {told}; name its key with --source")


def _speaking(stored: Mapping[str, Any]) -> Iterator[str]:
    source = console.safe(stored["source"])
    if stored["from"] is None:
        yield f"it speaks for nothing: no record of {source} has a time"
        return
    seen = ", ".join(f"{kind} {count}" for kind, count in stored["events"].items()) or "no kind of event"
    yield f"it speaks for {source} from {stored['from']} to {stored['to']}: {seen}"
    if stored["undated"]:
        yield f"{stored['undated']} records without a time speak for no period"
    if stored["unread"]:
        yield f"the query was told of no column for {', '.join(stored['unread'])}: that they are missing says nothing"
    yield f"it does not measure {', '.join(stored['not_measured'])}"
    yield "its basis is declared: it is shown beside what was observed, and turns nothing met"


def _refuse(engine: str, name: str, source: str, query_id: str) -> None:
    if engine not in ENGINES:
        raise ConfigError(f"unknown engine {engine!r}", hint=f"use one of: {', '.join(ENGINES)}")
    if not _NAME.match(name) or name in _TAKEN:
        raise ConfigError(f"{name!r} is no name for a stream", hint="give --name, in letters, digits, dots and dashes")
    if not _SOURCE.match(source):
        raise ConfigError(f"{source!r} is no key of a log source", hint="one line, as the inventory has it")
    if not query_id.strip():
        raise ConfigError("--query-id needs an id", hint="by which the engine knows the run")


def _planned(query: bytes, engine: str, settings: Settings) -> tuple[Planned, str]:
    """What the query reads; where it is not the planned one, why."""
    reason = ""
    # It was planned where the user stood, or beside the configuration: packs of events lie in either place.
    for folder in dict.fromkeys((Path.cwd(), settings.file.parent)):
        try:
            return planned(query.decode("utf-8-sig"), engine, packs(folder)), ""
        except ValueError as problem:
            reason = reason or (f"{problem}" if not isinstance(problem, UnicodeError) else "it is no text in UTF-8")
    return Planned("", ()), reason


def _put(
    vault: Writer, stream: str, query: tuple[bytes, str], result: tuple[bytes, int], request: Mapping[str, Json]
) -> EvidenceItem:
    text, file = query
    about = {name: request[name] for name in ("engine", "query_id", "ran_at", "query_sha256")}
    vault.put(text, source="logs", stream=f"{stream}:query", request={"method": "import", "path": file, **about})
    body, count = result
    return vault.put(body, source="logs", stream=stream, request=request, count=count)


def _earlier(settings: Settings, stream: str, request: Mapping[str, Json]) -> EvidenceItem | None:
    """The newest import of the same run when it says the same; ConfigError when it had another result."""
    if not settings.path(settings.config.vault).is_dir():
        return None
    vault = session.vault(settings)
    finished = {line.data["run"] for line in vault.lines() if line.type == "finish"}
    mine = [one for one in vault.items(stream=stream) if one.run in finished]
    mine = [one for one in mine if all(one.request.get(name) == request[name] for name in ("engine", "query_id"))]
    if mine and any(one.request.get("digest") != request["digest"] for one in mine):
        raise ConfigError(
            f"the run {request['query_id']!r} of {request['engine']} was imported before with another result",
            hint="a run has one result: give the id of the run that gave this one; nothing was stored",
        )
    same = bool(mine) and all(mine[-1].request.get(name) == request[name] for name in _SAME)
    return mine[-1] if same else None


def _answer(stream: str, item: EvidenceItem, rows: Sequence[aggregate.Row]) -> dict[str, Any]:
    totals, request = aggregate.totals(rows), item.request
    dated = [row for row in rows if row["hour"] is not None]
    times = [at for row in dated for at in (row["first_at"], row["last_at"]) if at is not None]
    holds, seen = bool(request["planned"]), aggregate.totals(dated)
    return {
        "schema": "soc2ev.logimport/1",
        "stream": stream,
        "result": item.digest,
        "query": request["query_sha256"],
        "digest": request["digest"],
        "hours": len(rows),
        "totals": totals,
        "source": request["log_source"],
        "basis": "declared",
        "planned": holds,
        "reason": request["reason"],
        "from": iso(min(times)) if holds and times else None,
        "to": iso(max(times)) if holds and times else None,
        "events": {kind: seen[name] for kind in KINDS if holds and seen[name := kind.replace(".", "_")]},
        "undated": totals["records"] - sum(row["records"] or 0 for row in dated),
        "unread": [name for name in FIELDS if holds and name not in request["fields"]],
        "not_measured": list(NOT_MEASURED),
    }


def _is_known(settings: Settings, source: str) -> bool:
    """Whether something names that log source: a register, or an entry of the configuration."""
    entries = settings.config.sources
    named = {entry.source for entry in entries.files}
    named |= {f"{entry.connector}:{entry.named}" for entry in entries.logs}
    return source.lower() in {one.lower() for one in (*named, *_inventory(settings))}


def _inventory(settings: Settings) -> Iterator[str]:
    """The keys of log sources in registers; what is wrong with a register `registers lint` tells."""
    from soc2ev.sources.registers.reading import read
    from soc2ev.sources.registers.schemas.logs import LogSources

    folder = settings.path(settings.config.registers) if settings.config.registers else None
    for file in sorted(folder.rglob("*.y*ml")) if folder else []:
        if file.is_file() and not file.is_symlink():
            for record in read(_read(file), file.name).records:
                if isinstance(record, LogSources):
                    yield from (one.key for one in record.sources)


def _read(file: Path) -> bytes:
    try:
        body = file.read_bytes()
    except OSError as problem:
        raise ConfigError(f"{file}: {problem.strerror}") from None
    if not body.strip():
        raise ConfigError(f"{file}: is empty", hint="give the query and its result as they are")
    return body


def _sha256(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"
