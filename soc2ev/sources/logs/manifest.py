"""
The manifest of a log source: which read-only questions are asked, and which facts their answers hold.

The language is closed: what stands in a manifest can be listed, linted and explained without running anything.
docs/adding-a-source.md describes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from soc2ev import yamlfile
from soc2ev.errors import ConfigError
from soc2ev.sources.logs import holding, readonly
from soc2ev.sources.logs.auth import IN_TEXT, Auth
from soc2ev.sources.logs.expressions import RESERVED, Expression
from soc2ev.sources.logs.tables import ALERTS, FIELDS, LISTS

CATEGORIES = (
    "application",
    "authentication",
    "cloud_infrastructure",
    "database",
    "ci_cd",
    "admin_console",
    "support_tool",
    "secrets_manager",
    "firewall_waf",
    "api_gateway",
    "siem_observability",
    "alerting",
)
Scalar = str | int | float | bool | None
_PLACES = {"http": "path", "aws": "op", "postgres": "sql", "file": "path", "python": "call"}
_OWN = ("each", "when")
"""Keys of an entry of a list that are no columns."""


def _expression(text: str) -> str:
    """Always an expression: the sign that marks one elsewhere may stand before it, or not."""
    bare = text.removeprefix("=")
    Expression(bare)
    return bare


Jmes = Annotated[str, AfterValidator(_expression)]
"""Text of a JMESPath expression; it compiles."""


class Form(BaseModel):
    """A part of a manifest: unknown keys are refused, nothing is converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)


class Setting(Form):
    """A name that an entry of `sources.logs` gives."""

    secret: bool = False
    """Comes from the environment, a file or a command; never stored."""
    optional: bool = False
    default: Scalar = None
    says: str = ""


class Paging(Form):
    """How a list goes on. `items` names the lists that do; without it the body itself is the list."""

    type: Literal["none", "link", "offset", "page", "cursor", "next_url", "token"]
    items: list[str] = []
    param: str = ""
    next: str = ""
    """cursor, next_url, token: where an answer names what comes next."""
    more: str = ""
    """Where an answer says whether there is more; without it an empty page is the last, or one that names no next."""
    total: str = ""
    """Where an answer says how many rows there are in all: fewer that came are not the whole list."""
    always: bool = False
    """The system sends the list even when it is empty, so that an answer without it is another one."""
    start: int = 0
    most: int = Field(default=1_000, ge=1, le=10_000)
    """Pages at most; a list that is longer is stated as cut short."""

    @model_validator(mode="after")
    def _whole(self) -> Paging:
        if self.type in ("cursor", "next_url", "token") and not self.next:
            raise ValueError(f"{self.type} needs next: where an answer names what comes next")
        if self.type in ("offset", "page", "cursor", "token") and not self.param:
            raise ValueError(f"{self.type} needs param: the parameter that asks for the next page")
        return self


class Redaction(Form):
    """A value that is masked before it is stored."""

    path: str
    keep: Literal["nothing", "host", "hosts"] = "nothing"
    """host: of an address its scheme and host stay, other texts as they are; hosts: of every address in a text."""


class Request(Form):
    """One question, or one for each element of an earlier answer."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    path: str = ""
    op: str = ""
    sql: str = ""
    call: str = Field(default="", pattern=r"^([a-z][a-z0-9_]*)?$")
    """python: what the file of the team's own is asked for."""
    params: dict[str, Any] = {}
    body: dict[str, Any] | None = None
    """What a POST sends."""
    for_each: Jmes | None = None
    paginate: Paging | None = None
    absent_on: list[str | int] = []
    """Statuses or error codes that say: this is not configured. All other errors leave facts unknown."""
    absent_says: dict[str, Any] | None = None
    """http: the whole body of an answer that means this; with another body its status is an error like others."""
    shows: list[str] = []
    """Paths of which each answer of the system has one at least, `[]` for a list, `*` for any; else it is not its."""
    holds: dict[str, holding.Wanted] = {}
    """By path: the type of the member, or the words that are known; an answer that differs is not understood."""
    unknown_on: dict[str, str] = {}
    """Statuses or error codes with the reason to give for them."""
    keep: list[str] = []
    redact: list[Redaction] = []
    read_only_post: bool = False
    region: str = ""
    """aws: another region than the entry's; an expression may name that of the element."""
    format: Literal["json", "nginx", "yaml"] = "json"
    """http: json, or yaml with `keep`, of which the kept part is stored as JSON. file: json or nginx."""

    @model_validator(mode="after")
    def _reads(self) -> Request:
        given = [name for name in ("path", "op", "sql", "call") if getattr(self, name)]
        if len(given) != 1:
            raise ValueError("give exactly one of path, op, sql, call")
        if self.id in RESERVED:
            raise ValueError(f"{self.id} is a name of the language; choose another id")
        if not self.call:
            readonly.refuse_request(given[0], getattr(self, given[0]), post=self.read_only_post)
        if self.format == "yaml" and not (self.path and self.keep and self.paginate is None):
            raise ValueError("an answer in yaml needs keep, and has no pages")
        if self.absent_says is not None and not (self.path and self.absent_on):
            raise ValueError("absent_says is the body of an answer over http with a status of absent_on")
        for path, wanted in self.holds.items():
            holding.refuse(path, wanted)
        if self.body is not None and not self.read_only_post:
            raise ValueError("only GET is sent, unless read_only_post is true")
        return self

    @property
    def asks(self) -> str:
        """The call as a reader names it."""
        if not self.path:
            return self.op or " ".join(self.sql.split()) or f"{self.call} of its own file"
        return f"{'POST' if self.read_only_post else 'GET'} {self.path}"


