"""
Twelve months of a fictional team's git history, as `git fast-import` streams: one a month, the same every time.

Planted, so that there is something to find: direct pushes without a pull request, commits that name no ticket,
a revert, hotfixes, an unmapped author, and in one month a branch that was rewritten.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from soc2ev.period import Period

REPOSITORY = "ledger"
BRANCH = "refs/heads/main"
_SEED = 20261101
_PEOPLE = (
    ("Ann Berg", "ann@harbour.example"),
    ("Bo Lind", "bo@harbour.example"),
    ("Cem Aydin", "cem@harbour.example"),
    ("Dana Roth", "dana@harbour.example"),
    ("Eli Moss", "eli@harbour.example"),
)
_STRANGER = ("Fay Novak", "fay@contractor.example")
_WORK = (
    ("Refuse refunds above the captured amount", "src/refunds/limits.py"),
    ("Show the settlement date in the ledger view", "src/ledger/view.py"),
    ("Retry webhook deliveries with back-off", "src/webhooks/delivery.py"),
    ("Add an index on payments.created_at", "db/migrate/payments_created_at.sql"),
    ("Rotate the signing keys of the gateway", "infrastructure/gateway.tf"),
    ("Rate-limit the export endpoint", "src/api/rate_limits.py"),
    ("Mask card numbers in debug logs", "src/logging/mask.py"),
    ("Let support look up a payment by its reference", "src/support/search.py"),
    ("Round amounts half to even", "src/money/round.py"),
    ("Upgrade the web framework", "requirements.txt"),
    ("Close idle database connections", "src/db/pool.py"),
    ("Explain declined cards in plain words", "src/cards/messages.py"),
)


@dataclass(slots=True)
class History:
    """The story so far; `month` continues it."""

    changes: int = 0
    _random: random.Random = field(default_factory=lambda: random.Random(_SEED))  # noqa: S311  a story, not a secret
    _mark: int = 0
    _started: bool = False

    def month(self, period: Period, *, rewrite: int = 0) -> bytes:
        """
        The stream that adds a month's changes to the branch.

        With `rewrite` the branch first loses that many of its newest commits, as after a force push.
        """
        lines: list[str] = []
        moment = period.start + timedelta(hours=9)
        lost = f"{BRANCH}~{rewrite}" if rewrite else BRANCH
        parent = f"{lost}^0" if self._started else ""
        days = (period.end - period.start).days
        for day in range(days):
            moment = period.start + timedelta(days=day, hours=8)
            for _ in range(self._random.choice((0, 1, 2, 2, 3)) if moment.weekday() < 5 else 0):  # noqa: PLR2004
                moment += timedelta(minutes=self._random.randrange(20, 150))
                parent = self._change(lines, moment, parent)
        lines += self._tag(period, parent)
        return "\n".join(["feature done", *lines, "done", ""]).encode()

    def _change(self, lines: list[str], moment: datetime, parent: str) -> str:
        """One integration: a squash, a merge of two commits, or a push without a pull request."""
        self.changes += 1
        what, path = self._random.choice(_WORK)
        author = _STRANGER if self.changes % 97 == 0 else self._random.choice(_PEOPLE)
        reviewer = self._random.choice([one for one in _PEOPLE if one != author])
        key = f"LEDGER-{100 + self.changes}"
        if self.changes % 41 == 0:
            return self._commit(lines, moment, author, f"hotfix: {what.lower()}\n", path, [parent])
        if self.changes % 53 == 0:
            text = f'Revert "{what}" (#{self.changes})\n\nThis reverts commit {"0" * 33}{self.changes:07x}.\n'
            return self._commit(lines, moment, author, text, path, [parent])
        if self.changes % 5 == 0 and parent:
            first = self._commit(lines, moment - timedelta(hours=3), author, f"{key}: {what}\n", path, [parent])
            second = self._commit(
                lines, moment - timedelta(hours=1), author, f"{key}: answer the review\n", path, [first]
            )
            text = f"Merge pull request #{self.changes} from harbour/{key.lower()}\n\n{what}\n"
            return self._commit(lines, moment, author, text, None, [parent, second])
        trailers = f"\nReviewed-by: {reviewer[0]} <{reviewer[1]}>\n" + (
            f"Co-authored-by: {_PEOPLE[0][0]} <{_PEOPLE[0][1]}>\n" if self.changes % 7 == 0 else ""
        )
        return self._commit(lines, moment, author, f"{key}: {what} (#{self.changes})\n{trailers}", path, [parent])

    def _commit(
        self,
        lines: list[str],
        moment: datetime,
        author: tuple[str, str],
        text: str,
        path: str | None,
        parents: list[str],
    ) -> str:
        self._mark += 1
        when = f"{int(moment.timestamp())} +0000"
        lines += [
            f"commit {BRANCH}",
            f"mark :{self._mark}",
            f"author {author[0]} <{author[1]}> {when}",
            f"committer {author[0]} <{author[1]}> {when}",
            f"data {len(text.encode())}",
            text,
        ]
        given = [parent for parent in parents if parent]
        lines += [f"from {given[0]}", *(f"merge {one}" for one in given[1:])] if given else []
        if path is not None:
            body = f"{self.changes}\n"
            lines += [f"M 100644 inline {path}", f"data {len(body)}", body]
        self._started = True
        return f":{self._mark}"

    def _tag(self, period: Period, target: str) -> list[str]:
        if not target.startswith(":"):
            return []
        when = min(period.end - timedelta(hours=4), datetime(2100, 1, 1, tzinfo=UTC))
        text = f"Release of {period.name}\n"
        return [
            f"tag v{period.name.replace('-', '.')}",
            f"from {target}",
            f"tagger {_PEOPLE[1][0]} <{_PEOPLE[1][1]}> {int(when.timestamp())} +0000",
            f"data {len(text)}",
            text,
        ]
