"""Group commit: whoever waits at the same moment shares one wait for the disk."""

from __future__ import annotations

import queue
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING

from soc2ev.errors import VaultError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from soc2ev.ledger.events import Event
    from soc2ev.ledger.log import Log, Receipt, Source

_MOST = 5_000
_Waiting = tuple["Sequence[Event]", "Source | None", "Future[list[Receipt]]"]


class Commits:
    """One thread that appends what many threads hand it."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="ledger-commits", daemon=True)
        self._thread.start()

    def append(self, events: Sequence[Event], source: Source | None) -> list[Receipt]:
        """Append all of them or none; durable when it returns. Errors as for `Ledger.append`."""
        future: Future[list[Receipt]] = Future()
        self._queue.put((events, source, future))
        return future.result()

    def stop(self) -> None:
        """Finish what was handed over, and end."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        going = True
        while going:
            batch: list[_Waiting] = []
            first = self._queue.get()
            while first is not None:
                batch.append(first)
                if sum(len(one[0]) for one in batch) >= _MOST or self._queue.empty():
                    break
                first = self._queue.get()
            going = first is not None
            if batch:
                self._commit(batch)

    def _commit(self, batch: Sequence[_Waiting]) -> None:
        try:
            answers: Sequence[list[Receipt] | BaseException] = self._log.write_from([(e, s) for e, s, _ in batch])
        except VaultError as problem:
            answers = [problem] * len(batch)
        except Exception as bug:  # noqa: BLE001 - whoever waits must hear of it; their threads raise it
            answers = [bug] * len(batch)
        for (_, _, future), answer in zip(batch, answers, strict=True):
            if isinstance(answer, BaseException):
                future.set_exception(answer)
            else:
                future.set_result(answer)
