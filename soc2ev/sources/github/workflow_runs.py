"""
Workflow runs in place of checks, for tokens that may see Actions and no Checks, as fine-grained ones.

A run tells that a workflow ended and how, not which of its jobs a rule asked for: it is shown with the change and never
makes anything met. https://docs.github.com/en/rest/actions/workflow-runs#list-workflow-runs-for-a-repository
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from soc2ev.errors import CollectError
from soc2ev.sources.github.moves import instant

if TYPE_CHECKING:
    from datetime import datetime

    from soc2ev.sources.github.claims import Repository, Tally
    from soc2ev.sources.github.host import Host

_MOST_PAGES = 50
"""Pages of a hundred runs. No filter is set: with any of them GitHub ends the list after a thousand runs."""


def ask(host: Host, repository: Repository, shas: Collection[str], since: datetime, tally: Tally) -> None:
    """The runs on these commits since that instant, newest first; what cannot be had is told to the tally."""
    asked = {"repository": repository.name, "role": "runs", "shas": sorted(shas)}
    pages = host.walk(
        f"{repository.path}/actions/runs", stream=repository.stream("checks"), asked=asked, params={"per_page": "100"}
    )
    try:
        for number, page in enumerate(pages, 1):
            runs = host.fetch.json(page)["workflow_runs"]
            if not runs or instant(runs[-1]["created_at"]) < since:
                return
            if number == _MOST_PAGES:
                tally.lacks(f"of the workflow runs only the newest {100 * _MOST_PAGES:,} were read")
                return
    except (CollectError, KeyError, TypeError, ValueError) as problem:
        failed = problem if isinstance(problem, CollectError) else CollectError(f"not understood: {problem!r}"[:300])
        tally.failed(failed, "the workflow runs that stand in for checks")
