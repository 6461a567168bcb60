"""The tables of checked log files, and how the stored result of a check becomes their rows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from soc2ev.logs.events import KINDS
from soc2ev.logs.measures.logins import ASKED
from soc2ev.model import Column, EvidenceItem, Json, Stream, Table

SCHEMA = "soc2ev.files/1"
_SOURCE = Column("source", "TEXT", "name of the source in the configuration", required=True)
_FILE = Column("file", "TEXT", "the file, below the folder that all files of the source lie in", required=True)

CONTENTS = Table(
    "log_contents",
    "One row for each log file that was checked: what it holds. NULL is not known.",
    (
        _SOURCE,
        _FILE,
        Column("sha256", "TEXT", "SHA-256 of the file as it lay there"),
        Column("size", "BIGINT", "its bytes"),
        Column("whole", "BOOLEAN", "whether it was read to its end", required=True),
        Column("lines", "BIGINT", "lines, or records of a CloudTrail file", required=True),
        Column("unparsed", "BIGINT", "lines that no known format fits", required=True),
        Column("formats", "TEXT[]", "formats that its records have"),
        Column("first_at", "TIMESTAMP", "oldest event"),
        Column("last_at", "TIMESTAMP", "newest event"),
        Column("correlation_field", "TEXT", "the id that most records have; NULL when none joins them"),
        Column("correlation_share", "DOUBLE", "share of the records that have it"),
        Column("who_share", "DOUBLE", "share of the records that say who acted; NULL without records"),
        Column("what_share", "DOUBLE", "share that say what was done, or to which path"),
        Column("when_share", "DOUBLE", "share that say when"),
        Column("where_share", "DOUBLE", "share that say from which address"),
        Column("auth_records", "BIGINT", "records of an authentication, successful or not; NULL when nobody counted"),
        Column("auth_when", "BIGINT", "of these, those that say when"),
        Column("auth_who", "BIGINT", "those that say who"),
        Column("auth_where", "BIGINT", "those that say from which address"),
        Column("auth_outcome", "BIGINT", "those that say how it ended"),
        Column(
            "auth_how", "BIGINT", "those that say by which method: password, second factor, key, token, provider ..."
        ),
        Column("skew_p50", "DOUBLE", "seconds from event to arrival, median; NULL when no record tells both"),
        Column("skew_p99", "DOUBLE", "the same, 99th percentile"),
        Column("future", "BIGINT", "events over 60 seconds ahead of arrival or of the clock", required=True),
        Column("masked", "BIGINT", "values under sensitive names that are masked", required=True),
    ),
    ("source", "file"),
)
EVENTS = Table(
    "log_content_events",
    "How often each canonical event was seen in a source's files; 0 is not observed, which is not the same as not "
    "logged.",
    (
        _SOURCE,
        Column("event", "TEXT", "canonical name, such as auth.failure", required=True),
        Column("count", "BIGINT", "how often", required=True),
        Column("first_at", "TIMESTAMP", "when first"),
        Column("last_at", "TIMESTAMP", "when last"),
    ),
    ("source", "event"),
)
LEAKS = Table(
    "log_leaks",
    "Secrets and personal data in log files, by kind and place, never by value; the first 100,000 of a source.",
    (
        _SOURCE,
        Column("position", "BIGINT", "number in the check's list, from 1", required=True),
        _FILE,
        Column("line", "BIGINT", "physical line", required=True),
        Column("kind", "TEXT", "kind of secret or personal data", required=True),
        Column("field", "TEXT", "path or key; empty in running text"),
        Column("fingerprint", "TEXT", "keyed: the same value has the same one", required=True),
    ),
    ("source", "position"),
)
GAPS = Table(
    "log_gaps",
    "Stretches without events that the usual volume of those hours makes improbable.",
    (
        _SOURCE,
        Column("position", "BIGINT", "number in order of time, from 1", required=True),
        Column("from_at", "TIMESTAMP", "last event before", required=True),
        Column("to_at", "TIMESTAMP", "first event after", required=True),
    ),
    ("source", "position"),
)
SPIKES = Table(
    "log_error_spikes",
    "Times in which far more than usual failed.",
    (
        _SOURCE,
        Column("position", "BIGINT", "number in order of time, from 1", required=True),
        Column("from_at", "TIMESTAMP", "beginning", required=True),
        Column("to_at", "TIMESTAMP", "end", required=True),
        Column("share", "DOUBLE", "share of failures", required=True),
    ),
    ("source", "position"),
)
Row = tuple[str, Mapping[str, Json]]


def rows(_: EvidenceItem, body: bytes) -> Iterator[Row]:
    """The rows of a stored check; ValueError or KeyError when the body is none."""
    record = json.loads(body)
    if record["schema"] != SCHEMA:
        raise ValueError(f"no {SCHEMA}")
    source = record["source"]
    for one in record["files"]:
        yield CONTENTS.name, {"source": source, **_content(one)}
    for kind in KINDS:
        seen = record["seen"].get(kind, {"count": 0, "first": None, "last": None})
        times = {"first_at": seen["first"], "last_at": seen["last"]}
        yield EVENTS.name, {"source": source, "event": kind, "count": seen["count"], **times}
    for at, one in enumerate(record["leaks"], 1):
        yield LEAKS.name, {"source": source, "position": at, **one}
    for at, one in enumerate(record["gaps"], 1):
        yield GAPS.name, {"source": source, "position": at, "from_at": one["from"], "to_at": one["to"]}
    for at, one in enumerate(record["error_spikes"], 1):
        spike = {"from_at": one["from"], "to_at": one["to"], "share": one["share"]}
        yield SPIKES.name, {"source": source, "position": at, **spike}


def _content(one: Mapping[str, Json]) -> dict[str, Json]:
    kept = ("file", "sha256", "size", "whole", "lines", "unparsed", "formats", "masked")
    return {
        **{name: one[name] for name in kept},
        "first_at": one["first"],
        "last_at": one["last"],
        "correlation_field": one["correlation"]["field"],
        "correlation_share": one["correlation"]["share"],
        # A record from before there were shares has none.
        **{f"{name}_share": one.get("shares", {}).get(name) for name in ("who", "what", "when", "where")},
        **_authentication(one.get("authentication")),
        "skew_p50": one["skew"]["p50_s"],
        "skew_p99": one["skew"]["p99_s"],
        "future": one["skew"]["future"],
    }


def _authentication(told: Mapping[str, Json] | None) -> dict[str, Json]:
    """What records of authentication say; nothing for a check from before that was counted."""
    if told is None:
        return {}
    return {f"auth_{name}": told.get(name, 0) for name in ("records", *ASKED)}


# What leaked in one month's sample leaked, whatever the next month's sample holds: months follow one another.
STREAM = Stream("content", (CONTENTS, EVENTS, LEAKS, GAPS, SPIKES), rows, per_run=True)
