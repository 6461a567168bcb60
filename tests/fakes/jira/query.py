"""The little of JQL that a collector asks; anything else is answered with 400, as Jira does for what it cannot read."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from tests.fakes.jira.world import Ticket, Token, World

_ORDER = re.compile(r"^(.*?)\s+ORDER BY\s+(.*)$", re.DOTALL)
_LIST = re.compile(r"^(project|key|id) in \((.*)\)$")
_DATE = re.compile(r'^(created|updated) (>=|<=|<|>) "(\d{4}-\d{2}-\d{2} \d{2}:\d{2})"$')
_SORTS = {
    "created ASC, key ASC": (lambda one: (one.created, one.key), False),
    "key ASC": (lambda one: one.id, False),
    "updated DESC": (lambda one: (one.updated, one.id), True),
}


class QueryError(Exception):
    """What Jira says to a query that it refuses."""


def found(world: World, token: Token, jql: str, *, validate: bool) -> list[Ticket]:
    """The tickets that the query names and the token may see, in its order."""
    match = _ORDER.match(jql)
    text, order = (match[1], match[2]) if match else (jql, "key ASC")
    tests = [_test(world, token, clause, validate=validate) for clause in text.split(" AND ")]
    key, reverse = _SORTS[order]
    seen = [one for one in world.tickets if one.project not in token.hidden and all(test(one) for test in tests)]
    return sorted(seen, key=key, reverse=reverse)


def _test(world: World, token: Token, clause: str, *, validate: bool) -> Callable[[Ticket], bool]:
    if match := _DATE.match(clause.strip()):
        return _dated(token, match)
    match = _LIST.match(clause.strip())
    if match is None:
        raise QueryError(f"Error in the JQL Query: {clause}")
    words = [word.strip().strip('"') for word in match[2].split(",")]
    if match[1] == "project":
        return _of_projects(world, token, words)
    tickets = {word: world.by_key(word) for word in words}
    if validate or (world.strict_keys and match[1] == "key"):
        for word, one in tickets.items():
            if one is None or one.project in token.hidden:
                raise QueryError(f"An issue with key '{word}' does not exist for field 'key'.")
    ids = {one.id for one in tickets.values() if one and word_leads(world, one, words)}
    return lambda one: one.id in ids


def word_leads(world: World, one: Ticket, words: list[str]) -> bool:
    """Whether a search finds it by these words: Data Center's does not know keys that a ticket had before."""
    return world.cloud or one.key in words or str(one.id) in words


def _of_projects(world: World, token: Token, words: list[str]) -> Callable[[Ticket], bool]:
    for word in words:
        if word not in world.projects or word in token.hidden:
            raise QueryError(f"The value '{word}' does not exist for the field 'project'.")
    return lambda one: one.project in words


def _dated(token: Token, match: re.Match[str]) -> Callable[[Ticket], bool]:
    edge = datetime.strptime(match[3], "%Y-%m-%d %H:%M").replace(tzinfo=ZoneInfo(token.zone)).astimezone(UTC)
    name, sign = match[1], match[2]
    tests = {
        ">=": lambda at: at >= edge,
        "<=": lambda at: at <= edge,
        "<": lambda at: at < edge,
        ">": lambda at: at > edge,
    }
    return lambda one: tests[sign](getattr(one, name))
