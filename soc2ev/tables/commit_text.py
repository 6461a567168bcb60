"""
What a commit message claims: pull request, title, reverts, cherry-picks.

Anybody who can commit can write these words. They are kept as claims with their basis, and no control takes them
for proof.
"""

from __future__ import annotations

import re

# Each form is written by one platform or merge script when it lands a change, and names the request that it landed.
# A number has at most 18 digits, so that a column can hold what somebody wrote into a message.
_PULL_REQUEST = (
    ("merge commit of GitHub", re.compile(r"\AMerge pull request #([1-9][0-9]{0,17}) from ")),
    ("squash or rebase title", re.compile(r"\A[^\n]*\(#([1-9][0-9]{0,17})\)[ \t]*(?:\n|\Z)")),
    ("merge commit of Bitbucket", re.compile(r"\AMerged in [^\n]*\(pull request #([1-9][0-9]{0,17})\)")),
    ("merge commit of Azure DevOps", re.compile(r"\AMerged PR ([1-9][0-9]{0,17}):")),
    ("merge commit of GitLab", re.compile(r"^See merge request \S*!([1-9][0-9]{0,17})[ \t]*$", re.MULTILINE)),
    (
        "PR-URL line",
        re.compile(r"^PR-URL:[ \t]*https?://\S+/(?:pull|merge_requests)/([1-9][0-9]{0,17})\b", re.MULTILINE),
    ),
    ("merge script line", re.compile(r"^Closes #([1-9][0-9]{0,17}) from \S", re.MULTILINE)),
)
_REVERTS = re.compile(r"\bThis reverts commit ([0-9a-f]{7,64})\b")
_CHERRY_PICKED = re.compile(r"^\(cherry picked from commit ([0-9a-f]{7,64})\)", re.MULTILINE)


def pull_request(message: str) -> tuple[int, str] | None:
    """The number of the pull request that the message claims, with the form of the claim; None without one."""
    for basis, form in _PULL_REQUEST:
        if found := form.search(message):
            return int(found[1]), basis
    return None


def title(message: str) -> str:
    """What the change is about: the first line, or below the first line of a platform's merge the next one."""
    first, _, rest = message.strip().partition("\n")
    if first.startswith(("Merge pull request #", "Merged in ")):
        return next((line.strip() for line in rest.splitlines() if line.strip()), first)
    return first


def reverts(message: str) -> list[str]:
    """Ids of the commits that git or a platform says this one reverts, in the order of the text."""
    return list(dict.fromkeys(_REVERTS.findall(message)))


def cherry_picked_from(message: str) -> list[str]:
    """Ids that `git cherry-pick -x` wrote, oldest first."""
    return list(dict.fromkeys(_CHERRY_PICKED.findall(message)))
