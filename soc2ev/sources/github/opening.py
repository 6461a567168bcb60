"""
The first question about a repository: what its lists begin with, and its settings.

Most repositories have little more in a month, so that one question does for four. Its answer is stored once more for
each of them. What did not come whole is asked for by itself.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from soc2ev.errors import CollectError
from soc2ev.model import Json
from soc2ev.sources.github import documents, refusals
from soc2ev.sources.github.moves import instant

if TYPE_CHECKING:
    from datetime import datetime

    from soc2ev.fetch import GraphAnswer
    from soc2ev.sources.github.claims import Repository
    from soc2ev.sources.github.host import Host

_LISTS = ("deployments", "releases")
_VALUES = ("visibility", "deleteBranchOnMerge", "webCommitSignoffRequired", "hasVulnerabilityAlertsEnabled")
_MAY_BE_NULL = ("github", "root", "docs")
_DEEP = 2


class Opening:
    """One question, for the chains that go on from it."""

    def __init__(self, host: Host, repository: Repository, *, probes: bool) -> None:
        """With `probes` it asks along what the token may see of checks, at the tip of the default branch."""
        self.host, self.repository, self._probes = host, repository, probes
        self._answer: GraphAnswer | None = None
        self._asked = threading.Event()

    def merged(self) -> GraphAnswer | None:
        """Ask; the answer with the first page of merged requests, None where it has to be asked for apart."""
        sizes, stream = self.host.sizes, self.repository.stream("merged")
        variables: dict[str, Json] = {
            "first": sizes.of("merged"),
            "after": None,
            "deployments": sizes.of("deployments"),
        }
        variables |= {**self.repository.variables, "tip": self.repository.tip, "probe": self._probes}
        asked = {"repository": self.repository.name, "role": "opening"}
        try:
            self._answer = self.host.query(documents.OPENING, variables, stream=stream, asked=asked)
        except CollectError:
            return None
        finally:
            self.close()
        return self._again(stream, {"role": "index", "page": 1}, "pullRequests")

    def deliveries(self) -> GraphAnswer | None:
        """The answer with the first pages of deployments and releases, once it came; None likewise."""
        self._asked.wait()
        return self._again(self.repository.stream("deployments"), {"role": "deployments", "page": 1}, *_LISTS)

    def denied(self) -> frozenset[str] | None:
        """The optional parts that the token may not see, once that came; None where it has to be asked apart."""
        self._asked.wait()
        home = self._answer.data.get("repository") if self._answer else None
        if self._answer is None or not isinstance(home, dict) or home.get("probed") is None:
            return None
        errors = [one for one in self._answer.errors if len(one.path) < _DEEP or one.path[1] == "probed"]
        if any(not one.denied or len(one.path) < _DEEP for one in errors):
            return None
        return frozenset(part for one in errors if (part := refusals.optional(one.path)))

    def landed(self) -> dict[str, datetime]:
        """When requests landed, by the commits that landed them, as far as it tells."""
        self._asked.wait()
        if self._answer is None or refusals.lacks(self._answer, "pullRequests"):
            return {}
        try:
            found = self._answer.data["repository"]["pullRequests"]["nodes"]
            return {one["mergeCommit"]["oid"]: instant(one["mergedAt"]) for one in found if one["mergeCommit"]}
        except (AttributeError, KeyError, TypeError, ValueError):
            return {}

    def deployed(self) -> list[Json]:
        """The deployments in it, newest first."""
        self._asked.wait()
        if self._answer is None or refusals.lacks(self._answer, "deployments"):
            return []
        return list(self._answer.data["repository"]["deployments"]["nodes"] or ())

    def settings(
        self, stream: str, asked: Mapping[str, Json], later: Callable[[], Mapping[str, Json]]
    ) -> GraphAnswer | None:
        """The answer with the settings, with what `later` gives when it is stored; None likewise."""
        self._asked.wait()
        if self._answer is None or refusals.fails(self._answer, *_MAY_BE_NULL):
            return None
        return self._again(stream, lambda: {**asked, **later()}, *_VALUES)

    def close(self) -> None:
        """Nothing comes any more: nobody has to wait for it."""
        self._asked.set()

    def _again(
        self, stream: str, asked: Mapping[str, Json] | Callable[[], Mapping[str, Json]], *fields: str
    ) -> GraphAnswer | None:
        if self._answer is None or refusals.lacks(self._answer, *fields):
            return None
        told = asked() if callable(asked) else asked
        try:
            return self.host.again(self._answer, stream=stream, asked={"repository": self.repository.name, **told})
        except CollectError:
            return None
