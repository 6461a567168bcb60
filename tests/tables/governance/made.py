"""Tables with a few rows, and bodies of rules as a vault would give them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from soc2ev.model import Coverage, EvidenceItem
from soc2ev.period import Period, parse
from soc2ev.tables import documented
from soc2ev.tables.engine import Engine

OCTOBER = parse("2026-10", "UTC")
Rows = Mapping[str, Sequence[Mapping[str, Any]]]
_BLANK: Mapping[str, Any] = {"TEXT": "-", "TEXT[]": ["sha256:1"], "BOOLEAN": False, "BIGINT": 0}
_READ = {
    name: {name, *read.split()}
    for name, read in {
        "bypasses": "changes contained_changes change_facts github_rule_suites github_overrides github_pull_requests github_commits git_commits"
        " jira_lookups jira_tickets",
        "emergencies": "changes contained_changes change_facts registers register_emergencies register_approvals",
        "finished_tickets": "changes jira_tickets jira_events jira_lookups jira_histories",
        "repository_access": "github_permissions accounts people registers register_approvals register_access_reviews"
        " register_access_decisions",
        "repository_settings": "github_repositories github_settings github_environments github_capabilities",
        "rule_days": "github_heads github_rules",
    }.items()
}
"""What each derived table is made from: to make all tables for each test would take its time."""


def at(day: int, hour: int = 12, month: int = 10) -> datetime:
    """An instant of 2026."""
    return datetime(2026, month, day, hour, tzinfo=UTC)


def coverage(stream: str, *, complete: bool = True, run: str = "r1", seen: datetime | None = None) -> Coverage:
    """A claim about October, made after it had closed."""
    reason = None if complete else "denied"
    return Coverage(stream, OCTOBER, None, 0, complete, reason, run=run, collected_at=seen or at(3, month=11))


def table(name: str, rows: Rows, fill: Callable[[Engine], object]) -> dict[str, dict[str, Any]]:
    """The rows of a derived table by item, after `fill` made it from these rows of others."""
    engine = Engine()
    try:
        for one in (one for one in documented() if one.name in _READ[name]):
            engine.create(one)
            must = {column.name: _BLANK.get(column.type) for column in one.columns if column.required}
            must |= {"evidence": must["evidence"]} if "evidence" in must else {}
            must |= {key: must.get(key, "-") for key in one.key}
            engine.insert(one, [must | dict(row) for row in rows.get(one.name, ())])
        fill(engine)
        return {row["item"]: dict(row) for row in engine.select(f'select * from "{name}" order by item')}
    finally:
        engine.close()


@dataclass
class Readings:
    """A vault that holds nothing but readings of rules."""

    claims: list[Coverage] = field(default_factory=list)
    _items: list[EvidenceItem] = field(default_factory=list)
    _bodies: dict[str, bytes] = field(default_factory=dict)
    read_so_far: set[str] = field(default_factory=set)

    def items(self) -> Iterator[EvidenceItem]:
        """All items, in the order of the journal."""
        return iter(self._items)

    def read(self, digest: str) -> bytes:
        """A body."""
        self.read_so_far.add(digest)
        return self._bodies[digest]

    def add(self, when: datetime, *bodies: Mapping[str, Any], whole: bool = True, period: Period = OCTOBER) -> str:
        """A collection that read these bodies; the name of its run. `_role` and `_count` are about the body."""
        run = f"r{len(self.claims) + 1}"
        stream = "github:acme/api:settings:rules"
        for given in bodies:
            told = {name: value for name, value in given.items() if not name.startswith("_")}
            request = {"method": "GET", "repository": "acme/api", "role": given["_role"], "n": len(self._items)}
            request |= {"ref": "main", "refs": ["main"], "bound": given.get("_bound", False)}
            request |= {"default": "main", "current": "acme/api", **given.get("_request", {})}
            body = json.dumps({**told, "n": len(self._items)}).encode() if "_raw" not in given else given["_raw"]
            digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
            self._bodies[digest] = body
            count = given.get("_count", 1)
            place = len(self._items)
            self._items.append(EvidenceItem(digest, "github", stream, request, {}, when, len(body), count, run, place))
        reason = None if whole else "denied"
        self.claims.append(Coverage(stream, period, None, 0, whole, reason, run=run, collected_at=when))
        return run


def ruleset(changed: str, approvals: int = 1, *, number: int = 5, **more: Any) -> dict[str, Any]:
    """GitHub's answer about a ruleset that asks for approvals, a check, and no force push."""
    rules = [
        {"type": "pull_request", "parameters": {"required_approving_review_count": approvals}},
        {"type": "required_status_checks", "parameters": {"required_status_checks": [{"context": "test"}]}},
        {"type": "non_fast_forward"},
    ]
    whole = {"id": number, "name": "main", "enforcement": "active", "source_type": "Repository", "rules": rules}
    return {"_role": "ruleset", **whole, "updated_at": changed, "bypass_actors": [], **more}


def protection(approvals: int = 1, *, admins: bool = True, users: Sequence[int] = ()) -> dict[str, Any]:
    """GitHub's answer about classic protection that asks for the same."""
    allowed = {"users": [{"id": number} for number in users]}
    return {
        "_role": "protection",
        "required_pull_request_reviews": {
            "required_approving_review_count": approvals,
            "bypass_pull_request_allowances": allowed,
        },
        "required_status_checks": {
            "strict": False,
            "contexts": ["test"],
            "checks": [{"context": "test", "app_id": -1}],
        },
        "allow_force_pushes": {"enabled": False},
        "allow_deletions": {"enabled": False},
        "enforce_admins": {"enabled": admins},
    }
