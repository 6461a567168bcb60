"""Which accounts GitHub links with addresses, by all that one run was told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from soc2ev.tables.facts.evidence import Account
from soc2ev.tables.hosted.requests import listed

if TYPE_CHECKING:
    from soc2ev.tables.engine import Engine

_TABLES = {
    "github_commits": ("author", "committer"),
    "github_pull_request_commits": ("author", "committer"),
    "github_replaced_commits": ("author", "committer"),
    "github_commit_authors": ("",),
}
_PLATFORM = "noreply@github.com"
"""Stands for whoever clicked a button."""


def linked(engine: Engine, run: str) -> Mapping[str, Account]:
    """The account of each address, in lower case; an address with two accounts is nobody's."""
    found: dict[str, dict[int, Account]] = {}
    for row in engine.stream(_sql(run)):
        if row["address"] != _PLATFORM:
            found.setdefault(row["address"], {})[row["id"]] = Account(row["login"], row["id"], row["kind"])
    return {address: one for address, several in found.items() if len(several) == 1 for one in several.values()}


def _sql(run: str) -> str:
    """One line for each pair of an address and an account."""
    parts = []
    for table, names in _TABLES.items():
        for name in names:
            email, account = (f"{name}_email", name) if name else ("email", "account")
            parts.append(
                f"select lower(trim({email})) as address, {account} as login, {account}_id as id, "  # noqa: S608
                f'{account}_type as kind from "{table}" '
                f"where run in {listed([run])} and {account}_id is not null and {email} is not null"
            )
    return f"select distinct * from ({' union all '.join(parts)}) order by all"  # noqa: S608  our own names
