"""`soc2ev logs import`: an aggregation that ran elsewhere, into the vault."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

from soc2ev.cli import session
from soc2ev.errors import ConfigError
from soc2ev.logs import aggregate
from soc2ev.logs.dialects import ENGINES
from soc2ev.logs.instants import instant, iso

_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,80}$")


def store(result: Path, query_text: Path, *, query_id: str, at: str, engine: str, name: str) -> dict[str, Any]:
    """Store query and result; what was stored. ConfigError when the result is not that of a planned query."""
    if engine not in ENGINES:
        raise ConfigError(f"unknown engine {engine!r}", hint=f"use one of: {', '.join(ENGINES)}")
    if not _NAME.match(name) or name == "sources":
        raise ConfigError(f"{name!r} is no name for a stream", hint="give --name, in letters, digits, dots and dashes")
    when = instant(at, session.now().timestamp())
    if when is None or not when.zoned or not query_id.strip():
        raise ConfigError("--at needs a time with its zone, --query-id an id", hint="as 2026-11-02T09:00:00Z")
    body, query = _read(result), _read(query_text)
    rows = aggregate.rows(body)
    stream = f"logs:import:{name}"
    about = {"engine": engine, "query_id": query_id, "ran_at": iso(when.at), "query_sha256": _sha256(query)}
    with session.writer(session.settings()) as vault:
        first = vault.put(
            query,
            source="logs",
            stream=f"{stream}:query",
            request={"method": "import", "path": query_text.name, **about},
        )
        item = vault.put(
            body,
            source="logs",
            stream=stream,
            request={"method": "import", "path": result.name, "digest": aggregate.digest(rows), **about},
            count=len(rows),
        )
    return {
        "schema": "soc2ev.logimport/1",
        "stream": stream,
        "result": item.digest,
        "query": first.digest,
        "digest": aggregate.digest(rows),
        "hours": len(rows),
        "totals": aggregate.totals(rows),
    }


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
