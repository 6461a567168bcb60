"""`Fetch`: ask, store, then look."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

from soc2ev.errors import CollectError, Soc2evError
from soc2ev.fetch import local, strictjson
from soc2ev.fetch.exchange import Call, Credential
from soc2ev.fetch.web import Web

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from soc2ev.model import Coverage, EvidenceItem, Json
    from soc2ev.vault import Writer

_STDERR = 2_000
_NOTHING: Mapping[str, Json] = MappingProxyType({})
_NO_TEXT: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, and where it is stored."""

    item: EvidenceItem
    body: bytes
    status: int
    """Exit code of a command, status of HTTP, 0 for a file."""
    stderr: str = ""
    """What a command said beside its answer, its first 2,000 characters."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """All headers of an HTTP answer, names in lower case; the vault keeps only some of them."""


class Fetch:
    """The only way in which sources reach the world. One for each run; it appends to that run's vault."""

    def __init__(
        self,
        vault: Writer,
        *,
        say: Callable[[str], None] = lambda _: None,
        environment: Mapping[str, str] = _NO_TEXT,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`say` shows a progress line to a person; of `environment` PATH, proxies and CA bundles are used."""
        self.run = vault.run
        self.say = say
        self._vault = vault
        self._environment = environment
        self._web = Web(environment, say, sleep, now)
        self._earlier: dict[str, list[Coverage]] | None = None

    def command(
        self,
        argv: Sequence[str],
        *,
        source: str,
        stream: str,
        cwd: Path,
        request: Mapping[str, Json] = _NOTHING,
        stdin: bytes | None = None,
        ok: Collection[int] = (0,),
        count: Callable[[bytes], int] | None = None,
        environment: Mapping[str, str] = _NO_TEXT,
        timeout: float = 600,
    ) -> Answer:
        """
        Run a command without a shell and store what it printed.

        It sees PATH, LC_ALL=C, TZ=UTC and `environment`, nothing else. `stdin` is stored as a body of its
        own, in the stream `<stream>:input`. CollectError when it cannot be started, takes longer than
        `timeout` seconds, exits with a code that is not `ok`, or `count` cannot count; what it printed is
        stored by then, without a count.
        """
        asked = {"method": "run", "argv": list(argv), "stdin": self._input(stdin, source, stream), **request}
        base = {"PATH": self._environment.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
        done = local.run(argv, cwd, stdin, {**base, **environment}, timeout)
        says = done.err.decode("utf-8", "replace")[:_STDERR]
        response: dict[str, Json] = {"exit": done.code, "stderr": says}
        if done.code is None:
            response |= {"truncated": True, "timeout": int(timeout)}
        good = done.code in ok
        counted, failure = _counted(count, done.out) if good else (None, "")
        item = self._vault.put(done.out, source=source, stream=stream, request=asked, response=response, count=counted)
        local.refuse(argv, done.code, says, good=good, timeout=timeout)
        _refuse_uncounted(f"the output of `{local.shown(argv)}`", failure)
        return Answer(item, done.out, done.code or 0, says)

    def file(
        self,
        path: Path,
        *,
        source: str,
        stream: str,
        request: Mapping[str, Json] = _NOTHING,
        count: Callable[[bytes], int] | None = None,
    ) -> Answer:
        """
        Store a regular file and return it.

        CollectError when it is missing, a symbolic link, no regular file, larger than 64 MiB, or changes
        while it is read (nothing is stored then), or when `count` cannot count (it is stored).
        """
        body = local.read(path)
        counted, failure = _counted(count, body)
        asked = {"method": "read", "path": path.name, **request}
        item = self._vault.put(body, source=source, stream=stream, request=asked, count=counted)
        _refuse_uncounted(str(path), failure)
        return Answer(item, body, 0)

    def get(
        self,
        url: str,
        *,
        origin: str,
        source: str,
        stream: str,
        params: Mapping[str, str] = _NO_TEXT,
        headers: Mapping[str, str] = _NO_TEXT,
        auth: Credential | None = None,
        request: Mapping[str, Json] = _NOTHING,
        count: Callable[[bytes], int] | None = None,
    ) -> Answer:
        """
        HTTP GET of an address below `origin` (scheme, host, port); every answer on the way is stored.

        Waits and asks again on 429, 502, 503, 504 and on a 403 that is a rate limit, says so, and follows
        redirects within the origin. The body is decoded; secrets of `auth` that it repeats are masked, and
        the response counts them as `redacted`. AccessError on 401 and 403. CollectError on any other status
        than 200, 204 and 304, an address or redirect outside `origin`, a failed connection, and a body that
        is cut short, over 64 MiB or wrongly encoded: its response is stored as `truncated`, with the bytes
        as they came.
        """
        call = Call(url, origin, params, headers, auth)
        for exchange in self._web.answers(call):
            counted, failure = _counted(count, exchange.body) if exchange.good else (None, "")
            item = self._vault.put(
                exchange.body,
                source=source,
                stream=stream,
                request={**exchange.request, **request},
                response=exchange.response,
                count=counted,
            )
        exchange.refuse()
        _refuse_uncounted(f"the answer of {exchange.shown}", failure)
        return Answer(item, exchange.body, exchange.status, headers=exchange.headers)

    def state(self, coverage: Coverage) -> Coverage:
        """Record a collection's claim to completeness; returned with its run and the time of recording."""
        return self._vault.state(coverage)

    def earlier(self, stream: str) -> list[Coverage]:
        """The coverages of that stream that earlier runs recorded, oldest first."""
        if self._earlier is None:
            self._earlier = {}
            for coverage in self._vault.coverages():
                if coverage.run != self.run:
                    self._earlier.setdefault(coverage.stream, []).append(coverage)
        return list(self._earlier.get(stream, ()))

    @staticmethod
    def json(answer: Answer) -> Json:
        """
        What the body says as JSON.

        CollectError when it is not JSON to its very end, repeats a key, holds NaN or infinite numbers, or
        nests too deeply: each of these means different things to different readers.
        """
        try:
            return strictjson.parse(answer.body)
        except ValueError as problem:
            raise CollectError(
                f"{answer.item.stream}: the answer is not usable JSON: {problem}",
                hint=f"it is stored as {answer.item.digest}",
            ) from None

    def _input(self, stdin: bytes | None, source: str, stream: str) -> str | None:
        if stdin is None:
            return None
        asked = {"method": "input"}
        return self._vault.put(stdin, source=source, stream=f"{stream}:input", request=asked).digest


def _counted(count: Callable[[bytes], int] | None, body: bytes) -> tuple[int | None, str]:
    """The rows that `count` finds, or why it finds none: the body is stored in either case."""
    if count is None:
        return None, ""
    try:
        return count(body), ""
    except (ArithmeticError, LookupError, RecursionError, Soc2evError, TypeError, ValueError) as problem:
        return None, str(problem) or type(problem).__name__


def _refuse_uncounted(what: str, failure: str) -> None:
    if failure:
        raise CollectError(f"{what} cannot be counted: {local.printable(failure)[:300]}", hint="it is stored")
