"""
What earlier collections of the same period saw of facts that GitHub tells only as they are now.

Whether a reviewer may write is told as of the moment of asking, so that the first reading is the nearest to the review;
whose account is gone is told without a name. Checks go with the workflow run that somebody deletes. The ledger of
bypassed rules reaches back a month, and tickets are deleted. What was read of all these stays true.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from soc2ev.model import Json
from soc2ev.tables import bodies
from soc2ev.tables.gone_accounts import GoneAccounts
from soc2ev.tables.hosted import environments
from soc2ev.tables.late_changes.statements import literal

if TYPE_CHECKING:
    from soc2ev.model import Coverage, EvidenceItem, Stream, Table
    from soc2ev.tables.engine import Engine
    from soc2ev.tables.plan import Pair
    from soc2ev.vault import Vault

Key = tuple[str, str]
"""Run and stream."""
Row = Mapping[str, Json]
_REVIEWS, _CHECKS, _SUITES = "github_reviews", "github_checks", "github_rule_suites"
_STREAMS = {":pull-requests": (_REVIEWS, _CHECKS), ":checks": (_CHECKS,)}
_LEDGER = ":rule-suites"
_SAME = {_CHECKS: ("repository", "sha", "id"), _SUITES: ("repository", "id")}
"""What names the same thing in two collections."""
_TICKETS = {
    ":tickets": ("jira_tickets", "jira_lookups"),
    ":histories": ("jira_events", "jira_histories"),
    ":approvals": ("jira_approvals", "jira_approval_lookups"),
}
_OF_JIRA = tuple(_TICKETS)
_ENVIRONMENTS = ":settings:environments"
_REACH, _ASKED = "reaches_back_to", "asked"


def recall(
    engine: Engine, vault: Vault, pairs: Sequence[Pair], claims: Iterable[Coverage], settled: Sequence[Coverage]
) -> tuple[set[Key], list[Coverage]]:
    """
    Put into the tables what earlier complete collections saw; the runs and streams that were read, and the coverages.

    Of a review that several collections saw the first reading of what its author may do counts, and the last name of an
    account that is gone since. Checks and tickets that are gone are there again. Bypasses are joined, and the ledger
    then reaches back as far as the earlier one did, of the refs that this one asked about, where nothing of the period
    lies between the two. TamperedError for a body that was altered; one that is not understood is passed over.

    `claims` are the coverages of all runs. Those of environments get in their details how these were when they were
    read earlier in the period or after it.
    """
    first, gone = _Reviews(engine), GoneAccounts(engine, (pair.chosen.stream for pair in pairs))
    wanted = [(pair, tables) for pair in pairs if (tables := {*_told_by(pair), *gone.tables(pair.chosen.stream)})]
    stored = _stored(vault, [pair for pair, _ in wanted])
    read: set[Key] = set()
    checks = _Lost(engine, _CHECKS)
    for pair, tables in wanted:
        if _REVIEWS in tables:
            first.begin(stored[_key(pair.before)])
        for told in _rows(vault, stored, pair, tables):
            named = gone.add(told)
            first.add(told[_REVIEWS])
            checks.add(pair.chosen.run, told[_CHECKS])
            if named or tables.intersection(_told_by(pair)):
                read.add(_key(pair.before))
    first.settle()
    gone.settle()
    ledgers, joined = _recall_ledgers(engine, vault, pairs)
    read |= joined | _recall_tickets(engine, vault, pairs)
    places = _recall_places(vault, claims, settled)
    read |= {key for several in places.values() for key, _ in several}
    return read, [_with_places(_reaching(one, ledgers), places) for one in settled]


def _recall_ledgers(engine: Engine, vault: Vault, pairs: Sequence[Pair]) -> tuple[dict[Key, dict[str, Json]], set[Key]]:
    """Put in bypasses that earlier ledgers told; what each ledger tells with them, and the runs and streams read."""
    told = [pair for pair in pairs if pair.chosen.stream.endswith(_LEDGER)]
    stored, suites = _stored(vault, told), _Lost(engine, _SUITES)
    ledgers: dict[Key, dict[str, Json]] = {}
    read: set[Key] = set()
    # The newest first: each reaches as far as the one before it.
    for pair in reversed(told):
        joined = _joined(pair, ledgers.get(_key(pair.chosen), {}))
        if joined is not None:
            ledgers[_key(pair.chosen)] = joined
            read.add(_key(pair.before))
            for rows in _rows(vault, stored, pair, (_SUITES,)):
                suites.add(pair.chosen.run, rows[_SUITES])
    return ledgers, read


def _told_by(pair: Pair) -> tuple[str, ...]:
    return next((tables for ending, tables in _STREAMS.items() if pair.chosen.stream.endswith(ending)), ())


def _recall_places(
    vault: Vault, claims: Iterable[Coverage], settled: Iterable[Coverage]
) -> dict[Key, list[tuple[Key, Json]]]:
    """By the coverage that answers how environments were in earlier whole readings, in the order of time."""
    answering = {one.stream: one for one in settled if one.run and one.stream.endswith(_ENVIRONMENTS)}
    earlier = [
        one for one in claims if one.complete and one.stream in answering and _is_earlier(one, answering[one.stream])
    ]
    rows: dict[Key, list[Row] | None] = {_key(one): [] for one in earlier}
    for item in vault.items() if earlier else ():
        stream, key = bodies.stream_named(item.stream), (item.run, item.stream)
        if stream is not None and rows.get(key) is not None:
            rows[key] = _and_more(rows[key], stream, item, vault.read(item.digest))
    found: dict[Key, list[tuple[Key, Json]]] = defaultdict(list)
    for one in sorted(earlier, key=lambda one: (one.collected_at, one.run)):
        told = rows[_key(one)]
        with suppress(*bodies.UNREADABLE):
            if told is not None and one.collected_at is not None:
                detail = environments.detail(one.collected_at, told)
                found[_key(answering[one.stream])].append((_key(one), detail))
    return found


def _and_more(before: list[Row] | None, stream: Stream, item: EvidenceItem, body: bytes) -> list[Row] | None:
    """The rows with those of another body; None when that is no answer, so that the reading is not whole."""
    try:
        return [*(before or ()), *(row for _, row in stream.rows(item, body))]
    except bodies.UNREADABLE:
        return None


def _is_earlier(one: Coverage, chosen: Coverage) -> bool:
    if one.collected_at is None or chosen.collected_at is None:
        return False
    return chosen.period.start <= one.collected_at < chosen.collected_at


def _with_places(entry: Coverage, places: Mapping[Key, Sequence[tuple[Key, Json]]]) -> Coverage:
    told = [detail for _, detail in places.get(_key(entry), ())]
    return replace(entry, details={**entry.details, environments.BEFORE: told}) if told else entry


def _recall_tickets(engine: Engine, vault: Vault, pairs: Sequence[Pair]) -> set[Key]:
    """
    Put in tickets that are gone, as the last collection that read them did; the runs and streams that tell them.

    A ticket that is deleted or hidden afterwards had been approved all the same.
    """
    sql = "select site, asked from jira_lookups where ticket is null"
    lost = {(row["site"], row["asked"]) for row in engine.stream(sql)}
    asked = [pair for pair in reversed(pairs) if pair.chosen.stream.endswith(_OF_JIRA)] if lost else []
    stored = _stored(vault, asked)
    tickets: dict[tuple[Json, Json], str] = {}
    """By site and ticket the run that tells it."""
    read: set[Key] = set()
    for ending, tables in _TICKETS.items():
        for pair in (one for one in asked if one.chosen.stream.endswith(ending)):
            run = pair.before.run
            for told in _rows(vault, stored, pair, tables):
                for row in (*told["jira_tickets"], *told["jira_lookups"]):
                    if row["ticket"] is not None and (row["site"], row.get("asked", row.get("key"))) in lost:
                        tickets.setdefault((row["site"], row["ticket"]), run)
                for name, rows in told.items():
                    mine = [row for row in rows if tickets.get((row["site"], row["ticket"])) == run]
                    engine.insert(_table(name), [{**row, "run": run} for row in mine])
                    read |= {_key(pair.before)} if mine else set()
    return read


def _stored(vault: Vault, pairs: Iterable[Pair]) -> dict[Key, list[EvidenceItem]]:
    found: dict[Key, list[EvidenceItem]] = {key: [] for one in pairs for key in (_key(one.before), _key(one.chosen))}
    for item in vault.items():
        if (item.run, item.stream) in found:
            found[(item.run, item.stream)].append(item)
    return found


def _rows(
    vault: Vault, stored: Mapping[Key, Sequence[EvidenceItem]], pair: Pair, tables: Collection[str]
) -> Iterator[dict[str, list[Row]]]:
    """Of each body of the earlier collection that the chosen one did not get as well the rows by table, if any."""
    stream = bodies.stream_named(pair.before.stream)
    same = {item.digest for item in stored[_key(pair.chosen)]}
    for item in stored[_key(pair.before)]:
        if stream is None or item.digest in same:
            continue
        found: dict[str, list[Row]] = defaultdict(list)
        body = vault.read(item.digest)
        with suppress(*bodies.UNREADABLE):
            for name, row in stream.rows(item, body):
                if name in tables:
                    found[name].append({**row, "evidence": item.digest})
            if found:
                yield found


class _Reviews:
    """What was first read of each review."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._first: dict[tuple[Json, ...], Row] = {}

    def begin(self, items: Iterable[EvidenceItem]) -> None:
        """Begin an earlier collection that stored these; they come in the order of time."""
        same = {item.digest for item in items}
        # What both got tells of the first reading what the tables have already.
        for row in self._engine.stream(f'select repository, number, id, evidence from "{_REVIEWS}"'):  # noqa: S608
            if row["evidence"] in same:
                self._first.setdefault(_name(row), {})

    def add(self, told: Iterable[Row]) -> None:
        """Reviews of the collection that was begun."""
        for row in told:
            if row["can_push"] is not None:
                self._first.setdefault(_name(row), {"can_push": row["can_push"]})

    def settle(self) -> None:
        """Change the rows that now tell otherwise."""
        now = self._engine.stream(f'select repository, number, id, can_push from "{_REVIEWS}"')  # noqa: S608
        for row in list(now):
            first = (self._first.get(_name(row)) or {}).get("can_push")
            if first not in (None, row["can_push"]):
                named_by = " and ".join(f'"{name}" = {_value(row[name])}' for name in _KEY)
                self._engine.derive(f'update "{_REVIEWS}" set can_push = {_value(first)} where {named_by}')  # noqa: S608


