"""
One configured GitHub: how it is asked, in sizes that it can answer.

GitHub gives a query ten seconds, and answers with data and errors side by side. An answer that lacks whole things is
not counted, and what it was about is asked again in smaller pieces. One that is refused an optional part counts, and
that part is not asked for again. Any other error leaves the stream incomplete.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from soc2ev.errors import AccessError, CollectError, ConfigError, Soc2evError
from soc2ev.fetch import Credential, PageTooLargeError
from soc2ev.model import Json
from soc2ev.sources.github import agreement, ending, refusals, streams
from soc2ev.sources.github.refusals import AbsentError, PartialError
from soc2ev.sources.github.sizes import MOST, Sizes

if TYPE_CHECKING:
    from soc2ev.config import GithubSource
    from soc2ev.fetch import Answer, Fetch, GraphAnswer

NAME = "github"
HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
_NOTHING: Mapping[str, str] = {}
_MOST_EMPTY = 3
"""So many pages in a row without a row, and always a next one: the list does not end."""
_ODD = (AttributeError, LookupError, TypeError, ValueError)
_FAILURES = 2
_KINDS = {"github_pat_": "fine-grained"}

Thing = TypeVar("Thing")
Key = Callable[[Json], object]


@dataclass
class Host:
    """A GitHub and the credential for it. Safe to use from several threads."""

    fetch: Fetch
    settings: GithubSource
    clock: Callable[[], float] = time.monotonic
    sizes: Sizes = field(default_factory=Sizes)
    _token: Credential | None = field(default=None, repr=False)
    _selects: str | None = None

    @property
    def url(self) -> str:
        """The REST root."""
        return self.settings.url.rstrip("/")

    @property
    def graphql_url(self) -> str:
        """The GraphQL address; on Enterprise Server it stands beside `/api/v3`, not below it."""
        if self.settings.graphql_url:
            return self.settings.graphql_url
        return self.url.removesuffix("/v3") + "/graphql" if self.url.endswith("/api/v3") else f"{self.url}/graphql"

    def credential(self) -> Credential:
        """The credential of the moment; ConfigError when none is configured or it cannot be read."""
        if self.settings.app is not None:
            return self.fetch.github_app(self.url, self.settings.app)
        if self.settings.token is None:
            raise ConfigError(
                f"sources.github: {self.url} has neither token nor app",
                hint="add token: {env: GITHUB_TOKEN}, or app with id, installation and private_key",
            )
        if self._token is None:
            self._token = Credential.bearer(self.fetch.secret(self.settings.token))
        return self._token

    def selects(self) -> bool | None:
        """
        Whether the credential shows repositories that somebody selected, not all of an owner; None when nobody tells.

        Installations of Apps say so, workflows' own tokens among them:
        https://docs.github.com/rest/apps/installations#list-repositories-accessible-to-the-app-installation
        """
        if self._selects is None:
            told = self.get(
                "/installation/repositories",
                params={"per_page": "1"},
                stream=f"{NAME}:repositories",
                asked={"role": "installation"},
            )
            self._selects = str(self.fetch.json(told).get("repository_selection"))
        return None if self._selects not in ("all", "selected") else self._selects == "selected"

    @property
    def kind(self) -> str:
        """`installation`, `fine-grained` or nothing, as its beginning tells what the credential is."""
        beginning = "" if self.settings.app is not None else self.credential().secrets[0]
        return "installation" if self.settings.app or beginning.startswith("ghs_") else _KINDS.get(beginning[:11], "")

    def query(
        self,
        document: str,
        variables: Mapping[str, Json],
        *,
        stream: str,
        asked: Mapping[str, Json],
        reuse: bool = False,
        check: Callable[[Json], None] = lambda _: None,
        later: Callable[[], Mapping[str, Json]] = dict,
    ) -> GraphAnswer:
        """
        One question; `asked` says what we make of it (role, repository ...), and `later` what is known only when the
        answer is stored.

        `check` may refuse the data with ValueError before they are counted. An answer whose only errors refuse optional
        parts, or know nothing of some of the names that were asked for, is returned: `refused` tells the parts.
        DeniedError, AbsentError, PartialError and FlawedError for other errors beside the data; PageTooLargeError,
        AccessError, CollectError as Fetch raises them.
        """
        odd: list[str] = []
        told = dict(asked)

        def settle() -> Mapping[str, Json]:
            told.update(found := later())
            return found

        def count(data: Json) -> int:
            try:
                check(data)
                agreement.refuse_others(data, variables)
                return streams.count(told, data)
            except (Soc2evError, ValueError) as problem:
                odd.append(str(problem))
                raise

        try:
            answer = self.fetch.graphql(
                self.graphql_url,
                origin=_origin(self.graphql_url),
                source=NAME,
                stream=stream,
                query=document,
                variables=variables,
                auth=self.credential(),
                headers=HEADERS,
                request=asked,
                count=count if asked.get("role") in streams.ROLES else None,
                later=settle,
                reuse=reuse,
            )
        except CollectError as problem:
            if odd and not isinstance(problem, (AccessError, PageTooLargeError)):
                raise PartialError(problem.message, hint=problem.hint) from None
            raise
        refusals.refuse(answer, stream, asked.get("role"))
        return answer

    def again(self, answer: GraphAnswer, *, stream: str, asked: Mapping[str, Json]) -> GraphAnswer:
        """The same answer for another stream that it tells of; CollectError, and nothing stored, when it does not."""
        return self.fetch.again(answer, stream=stream, request=asked, count=partial(streams.count, asked))

    def get(
        self,
        path: str,
        *,
        stream: str,
        asked: Mapping[str, Json],
        params: Mapping[str, str] = _NOTHING,
        accept: Collection[int] = (),
    ) -> Answer:
        """One REST question below the root; statuses in `accept` are answers too."""
        return self.fetch.get(self.url + path, params=params, json=True, accept=accept, **self._rest(stream, asked))

    def walk(
        self, path: str, *, stream: str, asked: Mapping[str, Json], params: Mapping[str, str] = _NOTHING
    ) -> Iterator[Answer]:
        """The pages of a REST list; CollectError, after the last, where the host does not tell of next pages."""
        first = last = None
        number = 0
        for last in self.fetch.pages(self.url + path, params=params, json=True, **self._rest(stream, asked)):
            first, number = first or last, number + 1
            yield last
        if first is None or last is None:
            return
        told, shown = {**asked, "role": ending.ROLE}, self.url + path
        held = ending.rows(self.fetch.json(last))
        if number == 1 and (fewer := ending.doubtful(held, last.headers, params)):
            ending.refuse(self.get(path, stream=stream, asked=told, params=fewer).headers, shown)
        if number > 1 and ending.is_cut(held, ending.rows(self.fetch.json(first)), last.headers, shown):
            beyond = {**params, "page": str(number + 1)}
            more = self.get(path, stream=stream, asked=told, params=beyond)
            # A list by cursors knows no numbers, and begins again.
            if more.item.digest != first.item.digest:
                ending.refuse_more(ending.rows(self.fetch.json(more)), number, shown)

    def _rest(self, stream: str, asked: Mapping[str, Json]) -> dict[str, Json]:
        counts = asked.get("role") in streams.ROLES
        return {
            "origin": _origin(self.url),
            "source": NAME,
            "stream": stream,
            "auth": self.credential(),
            "headers": HEADERS,
            "request": asked,
            "count": (lambda body: streams.count(asked, json.loads(body))) if counts else None,
        }

    def pages(
        self,
        document: str,
        variables: Mapping[str, Json],
        path: Sequence[str],
        *,
        name: str,
        stream: str,
        asked: Mapping[str, Json],
        key: Key,
        first_page: int = 1,
        only_first: Mapping[str, Json] = _NOTHING,
        after: str | None = None,
        known: Iterable[object] = (),
        begun: GraphAnswer | None = None,
        reuse: bool = False,
    ) -> Iterator[tuple[GraphAnswer, Json]]:
        """
        The connection at `path`, page by page with the answer that holds it, in sizes of that name; `asked` gets the
        number of the page.

        A page that repeats rows of an earlier one (by `key`) is asked again once. CollectError when it repeats again.
        Variables in `only_first` replace others for the first page, unless `begun` has that already; `known` are rows
        that other requests had.
        """
        seen: set[object] = set(known)
        cursors: set[str | None] = set()
        number, empty = first_page - 1, 0
        while after not in cursors and empty < _MOST_EMPTY:
            cursors.add(after)
            number += 1

            def refuse_repeats(data: Json, seen: Collection[object] = seen) -> None:
                found = _find(data, path)
                if found and any(key(one) in seen for one in found["nodes"]):
                    raise ValueError("it repeats rows of an earlier page")

            answer = (
                begun
                if begun and number == first_page
                else self.page(
                    document,
                    {**variables, "after": after, **(only_first if number == first_page else {})},
                    name=name,
                    stream=stream,
                    asked={**asked, "page": number},
                    check=refuse_repeats,
                    reuse=reuse,
                )
            )
            found = _at(answer.data, path)
            seen |= {key(one) for one in found["nodes"]}
            yield answer, found
            if not found["pageInfo"]["hasNextPage"]:
                return
            after, empty = found["pageInfo"]["endCursor"], 0 if found["nodes"] else empty + 1
        raise CollectError(f"{stream}: the pages of the list repeat", hint="run again later; all answers are stored")

    def page(
        self,
        document: str,
        variables: Mapping[str, Json],
        *,
        name: str,
        stream: str,
        asked: Mapping[str, Json],
        check: Callable[[Json], None],
        reuse: bool,
    ) -> GraphAnswer:
        """
        One page of the size of that name, which the document calls `first`.

        Asked again once when it was odd or `check` refused it, and in ever smaller sizes when it was too large.
        """
        odd = 0
        while True:
            size, began = self.sizes.of(name), self.clock()
            try:
                answer = self.query(
                    document, {**variables, "first": size}, stream=stream, asked=asked, check=check, reuse=reuse
                )
            except PageTooLargeError:
                if size == 1:
                    raise
                self.sizes.shrink(name, size)
                continue
            except (AccessError, AbsentError):
                raise
            except CollectError:
                odd += 1
                if odd > 1:
                    raise
                continue
            self.sizes.grow(name, self.clock() - began)
            return answer

    def side_by_side(
        self,
        name: str,
        things: Sequence[Thing],
        ask: Callable[[Sequence[Thing]], None],
        lose: Callable[[Sequence[Thing], CollectError], None],
    ) -> None:
        """The same as `in_batches` for as many at a time as there are workers; what comes is stored in their order."""
        size = self.sizes.of(name)
        pieces = [things[start : start + size] for start in range(0, len(things), size)]
        self.fetch.together([partial(self.in_batches, name, one, ask, lose) for one in pieces], in_turn=True)

    def in_batches(
        self,
        name: str,
        things: Sequence[Thing],
        ask: Callable[[Sequence[Thing]], None],
        lose: Callable[[Sequence[Thing], CollectError], None],
    ) -> None:
        """
        Let `ask` ask for all things, as many at once as that name allows; `lose` is told what could not be had.

        A question that is too large or fails in part is split, down to single things. After two failures in a row that
        splitting does not help, everything left is lost: the endpoint is down or refuses.
        """
        waiting, most, failures, alone = list(things), MOST, 0, False
        while waiting:
            chunk = waiting[: min(most, self.sizes.of(name))]
            began = self.clock()
            try:
                ask(chunk)
            except (PageTooLargeError, PartialError, AbsentError) as problem:
                most = max(1, len(chunk) // 2)
                if isinstance(problem, PageTooLargeError):
                    self.sizes.shrink(name, len(chunk))
                if len(chunk) > 1 or not (alone or isinstance(problem, AbsentError)):
                    # Nothing can be split any more: a single thing is asked for once more.
                    alone = len(chunk) == 1
                    continue
                lose(chunk, problem)
                failures += isinstance(problem, PageTooLargeError)
            except CollectError as problem:
                lose(chunk, problem)
                failures += 1
                if isinstance(problem, AccessError):
                    failures = _FAILURES
            except _ODD as problem:
                # Of another form than GitHub's own: null where nothing can be null, text for a number.
                lose(chunk, CollectError(f"an answer is not understood: {problem!r}"[:300]))
                failures += 1
            else:
                failures, most = 0, min(MOST, most * 2)
                self.sizes.grow(name, self.clock() - began)
            waiting, alone = waiting[len(chunk) :], False
            if failures >= _FAILURES and waiting:
                lose(waiting, CollectError("not asked for any more after others had failed"))
                return


def _find(data: Json, path: Sequence[str]) -> Json:
    for step in path:
        data = (data or {}).get(step)
    return data


def _at(data: Json, path: Sequence[str]) -> Json:
    """The connection there; CollectError when GitHub says that there is nothing to hold it."""
    if (found := _find(data, path)) is None:
        raise CollectError(f"GitHub answered without {path[-1]}", hint="run again; the answer is stored")
    return found


def _origin(url: str) -> str:
    return "://".join(urlsplit(url)[:2])
