"""
One configured Jira: how it is asked.

It is asked who it is first, and who asks: Jira answers an unknown credential as it answers strangers, with lists from
which everything is missing that strangers may not see.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from soc2ev.errors import AccessError, CollectError, ConfigError, Soc2evError
from soc2ev.fetch import Credential, DeniedError, RefusedError
from soc2ev.period import zone
from soc2ev.sources.jira import streams

if TYPE_CHECKING:
    from soc2ev.config import JiraSource
    from soc2ev.fetch import Answer, Fetch
    from soc2ev.model import Json

NAME = "jira"
GATEWAY = "api.atlassian.com"
_HEADERS = {"Accept": "application/json", "X-ExperimentalApi": "opt-in"}
"""Older Service Management gives approvals to those only who opt in."""
_NOTHING: Mapping[str, str] = {}
_STRANGER = ("AUTHENTICATED_FAILED", "AUTHENTICATION_DENIED", "OUT")
_REDIRECTS = (301, 302, 303, 307, 308)
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _GONE = 401, 403, 404, 410


class OddError(CollectError):
    """An answer that Jira cannot have meant, such as rows that come twice; it may be asked again."""


def scope(source: JiraSource) -> str:
    """How the names of a site's streams begin: `jira:acme.atlassian.net`; with the path where there is one."""
    parts = urlsplit(source.url.rstrip("/"))
    return f"{NAME}:{parts.netloc}{parts.path}"


@dataclass
class Site:
    """A Jira and the credential for it. Safe to use from several threads once it is identified."""

    fetch: Fetch
    settings: JiraSource
    auth: Credential = field(repr=False)
    deployment: str = ""
    """Cloud or Server, as it calls itself."""
    version: str | None = None
    web: str = ""
    """Where its pages for people begin."""
    account: str | None = None
    """Whose credential it is: the account's id or key."""
    zone: ZoneInfo | None = None
    """In which JQL reads dates; None when Jira names none that is known here."""

    @classmethod
    def of(cls, fetch: Fetch, settings: JiraSource) -> Site:
        """The site with its credential: Basic with a user, else Bearer; ConfigError when a secret is missing."""
        token = fetch.secret(settings.token)
        user = settings.user and fetch.secret(settings.user)
        return cls(fetch, settings, Credential.basic(user, token) if user else Credential.bearer(token))

    @property
    def url(self) -> str:
        """Where its interface begins."""
        return self.settings.url.rstrip("/")

    @property
    def cloud(self) -> bool:
        """Whether it is Cloud."""
        return self.deployment == "Cloud"

    @property
    def api(self) -> str:
        """The path of its REST interface, once it is known which Jira it is."""
        return "/rest/api/3" if self.cloud else "/rest/api/2"

    def stream(self, name: str) -> str:
        """The full name of one of its streams."""
        return f"{scope(self.settings)}:{name}"

    def identify(self) -> int:
        """Ask which Jira this is and whose credential asks; the rows stored. CollectError when it cannot be told."""
        # Both versions of the path are served by both kinds of Jira, but 3 is Cloud's alone.
        answer = self.get("/rest/api/2/serverInfo", stream="site", role="server")
        told = self.fetch.json(answer)
        if not isinstance(told, dict) or told.get("deploymentType") not in ("Cloud", "Server"):
            raise CollectError(f"{self.url} does not say that it is Jira", hint="check `url:` of sources.jira")
        self.deployment, self.version = told["deploymentType"], _text(told.get("version"))
        self.web = _address(told.get("baseUrl")) or self.url
        extra = {"deployment": self.deployment, "version": self.version, "skew_seconds": _skew(answer)}
        me = self.get(f"{self.api}/myself", stream="site", role="self", asked=extra)
        person = self.fetch.json(me)
        self.zone, self.account = _zone(person.get("timeZone")), _text(person.get("accountId") or person.get("key"))
        return me.item.count or 0

    def get(
        self,
        path: str,
        *,
        stream: str,
        role: str,
        asked: Mapping[str, Json] = _NOTHING,
        params: Mapping[str, str] = _NOTHING,
        accept: Collection[int] = (),
        check: Callable[[Json], None] = lambda _: None,
        reuse: bool = False,
    ) -> Answer:
        """A GET below the site's address; see `post`. Statuses in `accept` are answers too."""
        question = {"json": True, "params": params, "accept": accept, "reuse": reuse}
        return self._ask(self.fetch.get, path, stream, role, asked, check, question)

    def post(
        self,
        path: str,
        body: Json,
        *,
        stream: str,
        role: str,
        asked: Mapping[str, Json] = _NOTHING,
        check: Callable[[Json], None] = lambda _: None,
        reuse: bool = False,
    ) -> Answer:
        """
        A POST below the site's address; `role` and `asked` say what we make of it.

        `check` may refuse the data with ValueError before they are counted; such an answer is asked for again once,
        then OddError. RefusedError with what is likely to help, DeniedError for 401 and 403; CollectError otherwise.
        """
        return self._ask(self.fetch.post, path, stream, role, asked, check, {"body": body, "reuse": reuse})

    def _ask(
        self,
        ask: Callable[..., Answer],
        path: str,
        stream: str,
        role: str,
        asked: Mapping[str, Json],
        check: Callable[[Json], None],
        question: Mapping[str, Json],
    ) -> Answer:
        about = {"role": role, "site": self.url, "web": self.web, **asked}
        reading = {**about, "body": question.get("body")}
        odd: list[str] = []

        def count(raw: bytes) -> int:
            try:
                data = json.loads(raw)
                check(data)
                return streams.count(reading, data)
            except (Soc2evError, ValueError) as problem:
                odd.append(str(problem))
                raise

        where: dict[str, Json] = {"origin": _origin(self.url), "source": NAME, "stream": self.stream(stream)}
        where |= {"headers": _HEADERS, "auth": self.auth, "request": about, **question}
        where |= {"count": count if role in streams.ROLES else None}
        for reuse in (where["reuse"], False):
            odd.clear()
            try:
                answer = ask(self.url + path, **{**where, "reuse": reuse})
            except RefusedError as problem:
                raise _explained(problem, self.settings) from None
            except CollectError:
                if not odd:
                    raise
            else:
                # Strangers may know which Jira it is; what they may not, it says better itself.
                if role != "server":
                    _refuse_strangers(answer, self.url)
                return answer
        raise OddError(f"{self.url}{path}: {odd[-1]}", hint="the answers are stored; collect again")


