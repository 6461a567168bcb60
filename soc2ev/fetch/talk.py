"""Questions to the web and what becomes of them: asked or replayed, judged, stored, counted."""

from __future__ import annotations

import hashlib
import json as standard_json
import time
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from soc2ev.errors import CollectError
from soc2ev.fetch import graphql, tries, trouble
from soc2ev.fetch.counting import counted, refuse_uncounted
from soc2ev.fetch.exchange import Call, refuse_grant
from soc2ev.fetch.governor import Governor
from soc2ev.fetch.replay import Replay
from soc2ev.fetch.trouble import Kind
from soc2ev.fetch.web import Web, address_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from datetime import datetime

    from soc2ev.fetch.credential import Credential
    from soc2ev.fetch.exchange import Exchange
    from soc2ev.fetch.shelf import Shelf
    from soc2ev.fetch.trouble import Verdict
    from soc2ev.model import EvidenceItem, Json


@dataclass(frozen=True, slots=True)
class Told:
    """A whole answer, where it is stored, and its JSON when that was promised."""

    exchange: Exchange
    item: EvidenceItem
    value: Json


@dataclass(frozen=True, slots=True)
class _Question:
    call: Call
    stream: str
    request: Mapping[str, Json]
    """What the stored request says beyond method, address and headers."""
    judge: Callable[[Exchange], Verdict]
    count: Callable[[Exchange, Json], tuple[int | None, str]]
    later: Callable[[], Mapping[str, Json]] = dict
    """What else the stored request says, known only when the answer is stored."""


