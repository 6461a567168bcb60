"""
Which role an account had in a repository when it deployed or released.

GitHub tells roles as they are when it is asked. The first reading after an event is the nearest to what was, and one
shortly before it can contradict it; a later one says what somebody may do now.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from soc2ev.model import Coverage, EvidenceItem, Json
from soc2ev.sources.github.streams import rows
from soc2ev.tables import bodies
from soc2ev.tables.facts.fact import moment, shown
from soc2ev.tables.governance.declared import ROLES_THEN
from soc2ev.tables.readings import near

if TYPE_CHECKING:
    from soc2ev.period import Period
    from soc2ev.tables.engine import Engine
    from soc2ev.vault import Vault

Row = Mapping[str, Json]
Key = tuple[str, str]
"""Run and stream."""
_STREAM = ":settings:permissions"
_NEAR = timedelta(days=35)
"""A monthly collection, and some days of delay: an older reading contradicts nothing."""
_WRITES = {**dict.fromkeys(("write", "maintain", "admin"), True), **dict.fromkeys(("read", "triage"), False)}
"""What GitHub's own roles may do; of a role that a company made for itself only `may_write` tells."""
_EVENTS = """
    select repository, creator_id as account_id, created_at as at, any_value(creator) as login from deployments
    where creator_id is not null and creator_type is distinct from 'Bot' and created_at is not null group by all
    union
    select repository, author_id, published_at, any_value(author) from github_releases
    where author_id is not null and author_type is distinct from 'Bot' and published_at is not null group by all
    order by all
"""


@dataclass(frozen=True, slots=True)
class _Reading:
    """The roles by account that one collection read."""

    at: datetime
    roles: Mapping[int, str]
    writes: Mapping[int, bool | None]
    digests: Mapping[int, str]
    """By account the body that names it."""
    all: tuple[str, ...]
    whole: bool

    def tells(self, account: int) -> bool:
        """Whether it shows the account, or that it has no access."""
        return self.whole or account in self.roles


def derive(engine: Engine, vault: Vault, claims: Iterable[Coverage], period: Period) -> set[Key]:
    """
    Fill the table; the runs and streams of the readings behind it.

    `claims` are those of all runs. TamperedError for a body that was altered.
    """
    events = list({(row["repository"], row["account_id"], row["at"]): row for row in engine.stream(_EVENTS)}.values())
    homes = {row["repository"] for row in events}
    found, used = _readings(vault, [one for one in claims if _home(one) in homes and one.run], period)
    engine.insert(ROLES_THEN, (_row(row, found.get(row["repository"], ())) for row in events))
    return used


def _home(claim: Coverage) -> str | None:
    if not claim.stream.endswith(_STREAM):
        return None
    return claim.stream.removeprefix("github:").removesuffix(_STREAM)


def _readings(vault: Vault, claims: Sequence[Coverage], period: Period) -> tuple[dict[str, list[_Reading]], set[Key]]:
    """By repository the readings that have to do with the period, in the order of time."""
    by_home: dict[str, list[Coverage]] = defaultdict(list)
    for one in claims:
        if one.collected_at is not None:
            by_home[str(_home(one))].append(one)
    chosen = {
        home: near(sorted(mine, key=_order), _at, lambda one: one.complete, period)
        for home, mine in sorted(by_home.items())
    }
    stored: dict[Key, list[EvidenceItem]] = {(one.run, one.stream): [] for mine in chosen.values() for one in mine}
    for item in vault.items() if stored else ():
        if (item.run, item.stream) in stored:
            stored[(item.run, item.stream)].append(item)
    found = {
        home: [_reading(one, stored[(one.run, one.stream)], vault) for one in mine] for home, mine in chosen.items()
    }
    return found, {key for key, items in stored.items() if items}


def _at(claim: Coverage) -> datetime:
    return claim.collected_at or claim.period.end


def _order(claim: Coverage) -> tuple[datetime, str]:
    return _at(claim), claim.run


def _reading(claim: Coverage, items: Sequence[EvidenceItem], vault: Vault) -> _Reading:
    roles: dict[int, str] = {}
    writes: dict[int, bool | None] = {}
    digests: dict[int, str] = {}
    whole = claim.complete
    for item in items:
        body = vault.read(item.digest)
        try:
            for _, row in rows(item, body):
                account, role = row["account_id"], row["role"]
                roles[account], digests[account] = role, item.digest
                writes[account] = _WRITES.get(role, row["may_write"])
        except bodies.UNREADABLE:
            whole = False
    return _Reading(_at(claim), roles, writes, digests, tuple(item.digest for item in items), whole)


def _row(event: Row, readings: Sequence[_Reading]) -> dict[str, Json]:
    account, at = event["account_id"], event["at"]
    telling = [one for one in readings if one.tells(account)]
    before = next((one for one in reversed(telling) if at - _NEAR <= one.at < at), None)
    after = next((one for one in telling if one.at >= at), None)
    told = [one for one in (before, after) if one is not None]
    may, reason = _judged(shown(event["login"] or "the account"), account, told)
    return {
        **{name: event[name] for name in ("repository", "account_id", "at")},
        "role": told[-1].roles.get(account) if told else None,
        "may_write": may,
        "reason": reason,
        "evidence": sorted({digest for one in told for digest in _evidence(one, account)}),
    }


def _evidence(one: _Reading, account: int) -> Iterator[str]:
    yield from (one.digests[account],) if account in one.digests else one.all


def _judged(login: str, account: int, told: Sequence[_Reading]) -> tuple[bool | None, str]:
    """`told` are the readings around the event, the nearest on each side."""
    if not told:
        return None, f"Which role {login} had is not known: no reading of the permissions around that time shows it."
    roles = [one.roles.get(account) for one in told]
    answers = [one.writes.get(account) for one in told]
    said = " and ".join(
        f"{f'the role {shown(role)}' if role else 'no access'} when that was read {moment(one.at)}"
        for one, role in zip(told, roles, strict=True)
    )
    if len(set(answers)) > 1:
        return None, f"{login} had {said}; which of these held at the time is not known."
    if answers[-1] is not None:
        return answers[-1], f"{login} had {said}."
    doubt = "what that may do is not known by its name" if roles[-1] else "which it had at the time is not known"
    return None, f"{login} had {said}; {doubt}."
