"""One vault for several threads: its writer is made for one."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from soc2ev.errors import CollectError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from soc2ev.model import Coverage, EvidenceItem, Json
    from soc2ev.vault import Line, Writer


class Shelf:
    """Stores one thing at a time, until it is closed."""

    def __init__(self, vault: Writer) -> None:
        self.run = vault.run
        self._vault = vault
        self._lock = threading.RLock()
        self._closed = False
        self._queries: set[str] = set()
        self._earlier: dict[str, list[Coverage]] | None = None

    def put(
        self,
        body: bytes,
        *,
        source: str,
        stream: str,
        request: Mapping[str, Json],
        response: Mapping[str, Json] | None = None,
        count: int | None = None,
    ) -> EvidenceItem:
        """As the vault's `put`; CollectError when the run was interrupted."""
        with self._lock:
            self._refuse_closed()
            return self._vault.put(
                body, source=source, stream=stream, request=request, response=response or {}, count=count
            )

    def put_query(self, text: str, digest: str, *, source: str, stream: str) -> None:
        """Store the text of a query, unless this run did so already."""
        with self._lock:
            if digest not in self._queries:
                self.put(text.encode(), source=source, stream=f"{stream}:query", request={"method": "input"})
                self._queries.add(digest)

    def state(self, coverage: Coverage) -> Coverage:
        """As the vault's `state`; CollectError when the run was interrupted."""
        with self._lock:
            self._refuse_closed()
            return self._vault.state(coverage)

    def coverages(self) -> list[Coverage]:
        """All coverages of the vault."""
        with self._lock:
            return list(self._vault.coverages())

    def earlier(self, stream: str) -> list[Coverage]:
        """The coverages of that stream that earlier runs recorded which ended well, oldest first."""
        with self._lock:
            if self._earlier is None:
                self._earlier = {}
                ended = {line.data["run"] for line in self.lines() if line.type == "finish" and line.data["ok"]}
                for coverage in self.coverages():
                    if coverage.run in ended and coverage.run != self.run:
                        self._earlier.setdefault(coverage.stream, []).append(coverage)
            return list(self._earlier.get(stream, ()))

    def lines(self) -> Iterator[Line]:
        """All lines of the journal; nothing is stored until the last was taken."""
        with self._lock:
            yield from self._vault.lines()

    def read(self, digest: str) -> bytes:
        """The body of that digest; TamperedError when it is missing or differs."""
        with self._lock:
            return self._vault.read(digest)

    def close(self) -> None:
        """Store nothing more: threads that are still at work must not write beside the run's last line."""
        with self._lock:
            self._closed = True

    def _refuse_closed(self) -> None:
        if self._closed:
            raise CollectError("the run was interrupted; nothing more is stored", hint="collect again to continue")
