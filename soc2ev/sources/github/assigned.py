"""
Whom the requests of machines are assigned to: an agent's request is assigned to the person who asked for it.

https://docs.github.com/en/copilot/concepts/agents/coding-agent/about-coding-agent
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from soc2ev.errors import CollectError
from soc2ev.sources.github import documents, shapes

if TYPE_CHECKING:
    from soc2ev.sources.github.claims import Repository, Tally
    from soc2ev.sources.github.host import Host


def ask(host: Host, repository: Repository, requests: Sequence[tuple[str, int]], tally: Tally) -> None:
    """Ask for the assignees of these requests (GitHub's id and number); what cannot be had is told to the tally."""

    def lose(chunk: Sequence[tuple[str, int]], problem: CollectError) -> None:
        tally.failed(problem, f"whom {len(chunk)} requests of machines are assigned to")

    def one_answer(chunk: Sequence[tuple[str, int]]) -> None:
        variables = {f"i{n}": id_ for n, (id_, _) in enumerate(chunk)}
        asked = {"repository": repository.name, "role": "assigned"}
        stream = repository.stream("pull-requests")
        answer = host.query(documents.assigned(len(chunk)), variables, stream=stream, asked=asked, reuse=True)
        for _, value in shapes.objects(answer.data, "p"):
            if value and value["assignees"]["totalCount"] != len(value["assignees"]["nodes"]):
                tally.lacks(f"#{value['number']}: not all assignees are listed")

    host.in_batches("assigned", requests, one_answer, lose)
