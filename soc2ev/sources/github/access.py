"""What a token may see of a repository, told by what became of the questions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from soc2ev.errors import AccessError, CollectError
from soc2ev.fetch import RefusedError
from soc2ev.model import Json
from soc2ev.sources.github.claims import Tally, explain

if TYPE_CHECKING:
    from soc2ev.fetch import Answer

YES, NO, UNKNOWN = "yes", "no", "unknown"
_UNAUTHORIZED, _NOT_FOUND = 401, 404
NEEDS: Mapping[str, str] = {
    "repositories": "Metadata: read",
    "activity": "Contents: read",
    "commits": "Contents: read",
    "pull requests": "Pull requests: read",
    "checks": "Checks: read",
    "statuses": "Commit statuses: read",
    "actions runs": "Actions: read",
    "deployments": "Deployments: read",
    "environments": "Actions: read",
    "rules": "Metadata: read",
    "protection": "Administration: read",
    "bypass actors": "Administration: write",
    "ruleset history": "Administration: write",
    "rule suites": "Administration: read",
    "audit log": "Organization administration: read",
    "collaborators": "Metadata: read, and push access",
    "workflow permissions": "Administration: read",
    "retention": "Administration: read",
    "code scanning": "Administration: read",
    "deploy keys": "Administration: read",
}
"""The permission that shows each capability, by GitHub's names."""


def is_absent(problem: CollectError) -> bool:
    """Whether GitHub answered 404: there is no such thing, or the token may not know of it."""
    return isinstance(problem, RefusedError) and problem.status == _NOT_FOUND


def is_refused(problem: CollectError) -> bool:
    """Whether the token may not see it, or it is not there; a token that was not taken at all (401) says neither."""
    unknown = isinstance(problem, RefusedError) and problem.status == _UNAUTHORIZED
    return is_absent(problem) or (isinstance(problem, AccessError) and not unknown)


@dataclass
class Access:
    """What was seen of one repository so far."""

    found: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    """By capability: yes, no or unknown, and what GitHub answered when it is not yes."""

    def saw(self, capability: str, answer: Answer | None = None) -> None:
        """It was answered; a refusal that was noted before, for another branch, stays."""
        del answer
        self.found.setdefault(capability, (YES, None))

    def missed(self, capability: str, reason: str, visible: str = NO) -> None:
        """It was not answered."""
        self.found[capability] = (visible, reason)

    def failed(self, tally: Tally, capability: str, problem: CollectError, what: str) -> None:
        """
        A question failed for good: the stream lacks it, and the token may not see it or nobody can tell.

        404 counts as a refusal, since GitHub gives it for what a token may not know of.
        """
        said = explain(problem)
        if is_absent(problem):
            tally.denied = True
            said = f"{problem.message}, as it does without {NEEDS[capability]}"
            tally.lacks(f"{what}: {said}")
        else:
            tally.failed(problem, what)
        denied = is_refused(problem)
        self.missed(capability, said[:500], NO if denied else UNKNOWN)

    def refused(self, capability: str, problem: CollectError) -> None:
        """A question failed that no stream depends on."""
        denied = is_refused(problem)
        self.missed(capability, explain(problem)[:500], NO if denied else UNKNOWN)

    @property
    def administers(self) -> bool:
        """Whether the token was shown what only Administration: read shows: its 404 means that nothing is there."""
        return self.found.get("workflow permissions", (NO, None))[0] == YES

    @property
    def told(self) -> dict[str, Json]:
        """For a request, so that the rows can be read from it again."""
        return {name: list(pair) for name, pair in sorted(self.found.items())}
