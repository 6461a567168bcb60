"""
The record of one collection of a log source: the manifest and the answers, word for word, in one stored body.

Answers lie in the vault one by one, and facts are joined from several of them. So the last body of a run holds the text
of each answer under its digest, with the manifest that was used: rows are a function of that body alone, and what it
holds is bound by digest to the answers that were stored before it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from soc2ev.errors import ConfigError, TamperedError
from soc2ev.model import Json
from soc2ev.sources.logs import manifest as manifests
from soc2ev.sources.logs.answers import Answers, Outcome, State
from soc2ev.sources.logs.paging import merged

SCHEMA = "soc2ev.log-record/1"
_ODD = (AttributeError, KeyError, TypeError, ValueError, RecursionError, ConfigError)


@dataclass(frozen=True, slots=True)
class Record:
    """What a record says."""

    connector: str
    entry: str
    observed_at: str
    manifest: manifests.Manifest
    answers: Answers
    taken: frozenset[str]
    """Native names that another entry of the same connector has used for a key in this run."""
    told: frozenset[str] = frozenset()
    """What sources of those entries call `same`: they are told already."""


@dataclass(slots=True)
class Used:
    """What the entries of one connector have used in this run: names of keys, and what their sources call `same`."""

    names: set[str] = field(default_factory=set)
    same: set[str] = field(default_factory=set)


def written(
    read: manifests.Read,
    entry: str,
    answers: Answers,
    texts: Mapping[str, str],
    others: Used,
    peers: Mapping[str, Sequence[Mapping[str, Json]]],
) -> dict[str, Json]:
    """
    The record as JSON. `texts` are the stored bodies by digest; `peers` by connector the records of others, of which
    outcomes, bodies and the address are taken over.
    """
    own = [one.as_json() for found in answers.outcomes.values() for one in found]
    return {
        "schema": SCHEMA,
        "connector": read.manifest.id,
        "entry": entry,
        "observed_at": answers.now,
        "settings": dict(answers.settings),
        "manifest": {"name": read.name, "shipped": read.shipped, "text": read.text.decode("utf-8-sig")},
        "period": dict(answers.period),
        "taken": sorted(others.names),
        "told": sorted(others.same),
        "asked": sorted(answers.outcomes),
        "outcomes": own,
        "bodies": dict(sorted(texts.items())),
        "peers": {name: [dict(one) for one in found] for name, found in sorted(peers.items())},
    }


def as_peer(written_record: Mapping[str, Json]) -> dict[str, Json]:
    """The part of a record that another connector's record takes over."""
    wanted = ("entry", "settings", "manifest", "asked", "outcomes", "bodies")
    return {name: written_record[name] for name in wanted}


def canonical(value: Json) -> bytes:
    """The one text of a value: sorted names, no spaces, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def read(body: bytes) -> Record:
    """The record in a stored body; TamperedError when it is none, or holds an answer under another's digest."""
    try:
        data = json.loads(body)
        if data["schema"] != SCHEMA:
            raise ValueError(f"its schema is {data['schema']!r}")
        peers = {name: [_seen(one) for one in found] for name, found in data["peers"].items()}
        manifest, answers = _answers(data, peers, data["observed_at"])
        if manifest.id != data["connector"]:
            raise ValueError("it was not made with the manifest that it holds")
        taken = frozenset(map(str, data["taken"]))
        told = frozenset(map(str, data.get("told", ())))
        return Record(data["connector"], data["entry"], data["observed_at"], manifest, answers, taken, told)
    except _ODD as problem:
        raise TamperedError(f"a record of log sources is not understood: {problem!r}"[:300]) from None


def _answers(data: Json, peers: Mapping[str, Json], now: str) -> tuple[manifests.Manifest, Answers]:
    manifest = manifests.parse(data["manifest"]["text"].encode(), data["manifest"]["name"])
    period = data.get("period") or {}
    # A record about a period answers the questions of the history; one from before there were any has none.
    manifest = (manifest.of_history() or manifest) if period else manifest
    requests = {request.id: request for request in manifest.requests}
    answers = Answers(requests, data["settings"], peers, now, period=period)
    values = {digest: _value(digest, text) for digest, text in data["bodies"].items()}
    for name in data["asked"]:
        answers.add(name, [])
    for one in data["outcomes"]:
        pages = [values[digest] for digest in one["bodies"]]
        state = State(one["state"])
        value = merged(pages, requests[one["request"]].paginate) if state in (State.OK, State.CUT) else None
        outcome = Outcome(
            one["request"],
            state,
            about=one["for"],
            value=value,
            reason=one["reason"],
            denied=one["denied"],
            bodies=tuple(one["bodies"]),
        )
        answers.outcomes[outcome.request].append(outcome)
    return manifest, answers


def _seen(peer: Json) -> dict[str, Json]:
    """A peer as expressions see it: its address and name, and its answers by request; null for what is not known."""
    _, answers = _answers(peer, {}, "")
    surroundings = answers.surroundings({}, {})
    named = {name: surroundings[name] for name in answers.requests}
    return {"url": peer["settings"].get("url"), "name": peer["entry"], **named}


def _value(digest: str, text: str) -> Json:
    if f"sha256:{hashlib.sha256(text.encode()).hexdigest()}" != digest:
        raise ValueError(f"the answer {digest} is not what was stored")
    return json.loads(text)
