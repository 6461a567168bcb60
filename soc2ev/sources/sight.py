"""What a credential may see, asked with one small question for each capability before anything is collected."""

from __future__ import annotations

import re
from dataclasses import dataclass

from soc2ev.errors import AccessError, CollectError
from soc2ev.fetch import RefusedError

YES, NO, UNKNOWN = "yes", "no", "not known"
_WANTED = re.compile(r"the token needs one of these permissions: ([a-z_=,; ]+?); the answer")
_NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class Sight:
    """One capability of one repository or site."""

    system: str
    """The source: `github` or `jira`."""
    about: str
    """The repository, or the site's host."""
    capability: str
    visible: str
    """yes, no (refused, or hidden as if it were not there) or not known (the question failed otherwise)."""
    reason: str = ""
    """What was answered when it is not yes."""
    needs: str = ""
    """The permission that is missing when it is no, in the system's own words."""


def refused(problem: CollectError) -> bool:
    """Whether the system refused: with 401 or 403, or with 404, which hides what somebody may not know of."""
    return isinstance(problem, AccessError) or (isinstance(problem, RefusedError) and problem.status == _NOT_FOUND)


def wanted(problem: CollectError) -> str:
    """The permission that the refusal itself names; empty when it names none."""
    found = _WANTED.search(problem.hint)
    return found.group(1) if found else ""
