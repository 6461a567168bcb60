"""`Fetch`: ask, store, then look."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from soc2ev.errors import CollectError
from soc2ev.fetch import access, local, strictjson
from soc2ev.fetch.board import Board
from soc2ev.fetch.counting import counted, refuse_uncounted
from soc2ev.fetch.crew import Crew
from soc2ev.fetch.exchange import Call
from soc2ev.fetch.pages import walk
from soc2ev.fetch.shelf import Shelf
from soc2ev.fetch.talk import Talk, Told

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from soc2ev.config import GithubApp, Secret
    from soc2ev.fetch.credential import Credential
    from soc2ev.fetch.graphql import GraphAnswer
    from soc2ev.model import Coverage, EvidenceItem, Json
    from soc2ev.vault import Writer

T = TypeVar("T")
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
    parsed: Json = field(default=None, repr=False, compare=False)
    """What the body says, when JSON was promised: `Fetch.json` gives it without reading it again."""


class Fetch:
    """
    The only way in which sources reach the world. One for each run; it appends to that run's vault.

    It may be used from the threads that `together` makes, and from no others. A stored answer of the web that is none
    (a limit, an error page, a body cut short, a redirect) has `unusable` in its response, with the reason, so that
    whoever reads the vault later passes over it.
    """

    def __init__(
        self,
        vault: Writer,
        *,
        say: Callable[[str], None] = lambda _: None,
        environment: Mapping[str, str] = _NO_TEXT,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        workers: int = 4,
        folder: Path | None = None,
        resume_after: datetime | None = None,
    ) -> None:
        """
        `say` shows a progress line to a person; of `environment` PATH, HOME (for a secret's command), proxies, CA
        bundles and the variables that secrets name are used. At most `workers` requests are under way at a time.
        Secrets' files are relative to `folder`. With `resume_after`, calls with `reuse` may be answered by what an
        interrupted run stored after that instant.
        """
        if workers < 1:
            raise ValueError("at least one worker is needed")
        self.run = vault.run
        self.say = say
        self.now = now
        self._shelf = Shelf(vault)
        self._environment, self._folder, self._sleep = environment, folder, sleep
        self._crew = Crew(workers)
        self._board = Board()
        turn = self._crew.come_to_turn
        self._talk = Talk(self._shelf, environment, say, sleep, now, workers, resume_after, turn)
        self._apps = access.Apps(self._talk.token, now)

    def beside(self, vault: Writer) -> Fetch:
        """Another one with the same environment, clock and voice, and one worker, that stores into that vault."""
        like: dict[str, Any] = {"say": self.say, "sleep": self._sleep, "now": self.now, "folder": self._folder}
        return Fetch(vault, environment=self._environment, workers=1, **like)

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
        rows, failure = counted(count, done.out) if good else (None, "")
        item = self._shelf.put(done.out, source=source, stream=stream, request=asked, response=response, count=rows)
        local.refuse(argv, done.code, says, good=good, timeout=timeout)
        refuse_uncounted(f"the output of `{local.shown(argv)}`", failure)
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
        rows, failure = counted(count, body)
        asked = {"method": "read", "path": path.name, **request}
        item = self._shelf.put(body, source=source, stream=stream, request=asked, count=rows)
        refuse_uncounted(str(path), failure)
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
        json: bool = False,
        reuse: bool = False,
        accept: Collection[int] = (),
    ) -> Answer:
        """
        HTTP GET of an address below `origin` (scheme, host, port); every answer on the way is stored.

        Asks again, up to four times in all, on 500, 502, 503, 504, a connection that fails, a body cut short and, with
        `json`, a body that is no JSON; up to eight times on a rate limit (429, or 403 with its marks), for which all
        threads wait as long as the source says, 15 minutes at most. Waits are said. Redirects are followed within the
        origin. The body is decoded; secrets of `auth` that it repeats are masked, and the response counts them as
        `redacted`. With `reuse` the answer of an interrupted run is taken when there is one; its response has
        `replayed_from` and the time when it was received. Statuses in `accept` are answers like 200.

        DeniedError on 401 and 403, RefusedError on any other status than 200, 204 and 304; both say which it was, the
        one is an AccessError and both are CollectErrors. CollectError on an address or redirect
        outside `origin`, and when trying again did not help; a body that is cut short, over 64 MiB or wrongly encoded
        is stored as `truncated`, with the bytes as they came.
        """
        call = Call(url, origin, params, headers, auth, source=source)
        call = replace(call, good=(*call.good, *accept))
        return self._got(call, stream, request, count, json=json, reuse=reuse)

    def post(
        self,
        url: str,
        *,
        origin: str,
        source: str,
        stream: str,
        body: Json,
        params: Mapping[str, str] = _NO_TEXT,
        headers: Mapping[str, str] = _NO_TEXT,
        auth: Credential | None = None,
        request: Mapping[str, Json] = _NOTHING,
        count: Callable[[bytes], int] | None = None,
        reuse: bool = False,
    ) -> Answer:
        """
        POST of JSON to an address that answers with JSON and changes nothing; everything else as for `get` with `json`.

        The stored request has what was sent as `body`. A redirect is not followed: it is refused like any other status.
        """
        call = Call(url, origin, params, headers, auth, source=source)
        told = self._talk.post(call, stream, body, request, count, reuse=reuse)
        return self._answer(told)

    def pages(
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
        json: bool = True,
        reuse: bool = False,
    ) -> Iterator[Answer]:
        """
        A list by pages, each as from `get`, as long as its `Link` header names a next one (RFC 8288).

        The request of each has its number as `page`, from 1. The next page lies in the same origin and ends in the same
        word of the path; the path before that may change, as GitHub's does from /repos/acme/api to /repositories/1.
        CollectError, with the pages so far stored and yielded, when a page leads elsewhere, comes twice, or is the
        10,001st: the list is not complete then.
        """
        first = Call(url, origin, params, headers, auth, source=source)
        yield from walk(
            first,
            lambda call, number: self._got(call, stream, {**request, "page": number}, count, json=json, reuse=reuse),
        )

    def graphql(
        self,
        url: str,
        *,
        origin: str,
        source: str,
        stream: str,
        query: str,
        variables: Mapping[str, Json],
        auth: Credential | None = None,
        headers: Mapping[str, str] = _NO_TEXT,
        request: Mapping[str, Json] = _NOTHING,
        count: Callable[[Json], int] | None = None,
        later: Callable[[], Mapping[str, Json]] = dict,
        reuse: bool = False,
    ) -> GraphAnswer:
        """
        POST of a query; retries, waits, masking and `reuse` as for `get`.

        The stored request has the variables and the digest of the query as `query_sha256`; its text is a body of its
        own in the stream `<stream>:query`, once in each run. Data with errors beside it is returned with them; `count`
        is applied to the data. What `later` gives stands in the stored request too: it is called before an answer is
        counted and stored, and may wait for other tasks meanwhile. PageTooLargeError when the source could not answer
        so much (502, 504, no answer in time, a limit on resources or nodes): ask for a smaller page. AccessError on 401
        and 403. CollectError otherwise, also when the query is refused as a whole.
        """
        call = Call(url, origin, headers=headers, auth=auth, source=source)
        return self._talk.query(call, stream, query, variables, request, count, later, reuse=reuse)

    def again(
        self, answer: GraphAnswer, *, stream: str, request: Mapping[str, Json], count: Callable[[Json], int]
    ) -> GraphAnswer:
        """An answer once more, for another stream than its own (`answered`); CollectError when it has no such rows."""
        return self._talk.again(answer, stream, request, count)

    def together(self, tasks: Iterable[Callable[[], T]], *, in_turn: bool = False) -> list[T]:
        """
        The results of the tasks, in the order given; at most `workers` of them run at a time.

        They may come from an iterator that itself asks: the next one is taken while those before it run. When some
        raise, all others finish first, then the first exception in order is raised. Tasks may call this again; however
        deep, no more than `workers` requests are under way. With `in_turn` what a task stores comes after all that the
        tasks before it stored, whichever was answered first. An interruption ends the waiting at once, and nothing more
        is stored then.
        """
        try:
            return self._crew.run(tasks, in_turn=in_turn)
        except KeyboardInterrupt:
            self._shelf.close()
            raise

    def ahead(self) -> AbstractContextManager[None]:
        """
        Within it, what this thread asks goes before what others wait to ask: for a chain that much depends on.

        Its place is kept for a moment after each answer, so that the next question of the chain need not wait.
        """
        return self._talk.ahead()

    def behind(self) -> AbstractContextManager[None]:
        """Within it, what this thread asks goes after what others wait to ask: for what nothing depends on."""
        return self._talk.behind()

    def clock(self) -> float:
        """Seconds of this thread, from any beginning, without those in which it waited for its turn or a limit."""
        return self._talk.clock()

    def secret(self, secret: Secret) -> str:
        """
        The text of a secret of the configuration, without white space around it.

        ConfigError, which never shows what was read, when it is missing, empty or unreadable, or its command fails.
        """
        return access.secret(secret, self._environment, self._folder)

    def grant(
        self, url: str, form: Mapping[str, str], *, source: str, auth: Credential | None = None
    ) -> tuple[Json, str]:
        """
        POST of a form to a server of tokens (RFC 6749, 4.4): its answer, and the access token in it.

        Nothing of it is stored: the answer is a secret. It goes to that very address; a redirect is refused. Retries
        and waits as for `get`. AccessError, with the error that the server names, on 400, 401 and 403; CollectError
        otherwise, also for an answer without a token.
        """
        return self._talk.grant(url, form, auth, source)

    def github_app(self, url: str, app: GithubApp) -> Credential:
        """
        The credential of an App's installation, from the API at `url`: ask for it before each request.

        It is kept until five minutes before it ends. The stored answer does not hold the token. ConfigError when the
        private key cannot be used; AccessError and CollectError as for `get`.
        """
        return self._apps.credential(url, app, lambda: self.secret(app.private_key))

    def mention(self, kind: str, names: Iterable[str]) -> None:
        """Tell the sources that come later of things that this run's evidence names, such as tickets."""
        self._board.mention(kind, names)

    def mentions(self, kind: str) -> frozenset[str]:
        """What was mentioned so far in this run, of that kind."""
        return self._board.mentions(kind)

    def state(self, coverage: Coverage) -> Coverage:
        """Record a collection's claim to completeness; returned with its run and the time of recording."""
        return self._shelf.state(coverage)

    def earlier(self, stream: str) -> list[Coverage]:
        """As the shelf's: the coverages of that stream that earlier runs recorded which ended well, oldest first."""
        return self._shelf.earlier(stream)

    @staticmethod
    def json(answer: Answer) -> Json:
        """
        What the body says as JSON.

        CollectError when it is not JSON to its very end, repeats a key, holds NaN or infinite numbers, or
        nests too deeply: each of these means different things to different readers.
        """
        if answer.parsed is not None:
            return answer.parsed
        try:
            return strictjson.parse(answer.body)
        except ValueError as problem:
            raise CollectError(
                f"{answer.item.stream}: the answer is not usable JSON: {problem}",
                hint=f"it is stored as {answer.item.digest}",
            ) from None

    def _got(
        self,
        call: Call,
        stream: str,
        request: Mapping[str, Json],
        count: Callable[[bytes], int] | None,
        *,
        json: bool,
        reuse: bool,
    ) -> Answer:
        return self._answer(self._talk.get(call, stream, request, count, json=json, reuse=reuse))

    @staticmethod
    def _answer(told: Told) -> Answer:
        came = told.exchange
        return Answer(told.item, came.body, came.status, headers=came.headers, parsed=told.value)

    def _input(self, stdin: bytes | None, source: str, stream: str) -> str | None:
        if stdin is None:
            return None
        asked = {"method": "input"}
        return self._shelf.put(stdin, source=source, stream=f"{stream}:input", request=asked).digest