class Source(Form):
    """How answers become log sources."""

    each: Jmes | None = None
    """One record for each element, which is `item`; without it there is one record."""
    join: dict[str, Jmes] = {}
    """By request with for_each: which element's answer belongs to this record."""
    let: dict[str, Any] = {}
    record: dict[str, Any]
    when_empty: dict[str, Any] = {}
    """The record when `each` is known to have no element: there is no trail, no recorder."""

    @model_validator(mode="after")
    def _known(self) -> Source:
        for name, value in (*self.record.items(), *self.when_empty.items()):
            if name not in FIELDS and name not in LISTS:
                raise ValueError(f"a record has no {name!r}{yamlfile.suggest(name, [*FIELDS, *LISTS])}")
            if name in LISTS:
                _refuse_entries(name, value)
            elif isinstance(value, dict):
                raise ValueError(f"{name} is a constant or an expression that begins with =")
        for text in self.texts():
            Expression(text)
        return self

    def texts(self) -> Iterator[str]:
        """Every expression that takes facts out of answers."""
        yield from filter(None, (self.each, *self.join.values()))
        for value in (*self.let.values(), *self.record.values(), *self.when_empty.values()):
            yield from _texts(value)


class History(Form):
    """What happened in the period: alerts that were raised, and what became of each. Expressions know `period`."""

    requires: list[str] = []
    """The least rights beside those of the settings."""
    requests: list[Request] = Field(min_length=1)
    kept_days: int | Jmes | None = None
    """For how long the system remembers; None for a system that forgets nothing. What began earlier is incomplete."""
    join: dict[str, Jmes] = {}
    let: dict[str, Any] = {}
    alert_events: list[dict[str, Any]]

    def source(self) -> Source:
        """The same as a source with one list."""
        return Source(join=self.join, let=self.let, record={ALERTS: self.alert_events})


