"""
Answers that hold secrets which nobody knows beforehand: they are asked for into memory, and only what was sifted stays.

`Fetch` stores bytes before anyone looks at them, which is right for everything else. Here it stores into a vault that
is none, and each answer is then laid down in the real one: sifted when it is whole, without its body when it is not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, cast

from soc2ev import yamlfile
from soc2ev.errors import ConfigError
from soc2ev.fetch import Answer, Fetch
from soc2ev.model import EvidenceItem
from soc2ev.sources.logs.keeping import lay_down
from soc2ev.sources.logs.sieve import sifted

if TYPE_CHECKING:
    from soc2ev.model import Coverage, Json
    from soc2ev.sources.logs.manifest import Request
    from soc2ev.vault import Line, Writer

_WITHHELD = {"withheld": "an answer that is not whole may hold what would have been masked"}


class _Memory:
    """What `Fetch` needs of a vault's writer, in memory."""

    def __init__(self, run: str, fetch: Fetch) -> None:
        self.run, self._fetch = run, fetch
        self.held: list[EvidenceItem] = []

    def put(
        self,
        body: bytes,
        *,
        source: str,
        stream: str,
        request: Mapping[str, Json],
        response: Mapping[str, Json],
        count: int | None = None,
    ) -> EvidenceItem:
        """Remember the exchange."""
        digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
        at = self._fetch.now()
        item = EvidenceItem(digest, source, stream, request, response, at, len(body), count, self.run, len(self.held))
        self.held.append(item)
        return item

    def coverages(self) -> Iterator[Coverage]:
        """None: nothing is claimed here."""
        return iter(())

    def lines(self) -> Iterator[Line]:
        """None: no run is resumed from here."""
        return iter(())


def _yaml(answer: Answer) -> Json:
    """The YAML in the answer; ValueError when it is none."""
    try:
        return yamlfile.parse(answer.body, "the answer").data
    except ConfigError as problem:
        raise ValueError(problem.message) from None


class Quarantine:
    """A `Fetch` of its own for one question, whose answers are laid down sifted."""

    def __init__(self, fetch: Fetch, stream: str) -> None:
        self._real, self._stream = fetch, stream
        self._memory = _Memory(fetch.run, fetch)
        self.fetch = fetch.beside(cast("Writer", self._memory))

    def release(self, answer: Answer, request: Request) -> Answer:
        """Lay down the tries before it, then the answer with what the request keeps; that one is returned."""
        self._lay_failed([item for item in self._memory.held if item is not answer.item])
        read = _yaml if request.format == "yaml" else self.fetch.json
        value = sifted(read(answer), request.keep, request.redact)
        self._memory.held.clear()
        return self._lay(answer.item, value)

    def give_up(self) -> None:
        """Lay down that these tries came to nothing."""
        self._lay_failed(self._memory.held)
        self._memory.held.clear()

    def _lay_failed(self, items: list[EvidenceItem]) -> None:
        for item in items:
            self._lay(item, _WITHHELD)

    def _lay(self, item: EvidenceItem, value: Json) -> Answer:
        return lay_down(self._real, value, stream=self._stream, request={**item.request, "response": item.response})
