"""
Names of accounts that are gone: what earlier collections of the same period called them.

Whoever deletes an account takes its name off everything that it did: GitHub tells that without one from then on.
https://docs.github.com/en/account-and-profile/concepts/account-management
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from soc2ev.model import Json
from soc2ev.tables import bodies
from soc2ev.tables.late_changes.statements import literal

if TYPE_CHECKING:
    from soc2ev.tables.engine import Engine

_Key = tuple[Json, ...]
_Row = Mapping[str, Json]
_AUTHORS = ("author", "committer")
_NAMED = {
    "github_pull_requests": ("author", "merger"),
    "github_pull_request_commits": _AUTHORS,
    "github_replaced_commits": _AUTHORS,
    "github_landed_commits": _AUTHORS,
    "github_commits": _AUTHORS,
    "github_commit_authors": ("account",),
    "github_pushes": ("pusher",),
    "github_reviews": ("reviewer",),
    "github_events": ("actor",),
    "github_ref_updates": ("actor",),
    "github_checks": ("pusher", "creator"),
    "github_deployments": ("creator",),
    "github_deployment_statuses": ("creator",),
    "github_gate_answers": ("approver",),
    "github_releases": ("author",),
}
"""By table the columns that name who did something; each has its number and its type beside it."""
_AT_ONCE = 500


class GoneAccounts:
    """The rows of the chosen collections that name nobody, and what was read of them before."""

    def __init__(self, engine: Engine, streams: Iterable[str]) -> None:
        """`streams` are those that were collected before. Nothing is changed before `settle`."""
        self._engine = engine
        kinds = filter(None, map(bodies.stream_named, streams))
        self._keys = {table.name: table.key for kind in kinds for table in kind.tables if table.name in _NAMED}
        self._nameless = {name: dict(self._without(name)) for name in self._keys}
        self._found: dict[tuple[str, str], dict[_Key, _Key]] = defaultdict(dict)

    def tables(self, stream: str) -> list[str]:
        """Tables of that stream of which some row names nobody."""
        kind = bodies.stream_named(stream)
        return [one.name for one in (kind.tables if kind else ()) if self._nameless.get(one.name)]

    def add(self, told: Mapping[str, Iterable[_Row]]) -> bool:
        """Rows of an earlier collection, by table; they come in the order of time. Whether they name anybody."""
        named = False
        for table in self._nameless.keys() & told.keys():
            for row in told[table]:
                key = tuple(row[name] for name in self._keys[table])
                for who in self._nameless[table].get(key, ()):
                    if row[who] is not None:
                        self._found[(table, who)][key] = tuple(row[name] for name in _columns(who))
                        named = True
        return named

    def settle(self) -> None:
        """Name in the tables whoever had a name; the last one counts."""
        for (table, who), rows in self._found.items():
            several = defaultdict(list)
            for key, account in rows.items():
                several[account].append(key)
            for account, keys in several.items():
                self._name(table, who, account, keys)

    def _name(self, table: str, who: str, account: _Key, keys: Sequence[_Key]) -> None:
        told = ", ".join(f'"{name}" = {_value(value)}' for name, value in zip(_columns(who), account, strict=True))
        listed = ", ".join(f'"{name}"' for name in self._keys[table])
        for start in range(0, len(keys), _AT_ONCE):
            those = ", ".join(f"({', '.join(map(_value, key))})" for key in keys[start : start + _AT_ONCE])
            self._engine.derive(f'update "{table}" set {told} where ({listed}) in ({those})')  # noqa: S608  our own names

    def _without(self, table: str) -> Iterator[tuple[_Key, list[str]]]:
        """The keys of its rows that name nobody, and by which columns."""
        listed = ", ".join(f'"{name}"' for name in (*self._keys[table], *_NAMED[table]))
        nobody = " or ".join(f'"{who}" is null' for who in _NAMED[table])
        for row in self._engine.stream(f'select {listed} from "{table}" where {nobody}'):  # noqa: S608  our own names
            yield tuple(row[name] for name in self._keys[table]), [who for who in _NAMED[table] if row[who] is None]


def _columns(who: str) -> tuple[str, str, str]:
    return who, f"{who}_id", f"{who}_type"


def _value(value: Json) -> str:
    """A literal of SQL."""
    if value is None or isinstance(value, bool | int):
        return "null" if value is None else str(value).lower()
    return literal(str(value))
