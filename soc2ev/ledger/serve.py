"""A ledger that listens: the server, a checkpoint soon after every event, webhooks, and an end in good order."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from soc2ev.errors import Soc2evError
from soc2ev.ledger.service import Service
from soc2ev.ledger.web import Limits, Server

if TYPE_CHECKING:
    from collections.abc import Callable

    from soc2ev.ledger.hooks import Hooks
    from soc2ev.ledger.ledger import Ledger

_TICK = 1.0
_DRAIN_SECONDS = 10.0


class Running:
    """A server on its way: `port` is where it listens, `run` answers until `stop`."""

    def __init__(
        self,
        ledger: Ledger,
        host: str,
        port: int,
        *,
        hooks: Hooks | None = None,
        per_second: float = 200.0,
        limits: Limits | None = None,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._ledger, self._hooks, self._say = ledger, hooks, say
        self._service = Service(ledger, per_second=per_second)
        self._server = Server(host, port, self._service, limits=limits or Limits(), log=say)
        self._ended = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="ledger-keeper", daemon=True)

    @property
    def port(self) -> int:
        """Where it listens; the system's choice when 0 was asked for."""
        return self._server.port

    def run(self) -> None:
        """Answer until `stop`; then finish what had arrived, and write a checkpoint."""
        self._keeper.start()
        try:
            self._server.serve_forever()
        finally:
            self._ended.set()
            self._server.drain(_DRAIN_SECONDS)
            self._service.stop()
            self._keeper.join(_DRAIN_SECONDS)
            self._ledger.checkpoint()
            self._ledger.close()

    def stop(self) -> None:
        """End soon; may be called from a signal."""
        self._server.shutdown()

    def _keep(self) -> None:
        while not self._ended.wait(_TICK):
            try:
                self._ledger.checkpoint()
                if self._hooks:
                    self._hooks.deliver(time.monotonic())
            except Soc2evError as problem:
                self._say(f"error: {problem.message}")
