"""
What descriptions of requests had said that somebody edited after the merge.

https://docs.github.com/en/graphql/reference/objects#usercontentedit
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from soc2ev.sources.github import documents

if TYPE_CHECKING:
    from soc2ev.errors import CollectError
    from soc2ev.sources.github.claims import Repository, Tally
    from soc2ev.sources.github.host import Host


def ask(host: Host, repository: Repository, requests: Sequence[tuple[str, int]], tally: Tally) -> None:
    """Ask for the edits of these requests (GitHub's id and number); what cannot be had is told to the tally."""

    def lose(chunk: Sequence[tuple[str, int]], problem: CollectError) -> None:
        tally.failed(problem, f"how the descriptions of {len(chunk)} requests were edited")

    def one_answer(chunk: Sequence[tuple[str, int]]) -> None:
        variables = {f"i{n}": id_ for n, (id_, _) in enumerate(chunk)}
        asked = {"repository": repository.name, "role": "edited"}
        stream = repository.stream("pull-requests")
        host.query(documents.edited(len(chunk)), variables, stream=stream, asked=asked, reuse=True)

    host.in_batches("edited", requests, one_answer, lose)