def _explained(problem: RefusedError, settings: JiraSource) -> RefusedError:
    """The refusal with what helps: 401 is about the token, 403 about rights, 404 about the address."""
    hint = problem.hint
    if problem.status == _UNAUTHORIZED:
        hint = "the token is wrong, has expired or is of another kind"
        place = urlsplit(settings.url).netloc
        if settings.user is None and place.endswith(".atlassian.net"):
            hint += "; at this address Cloud takes it with `user:`, the account's mail address"
        if place != GATEWAY and settings.user is not None:
            hint += (
                f": a scoped token is taken at https://{GATEWAY}/ex/jira/<cloud id> only, and tokens end within a year"
            )
    elif problem.status == _FORBIDDEN:
        hint = "the token is taken, but its account lacks the right or its scopes do not include it"
    elif problem.status == _NOT_FOUND:
        hint = "there is no Jira at that address, or it does not have this; check `url:` with its context path"
    elif problem.status == _GONE:
        hint = "this Jira does not have that any more; a newer soc2ev may ask otherwise"
    elif problem.status in _REDIRECTS:
        hint = "it leads to another page, as when a login is asked for; check the token and `url:`"
    elif 400 <= problem.status < 500:  # noqa: PLR2004  the class of statuses that are about the request
        hint = (
            "Jira does not take the question: a project that does not exist or that the token may not see is one cause"
        )
    kind = DeniedError if isinstance(problem, AccessError) else RefusedError
    return kind(problem.message, problem.status, hint=f"{hint}; the answer is stored")


def _refuse_strangers(answer: Answer, url: str) -> None:
    # Seraph, Jira's gatekeeper, says beside a good status that the credential failed and a stranger was answered.
    reason = answer.headers.get("x-seraph-loginreason", "")
    stranger = any(one.strip() in _STRANGER for one in reason.split(","))
    if stranger or answer.headers.get("x-ausername", "") == "anonymous":
        raise AccessError(
            f"{url} answered as to a stranger: it does not take the token",
            hint="it has expired or was withdrawn; make another one, then collect again",
        )


def _zone(name: Json) -> ZoneInfo | None:
    try:
        return zone(name) if isinstance(name, str) else None
    except ConfigError:
        return None


def _skew(answer: Answer) -> int | None:
    """The server's clock minus ours, as far as the time of the answer tells."""
    try:
        there = parsedate_to_datetime(answer.headers["date"])
    except (KeyError, TypeError, ValueError):
        return None
    there = there if there.tzinfo else there.replace(tzinfo=UTC)
    return round((there - answer.item.received_at).total_seconds())


def _address(value: Json) -> str | None:
    """An address of the web, without the slash at its end."""
    if not isinstance(value, str) or not value.isprintable() or not value.startswith(("https://", "http://")):
        return None
    return value.rstrip("/")


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) else None


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def jql_time(moment: datetime, of: ZoneInfo | None) -> str:
    """A minute as JQL writes it, in the zone in which it will be read (UTC when that is not known)."""
    return moment.astimezone(of or UTC).strftime("%Y-%m-%d %H:%M")