_KEY = ("repository", "number", "id")


def _name(row: Row) -> tuple[Json, ...]:
    return tuple(row[name] for name in _KEY)


def _joined(pair: Pair, told: Mapping[str, Json]) -> dict[str, Json] | None:
    """
    How far back the two ledgers reach together and what they were asked about, where the earlier one tells more.

    It has to end no sooner than the later one begins, and to have been asked about the same refs. One that was read
    after the period also tells of refs that nobody asks about any more, since no ruleset binds them now. `told` is what
    the later one has of others.
    """
    before, now, read_at = pair.before.details, {**pair.chosen.details, **told}, pair.before.collected_at
    asked: list[str] = before.get(_ASKED) or []
    asked_now: list[str] = now.get(_ASKED) or []
    if read_at is None or (_ASKED in before and not set(asked_now) <= set(asked)):
        return None
    begins = now.get(_REACH)
    if _ASKED in now and len(asked_now) < len(asked) and read_at >= pair.chosen.period.end:
        return {_REACH: before.get(_REACH), _ASKED: asked}
    if begins is None or read_at < datetime.fromisoformat(begins):
        return None
    return {_REACH: before.get(_REACH)}


class _Lost:
    """Rows of a table that the chosen collections have not; of several readings the first is put in."""

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine, self._name = engine, name
        self._held: set[tuple[Json, ...]] | None = None

    def add(self, run: str, told: Iterable[Row]) -> None:
        """What an earlier collection tells, for the run that answers."""
        fresh: list[Row] = []
        for row in told:
            if self._held is None:
                listed = ", ".join(f'"{column}"' for column in _SAME[self._name])
                sql = f'select {listed} from "{self._name}"'  # noqa: S608  our own names
                self._held = {tuple(one.values()) for one in self._engine.stream(sql)}
            key = tuple(row[column] for column in _SAME[self._name])
            if key not in self._held:
                self._held.add(key)
                fresh.append({**row, "run": run})
        self._engine.insert(_table(self._name), fresh)


def _table(name: str) -> Table:
    return next(one for one in bodies.base_tables() if one.name == name)


def _value(value: Json) -> str:
    if value is None or isinstance(value, bool | int):
        return "null" if value is None else str(value).lower()
    return literal(str(value))


def _reaching(entry: Coverage, ledgers: Mapping[Key, Mapping[str, Json]]) -> Coverage:
    told = ledgers.get(_key(entry))
    return replace(entry, details={**entry.details, **told}) if told else entry


def _key(entry: Coverage) -> Key:
    return entry.run, entry.stream
