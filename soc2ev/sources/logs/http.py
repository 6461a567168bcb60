"""Questions over HTTP, through `fetch`: one origin, GET (or the few POSTs that only read), every answer stored."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from soc2ev.errors import AccessError, CollectError
from soc2ev.fetch import Credential, RefusedError
from soc2ev.sources.logs import paging
from soc2ev.sources.logs.keeping import NAME
from soc2ev.sources.logs.manifest import Paging
from soc2ev.sources.logs.oauth import Tokens
from soc2ev.sources.logs.quarantine import Quarantine
from soc2ev.sources.logs.transports import Question, Reply

if TYPE_CHECKING:
    from soc2ev.fetch import Answer, Fetch
    from soc2ev.model import Json

_REFUSED = "401"
_JSON = {"Accept": "application/json"}
_ENDED = re.compile(r'rel="?next"?\s*;[^,]*results="?false')
"""Sentry links a next page behind the last one, and says that it is empty."""


@dataclass(frozen=True, slots=True)
class Http:
    """One system. The credential goes to the origin of `base` and nowhere else."""

    fetch: Fetch
    stream: str
    base: str
    headers: Mapping[str, str] = field(default_factory=dict)
    auth: Credential | Tokens | None = None
    parallel: bool = True

    def ask(self, question: Question) -> Reply:
        """
        All pages of the answer; a failure ends them and is told in the reply, beside the pages that came.

        A token that ended too early is replaced, and the question asked again from its beginning.
        """
        reply = self._asked(question)
        if reply.code == _REFUSED and isinstance(self.auth, Tokens) and reply.used and self.auth.renewed(reply.used):
            return self._asked(question)
        return reply

    def _asked(self, question: Question) -> Reply:
        reply, request = Reply(), question.request
        quarantine = Quarantine(self.fetch, self.stream) if request.keep or request.redact else None
        try:
            for came in self._pages(question, reply, quarantine.fetch if quarantine else self.fetch):
                answer = quarantine.release(came, request) if quarantine else came
                reply.add(answer.item.digest, answer.body, self.fetch.json(answer))
        except RefusedError as problem:
            reply.fail(str(problem.status), problem.message, denied=isinstance(problem, AccessError))
            reply.said = problem.body
        except CollectError as problem:
            reason = f"{problem.message}; {problem.hint}"
            reply.fail("", reason, denied=isinstance(problem, AccessError), silent=not reply.pages)
        except ValueError as problem:
            reply.fail("", f"the answer is not understood: {problem}")
        if quarantine and reply.code:
            quarantine.give_up()
        return reply

    def close(self) -> None:
        """Nothing is held open."""

    def _pages(self, question: Question, reply: Reply, fetch: Fetch) -> Iterator[Answer]:
        """The pages, each asked for when the one before it was taken."""
        how = question.request.paginate or Paging(type="none")
        params = {name: _text(value) for name, value in question.params.items() if value is not None}
        url = self.base + question.place
        if how.type == "link":
            yield from self._linked(question, url, params, how.most, reply, fetch)
            return
        if how.type in ("offset", "page"):
            params = {how.param: str(how.start), **params}
        seen, bodies, asked = 0, set(), {(url, *sorted(params.items()))}
        for number in range(1, how.most + 1):
            reply.used = self._credential()
            answer = self._one(question, url, params, number, fetch, reply.used)
            yield answer
            if how.type == "none":
                return
            page = fetch.json(answer)
            rows = paging.count(page, how)
            if rows and answer.item.digest in bodies:
                raise CollectError("the list has the same rows on two pages", hint="it is not complete")
            bodies.add(answer.item.digest)
            seen += rows
            after = paging.following(how, page, number, seen)
            if after is None:
                if lacking := paging.lacking(how, page, seen):
                    raise CollectError(f"the list is shorter than it says: {lacking}", hint="it is not complete")
                return
            if how.type == "next_url":
                url, params = urljoin(url, str(after)), {}
            else:
                params = {**params, how.param: _text(after)}
            # Systems that say for ever that there is more do so over pages without rows.
            following = (url, *sorted(params.items()))
            if following in asked or (not rows and how.type in ("offset", "page")):
                raise CollectError("a page asks for one that was there already", hint="the list is not complete")
            asked.add(following)
        reply.cut = True

    def _linked(
        self, question: Question, url: str, params: Mapping[str, str], most: int, reply: Reply, fetch: Fetch
    ) -> Iterator[Answer]:
        reply.used = self._credential()
        pages = fetch.pages(
            url,
            origin=self.origin,
            source=NAME,
            stream=self.stream,
            params=params,
            headers={**_JSON, **self.headers},
            auth=reply.used,
            request=question.asked,
        )
        for number, answer in enumerate(pages, 1):
            if number > most:
                reply.cut = True
                return
            yield answer
            if _ENDED.search(answer.headers.get("link", "")):
                return

    def _credential(self) -> Credential | None:
        return self.auth.credential() if isinstance(self.auth, Tokens) else self.auth

    def _one(
        self,
        question: Question,
        url: str,
        params: Mapping[str, str],
        number: int,
        fetch: Fetch,
        auth: Credential | None,
    ) -> Answer:
        where: dict[str, Json] = {"origin": self.origin, "source": NAME, "stream": self.stream, "params": params}
        where |= {"headers": {**_JSON, **self.headers}, "auth": auth}
        where |= {"request": {**question.asked, "page": number}}
        if question.request.read_only_post:
            return fetch.post(url, body=question.body or {}, **where)
        return fetch.get(url, json=question.request.format == "json", **where)

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        parts = urlsplit(self.base)
        return f"{parts.scheme}://{parts.netloc}"


def _text(value: Json) -> str:
    """A parameter as it stands in an address."""
    return str(value).lower() if isinstance(value, bool) else str(value)