class Manifest(Form):
    """A log source: questions and facts."""

    id: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    title: str
    category: Literal[CATEGORIES]  # type: ignore[valid-type]  # one list for the type and for docs
    transport: Literal["http", "aws", "postgres", "file", "python"]
    base_url: str = ""
    headers: dict[str, str] = {}
    auth: Auth | None = None
    config: dict[str, Setting] = {}
    uses: list[str] = []
    """Connectors whose answers of the same run are `peers` here."""
    requires: list[str] = []
    """The least rights."""
    requests: list[Request] = Field(min_length=1)
    sources: list[Source] = Field(min_length=1)
    history: History | None = None
    fixtures: str = ""
    docs: str = ""
    verified: str = ""
    """Against which version of the system, and when."""

    @model_validator(mode="after")
    def _fits(self) -> Manifest:
        seen = self._refuse_requests(self.requests)
        if self.transport == "http":
            readonly.refuse_base(self.base_url)
        for name in IN_TEXT.findall(" ".join(self.headers.values())):
            if name not in self.config or self.config[name].secret:
                raise ValueError(f"headers: config has no {name} that is no secret; a secret header belongs to auth")
        self._refuse_auth()
        for source in self.sources:
            if ALERTS in source.record:
                raise ValueError(f"{ALERTS} belong to history, with questions about the period")
            self._refuse_source(source, self.requests, seen)
        if self.history is not None:
            asked = self._refuse_requests(self.history.requests)
            self._refuse_source(self.history.source(), self.history.requests, asked)
        return self

    def texts(self) -> Iterator[str]:
        """Every expression, but those in paths."""
        history = [self.history] if self.history else []
        for request in (*self.requests, *(request for one in history for request in one.requests)):
            yield from _templates(request)
        for source in (*self.sources, *(one.source() for one in history)):
            yield from source.texts()

    def of_history(self) -> Manifest | None:
        """The questions about a period as a manifest of their own; None when there are none."""
        if self.history is None:
            return None
        parts = {"requests": self.history.requests, "sources": [self.history.source()], "history": None}
        return self.model_copy(update=parts)

    def _refuse_requests(self, requests: Sequence[Request]) -> set[str]:
        """The ids of the requests; ValueError for one that does not fit."""
        place, seen = _PLACES[self.transport], set[str]()
        for request in requests:
            if not getattr(request, place):
                raise ValueError(f"{request.id}: transport {self.transport} asks by {place}")
            if request.id in seen:
                raise ValueError(f"two requests have the id {request.id}")
            _refuse_unknown(request.id, _templates(request), seen | {"item", "config", "period", "partial"})
            seen.add(request.id)
        return seen

    def _refuse_auth(self) -> None:
        for auth in filter(None, (self.auth, self.auth.instead if self.auth else None)):
            secrets = [auth.proves, *auth.also.values()]
            named = [auth.key_id] if auth.key_id else []
            for name in (*auth.wants, *secrets, *named, *auth.filled_in):
                if name not in self.config:
                    raise ValueError(f"auth: config has no {name}")
            for name in secrets:
                if not self.config[name].secret:
                    raise ValueError(f"auth: config.{name} is not marked as a secret")
            for name in auth.filled_in:
                if self.config[name].secret:
                    raise ValueError(f"auth: {name} is a secret and does not stand in an address or a scope")

    def _refuse_source(self, source: Source, asked: Sequence[Request], requests: set[str]) -> None:
        each = {request.id for request in asked if request.for_each}
        for name in source.join:
            if name not in each:
                raise ValueError(f"join: {name} is no request with for_each")
        if doubled := sorted(set(source.let) & (requests | RESERVED)):
            raise ValueError(f"let: {doubled[0]} is a request or a name of the language; choose another")
        known = requests | RESERVED | set(source.let)
        for text in source.texts():
            _refuse_unknown("sources", [text], known)

    def request(self, name: str) -> Request:
        """The request of that id."""
        return next(one for one in self.requests if one.id == name)

    @cached_property
    def secrets(self) -> tuple[str, ...]:
        """Names of settings that are secrets."""
        return tuple(name for name, setting in self.config.items() if setting.secret)


@dataclass(frozen=True, slots=True)
class Read:
    """A manifest with the text that it was read from and the name of its file."""

    manifest: Manifest
    text: bytes
    name: str
    shipped: bool = True


def parse(text: bytes, name: str) -> Manifest:
    """The manifest in those bytes; ConfigError with file:line:column for each complaint."""
    document = yamlfile.parse(text, name)
    if not isinstance(document.data, dict):
        raise ConfigError(f"{name}:1:1: expected a mapping with id, title, transport, requests, sources")
    return document.validate(Manifest)


def _refuse_entries(name: str, value: Any) -> None:
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise ValueError(f"{name} is a list of entries")
    for entry in value:
        for key in entry:
            if key not in LISTS[name] and key not in _OWN:
                raise ValueError(f"{name} has no {key!r}{yamlfile.suggest(key, [*LISTS[name], *_OWN])}")


def _texts(value: Any) -> Iterator[str]:
    """The expressions in a constant, a mapping or a list: texts that begin with =; `each` and `when` are always one."""
    if isinstance(value, str) and value.startswith("="):
        yield value[1:]
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)
    elif isinstance(value, Mapping):
        for key, part in value.items():
            if key in _OWN and isinstance(part, str):
                yield part.removeprefix("=")
            else:
                yield from _texts(part)


def _templates(request: Request) -> list[str]:
    parts = [request.for_each] if request.for_each else []
    return [*parts, *_texts(request.params), *_texts(request.body or {}), *_texts(request.region)]


def _refuse_unknown(where: str, texts: list[str], known: set[str]) -> None:
    for text in texts:
        for name in sorted(Expression(text).roots):
            if name not in known:
                raise ValueError(f"{where}: {text!r} names {name!r}{yamlfile.suggest(name, sorted(known))}")
