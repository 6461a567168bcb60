"""
Standard changes: what machines do so often and so alike that it was approved once for all.

The policy names the machines, the files that they may touch and the document of the approval. A commit of anybody else
on the branch voids it. The author that a commit names is a claim, so that GitHub's signature or the records of who
pushed have to bear it out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from soc2ev.config import Policy
from soc2ev.tables.facts.evidence import Account, Change, Commit, PullRequest
from soc2ev.tables.facts.fact import Fact, every, listed, no, shown, unknown, yes
from soc2ev.tables.facts.people import People

NONE = no("No pre-approved kind of change.")


def judge(change: Change, policy: Policy, people: People) -> Fact:
    """Whether a pre-approval of the policy covers the change; the reason names its document."""
    answers = [_covered(change, entry, people) for entry in policy.bots.standard_change]
    for wanted in (True, None):
        if found := next((one for one in answers if one.value is wanted), None):
            return found
    return next((one for one in answers if one.flags), NONE)


def covers_mover(change: Change, policy: Policy, people: People) -> bool:
    """Whether who moved the ref is a machine of a pre-approval."""
    return any(_listed(change.actor, entry, people) for entry in policy.bots.standard_change)


def _covered(change: Change, entry: Mapping[str, Any], people: People) -> Fact:
    requests = change.requests
    document = shown(str(entry.get("document") or "a pre-approval without a document"))
    opened = [_listed(one.author, entry, people) for one in requests] or [_listed(change.actor, entry, people)]
    if False in opened:
        return NONE
    commits = [_commit(one, request, entry, people) for request in requests for one in request.commits]
    commits += [] if requests else [_commit(one, None, entry, people) for one in change.commits]
    pushed = [_listed(who, entry, people) for request in requests for who in request.pushers]
    if False in (*commits, *pushed):
        return no(f"Somebody else worked on what {document} covers, which voids it.", "STANDARD_CHANGE_VOID")
    seen = bool(requests) and not change.unseen_requests and all(_whole(one) for one in requests)
    inside = [_matches(path, entry.get("paths") or ()) for one in requests for path in one.files]
    if False in inside:
        return no(f"It touches files that {document} does not cover.")
    if not seen or not inside or every((*opened, *commits, *pushed)) is not True:
        return unknown(
            f"Whether {document} covers it is not known: not all of its commits, pushes and files were seen."
        )
    authors = listed(people.account(one.author).name for one in requests)
    return yes(f"A change of {authors} that {document} approved beforehand.", "STANDARD_CHANGE")


def _whole(request: PullRequest) -> bool:
    return not request.missing & {"commits", "files", "events"} and bool(request.commits)


def _listed(account: Account | None, entry: Mapping[str, Any], people: People) -> bool | None:
    """Whether it is one of the machines that the policy names; None for an account that is gone or not fully told."""
    if account is None or account.login is None:
        return None
    party, logins = people.account(account), {str(login).lower() for login in entry.get("authors") or ()}
    if account.login.lower() not in logins:
        return False
    return True if party.machine else None if not party.known else False


def _commit(commit: Commit, request: PullRequest | None, entry: Mapping[str, Any], people: People) -> bool | None:
    """Whether the machine made it; None when only the commit itself says so."""
    made = [_listed(commit.author, entry, people)]
    if people.committer(commit) is not None:
        made.append(_listed(commit.committer, entry, people))
    borne_out = commit.signed_by_github or bool(request and request.pushers)
    return every((*made, borne_out or None))


def _matches(path: str, globs: Sequence[object]) -> bool:
    return any(re.fullmatch(_pattern(str(glob)), path) for glob in globs)


def _pattern(glob: str) -> str:
    """The glob as a pattern: `**` crosses folders, `*` and `?` do not; without a slash it holds in every folder."""
    anchored = glob.lstrip("/") if "/" in glob else f"**/{glob}"
    tokens = re.findall(r"\*\*/|\*\*|\*|\?|[^*?]+", anchored)
    forms = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(forms.get(token) or re.escape(token) for token in tokens)