class Talk:
    """Asks for `Fetch`. Everything that comes is stored before the next request."""

    def __init__(
        self,
        shelf: Shelf,
        environment: Mapping[str, str],
        say: Callable[[str], None],
        sleep: Callable[[float], None],
        now: Callable[[], datetime],
        workers: int,
        resume_after: datetime | None,
        turn: Callable[[], None],
    ) -> None:
        """`turn` waits until this thread may store."""
        self._shelf, self._turn = shelf, turn
        self._web = Web(environment)
        self._governor = Governor(workers, say, sleep, now)
        self._replay = Replay(shelf, resume_after, now) if resume_after else None

    def get(
        self,
        call: Call,
        stream: str,
        request: Mapping[str, Json],
        count: Callable[[bytes], int] | None,
        *,
        json: bool,
        reuse: bool,
    ) -> Told:
        """`Fetch.get`."""
        question = _Question(
            call,
            stream,
            request,
            lambda exchange: trouble.of_web(exchange, json=json),
            lambda exchange, _: counted(count, exchange.body),
        )
        return self._told(question, reuse=reuse)

    def post(
        self,
        call: Call,
        stream: str,
        body: Json,
        request: Mapping[str, Json],
        count: Callable[[bytes], int] | None,
        *,
        reuse: bool,
    ) -> Told:
        """`Fetch.post`."""
        question = _Question(
            replace(call, body=standard_json.dumps(body).encode()),
            stream,
            {**request, "body": _masked(body, call.auth)},
            lambda exchange: trouble.of_web(exchange, json=True),
            lambda exchange, _: counted(count, exchange.body),
        )
        return self._told(question, reuse=reuse)

    def query(
        self,
        call: Call,
        stream: str,
        query: str,
        variables: Mapping[str, Json],
        request: Mapping[str, Json],
        count: Callable[[Json], int] | None,
        later: Callable[[], Mapping[str, Json]],
        *,
        reuse: bool,
    ) -> graphql.GraphAnswer:
        """`Fetch.graphql`."""
        digest = f"sha256:{hashlib.sha256(query.encode()).hexdigest()}"
        self._shelf.put_query(query, digest, source=call.source, stream=stream)
        sent = standard_json.dumps({"query": query, "variables": variables}).encode()
        asked = {**request, "query_sha256": digest, "variables": _masked(variables, call.auth)}
        question = _Question(
            replace(call, body=sent),
            stream,
            asked,
            graphql.verdict,
            lambda _, value: counted(count, value.get("data") or {}),
            later,
        )
        told = self._told(question, reuse=reuse)
        return graphql.GraphAnswer(told.item, told.value.get("data") or {}, graphql.errors_of(told.value))

    def again(
        self, answer: graphql.GraphAnswer, stream: str, request: Mapping[str, Json], count: Callable[[Json], int]
    ) -> graphql.GraphAnswer:
        """`Fetch.again`."""
        item = answer.item
        with self._governor.waiting():
            self._turn()
        rows, failure = counted(count, answer.data)
        refuse_uncounted(f"the answer to {item.stream}", failure)
        asked = {name: item.request[name] for name in _ASKED if name in item.request}
        stored = self._shelf.put(
            self._shelf.read(item.digest),
            source=item.source,
            stream=stream,
            request={**asked, "answered": item.stream, **request},
            response=item.response,
            count=rows,
        )
        return replace(answer, item=stored)

    def token(self, url: str, proof: Credential) -> tuple[bytes, str]:
        """A new installation token: the stored body, and the token that was taken out of it."""
        headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
        call = Call(
            url, url, headers=headers, auth=proof, body=b"", source="github", good=(HTTPStatus.CREATED,), issues="token"
        )
        question = _Question(call, "github:installation-token", {}, trouble.of_web, lambda *_: (None, ""))
        exchange = self._told(question, reuse=False).exchange
        return exchange.body, exchange.issued

    def grant(self, url: str, form: Mapping[str, str], proof: Credential | None, source: str) -> tuple[Json, str]:
        """`Fetch.grant`."""
        body, headers = urlencode(form).encode(), {"Accept": "application/json"}
        call = Call(url, url, headers=headers, auth=proof, body=body, form=True, source=source, issues="access_token")
        call, came = replace(call, good=(HTTPStatus.OK,)), None
        governor = self._governor.about("token")
        try:
            for came, found in tries.answers(self._web, governor, call, trouble.of_web):
                if found.kind is Kind.WHOLE and came.issued:
                    return trouble.parsed(came).value, came.issued
        except CollectError as problem:
            refuse_grant(came, problem)
        where = urlsplit(url).netloc
        raise CollectError(
            f"{where} answered without a token", hint="check the address of the tokens; it is not stored"
        )

    def ahead(self) -> AbstractContextManager[None]:
        """`Fetch.ahead`."""
        return self._governor.ahead()

    def behind(self) -> AbstractContextManager[None]:
        """`Fetch.behind`."""
        return self._governor.behind()

    def clock(self) -> float:
        """`Fetch.clock`."""
        return time.monotonic() - self._governor.waited

    def _told(self, question: _Question, *, reuse: bool) -> Told:
        if reuse and self._replay and (told := self._replayed(question, self._replay)):
            return told
        governor = self._governor.about(_resource(question.call))
        for exchange, found in tries.answers(self._web, governor, question.call, question.judge):
            item, failure = self._store(question, exchange, found)
        refuse_uncounted(f"the answer of {exchange.shown}", failure)
        return Told(exchange, item, found.value)

    def _replayed(self, question: _Question, replay: Replay) -> Told | None:
        exchange = replay.find(question.call, address_of(question.call), question.request, question.stream)
        if exchange is None:
            return None
        found = question.judge(exchange)
        if found.kind is not Kind.WHOLE:
            return None
        item, failure = self._store(question, exchange, found)
        refuse_uncounted(f"the answer of {exchange.shown}", failure)
        return Told(exchange, item, found.value)

    def _store(self, question: _Question, exchange: Exchange, found: Verdict) -> tuple[EvidenceItem, str]:
        whole = found.kind is Kind.WHOLE
        with self._governor.waiting():
            self._turn()
            later = question.later()
        rows, failure = question.count(exchange, found.value) if whole and exchange.good else (None, "")
        item = self._shelf.put(
            exchange.body,
            source=question.call.source,
            stream=question.stream,
            request={**question.request, **exchange.request, **later},
            response=exchange.response if whole else {**exchange.response, "unusable": found.says},
            count=rows,
        )
        return item, failure


_ASKED = ("method", "url", "query_sha256", "variables")
"""What of a stored request says what was asked."""


def _masked(variables: Json, auth: Credential | None) -> Json:
    text = standard_json.dumps(variables)
    return standard_json.loads(auth.mask(text) if auth else text)


_SEARCH = "/search/"


def _resource(call: Call) -> str:
    """
    Whose limit a question counts against at GitHub, as its answers name it; systems that do not say have one for all.

    https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
    """
    path = urlsplit(call.url).path.removeprefix("/api/v3")
    if path.endswith("/graphql"):
        return "graphql"
    if path.startswith(_SEARCH):
        return "code_search" if path.startswith(f"{_SEARCH}code") else "search"
    return "core"
