"""The collection of log sources: every entry of `sources.logs`, one record and one coverage each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from soc2ev.errors import CollectError, ConfigError
from soc2ev.fetch import Credential
from soc2ev.model import Coverage
from soc2ev.sources.logs import library, readonly, rows, tables
from soc2ev.sources.logs import record as records
from soc2ev.sources.logs.answers import Answers
from soc2ev.sources.logs.auth import Auth
from soc2ev.sources.logs.engine import Run, problems
from soc2ev.sources.logs.expressions import Expression
from soc2ev.sources.logs.keeping import NAME, lay_down
from soc2ev.sources.logs.manifest import Manifest, Read
from soc2ev.sources.logs.oauth import Client, Tokens, signer
from soc2ev.sources.logs.record import Record, Used
from soc2ev.sources.logs.transports import Transport

if TYPE_CHECKING:
    from soc2ev.config import LogSource, Settings
    from soc2ev.fetch import Fetch
    from soc2ev.model import Json
    from soc2ev.period import Period

_MOST_REASONS = 6


def scope(entry: LogSource) -> str:
    """How the names of an entry's streams begin."""
    return f"{NAME}:{entry.connector}:{entry.named}"


def collect(fetch: Fetch, settings: Settings, period: Period) -> Iterator[Coverage]:
    """
    Collect every entry; those whose answers others use come first.

    ConfigError when an entry names no connector, lacks what its manifest asks for, or its package is not installed.
    """
    entries = settings.config.sources.logs
    reads = [library.load(entry.connector, settings.file.parent) for entry in entries]
    pairs = sorted(zip(entries, reads, strict=True), key=lambda pair: bool(pair[1].manifest.uses))
    told = [_Entry(fetch, settings, entry, read) for entry, read in pairs]
    histories = [_History.of(one) for one in told]
    others = _Others()
    for one, history in zip(told, histories, strict=True):
        fetch.say(f"logs: {scope(one.entry)}")
        try:
            yield one.collected(period, others)
        except CollectError as problem:
            yield one.failed(period, problem)
        if history is not None:
            try:
                yield history.asked(period)
            except CollectError as problem:
                yield history.failed(period, problem)


@dataclass
class _Others:
    """What the entries before this one left behind."""

    records: dict[str, list[dict[str, Json]]] = field(default_factory=dict)
    used: dict[str, Used] = field(default_factory=dict)


@dataclass
class Collected:
    """What one run of a manifest gave."""

    record: dict[str, Json]
    body: bytes
    answers: Answers


class _Entry:
    """One entry with its manifest."""

    def __init__(self, fetch: Fetch, settings: Settings, entry: LogSource, read: Read) -> None:
        self.fetch, self.entry, self.read, self.settings = fetch, entry, read, settings
        self.values = values_of(entry, read)
        self.stream = f"{scope(entry)}:sources"
        self.transport = transport_of(fetch, entry, read, self.values, self.stream, settings)

    def collected(self, period: Period, others: _Others) -> Coverage:
        peers = {name: others.records.get(name, []) for name in self.read.manifest.uses}
        used = others.used.setdefault(self.read.manifest.id, Used())
        found = self.run(peers, used)
        others.records.setdefault(self.read.manifest.id, []).append(records.as_peer(found.record))
        made, same = rows.told(records.read(found.body))
        used.names |= rows.natives(made, self.read.manifest.id)
        used.same |= same
        return self._claim(period, found, sum(table == tables.SOURCES.name for table, _ in made))

    def run(self, peers: Mapping[str, list[dict[str, Json]]], used: Used) -> Collected:
        """Ask everything and store the record."""
        return self._asked(self.read.manifest, {}, peers, used, rows.count)

    def _asked(
        self,
        manifest: Manifest,
        period: Mapping[str, str],
        peers: Mapping[str, list[dict[str, Json]]],
        used: Used,
        count: Callable[[bytes], int],
    ) -> Collected:
        requests = {request.id: request for request in manifest.requests}
        answers = Answers(requests, self.values, {}, _text(self.fetch.now()), period=period)
        run = Run(self.fetch, manifest, self.transport, answers)
        try:
            run.ask()
        finally:
            self.transport.close()
        record = records.written(self.read, self.entry.named, answers, run.texts, used, peers)
        asked = {"method": "record", "role": "record", "connector": manifest.id, "entry": self.entry.named}
        answer = lay_down(self.fetch, record, stream=self.stream, request=asked, count=count)
        return Collected(record, answer.body, answers)

    def _claim(self, period: Period, found: Collected, fetched: int, more_reasons: Sequence[str] = ()) -> Coverage:
        reasons = [*problems(found.answers), *more_reasons]
        denied = any(one.denied for one in found.answers.failures)
        more = f"; and {len(reasons) - _MOST_REASONS} more" if len(reasons) > _MOST_REASONS else ""
        reason = "; ".join(reasons[:_MOST_REASONS])[:3_000] + more if reasons else None
        details = {"manifest": self.read.name, "shipped": self.read.shipped, "answers": len(found.record["bodies"])}
        return Coverage(
            self.stream,
            period,
            None,
            fetched,
            complete=not reasons,
            reason=reason,
            scope={**self._scope(), **({"access": "missing"} if denied else {})},
            details=details,
        )

    def failed(self, period: Period, problem: CollectError) -> Coverage:
        """The coverage of an entry of which not even the record could be stored."""
        reason = f"{problem.message}; {problem.hint}"
        return Coverage(self.stream, period, None, 0, complete=False, reason=reason, scope=self._scope())

    def _scope(self) -> dict[str, str]:
        return {"connector": self.entry.connector, "entry": self.entry.named}


class _History(_Entry):
    """The part of an entry that asks what happened in the period."""

    @classmethod
    def of(cls, one: _Entry) -> _History | None:
        """None where the entry does not ask for it; ConfigError where the connector cannot tell."""
        if not one.entry.alerts:
            return None
        if one.read.manifest.history is None:
            raise ConfigError(
                f"sources.logs: {one.entry.named}: {one.entry.connector} cannot tell which alerts there were",
                hint="take `alerts: true` away; `soc2ev sources explain` says what a connector asks",
            )
        return cls(one.fetch, one.settings, one.entry, one.read)

    def __init__(self, fetch: Fetch, settings: Settings, entry: LogSource, read: Read) -> None:
        super().__init__(fetch, settings, entry, read)
        # A place of its own: months of alerts follow one another, while of settings the newest reading answers.
        self.stream = f"{scope(entry)}:history:alerts"
        self.transport = transport_of(fetch, entry, read, self.values, self.stream, settings)

    def asked(self, period: Period) -> Coverage:
        """The alerts of the period; of one that has not ended, those until now."""
        manifest = self.read.manifest.of_history()
        if manifest is None:
            raise ValueError(f"{self.read.name} asks nothing about a period")
        asked = {"start": _text(period.start), "end": _text(min(period.end, self.fetch.now()))}
        found = self._asked(manifest, asked, {}, Used(), rows.count_alerts)
        record = records.read(found.body)
        alerts, doubts = rows.of_history(record)
        return self._claim(period, found, len(alerts), [*doubts, *self._forgotten(record, period)])

    def _forgotten(self, record: Record, period: Period) -> Iterator[str]:
        """Why what began earlier may be gone from the system."""
        kept = self.read.manifest.history.kept_days if self.read.manifest.history else None
        if isinstance(kept, str):
            try:
                kept = Expression(kept.removeprefix("=")).value(record.answers.surroundings({}, {}), record.observed_at)
            except ValueError:
                kept = -1
            if not isinstance(kept, int | float):
                yield "for how long the system remembers alerts is not known"
                return
        if kept is not None and period.start < self.fetch.now() - timedelta(days=kept):
            yield f"the system remembers alerts for {kept:g} days only, and the period began earlier"


def run_once(fetch: Fetch, settings: Settings, entry: LogSource) -> tuple[list[rows.Row], list[str], bool]:
    """
    Ask what one entry asks, alone and without a coverage: its rows, what was not obtained, whether access is missing.

    CollectError when not even the record could be stored.
    """
    read = library.load(entry.connector, settings.file.parent)
    found = _Entry(fetch, settings, entry, read).run({name: [] for name in read.manifest.uses}, Used())
    denied = any(one.denied for one in found.answers.failures)
    return list(rows.of_record(records.read(found.body))), list(problems(found.answers)), denied


def _text(at: datetime) -> str:
    return at.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")


def values_of(entry: LogSource, read: Read) -> dict[str, Json]:
    """The settings of an entry without its secrets; ConfigError for one that is missing or that nobody asked for."""
    given, known = entry.given(), read.manifest.config
    own = {"region", "profile"} if read.manifest.transport == "aws" else set()
    where = f"sources.logs: {entry.named}"
    if extra := sorted(given.keys() - known.keys() - own):
        raise ConfigError(f"{where}: {entry.connector} has no {extra[0]}", hint=_wanted(read))
    for name, setting in known.items():
        if name not in given and not setting.optional and setting.default is None:
            raise ConfigError(f"{where}: {name} is missing", hint=_wanted(read))
        if setting.secret and name in given and not entry.secret(name):
            raise ConfigError(f"{where}: {name} is a secret", hint="write {env: NAME}, {file: PATH} or {command: TEXT}")
        if not setting.secret and isinstance(given.get(name), dict):
            raise ConfigError(f"{where}: {name} is no secret", hint="write its value")
    defaults = {name: one.default for name, one in known.items() if not one.secret}
    return {**defaults, **{name: value for name, value in given.items() if name not in read.manifest.secrets}}


def _wanted(read: Read) -> str:
    return f"it takes: {', '.join(read.manifest.config) or 'nothing'}; `soc2ev sources explain {read.manifest.id}`"


def transport_of(
    fetch: Fetch, entry: LogSource, read: Read, values: Mapping[str, Json], stream: str, settings: Settings
) -> Transport:
    """The way to ask this system; ConfigError when a package or secret is missing, or the address is not safe."""
    manifest = read.manifest
    if manifest.transport == "aws":
        from soc2ev.sources.logs.aws import Aws

        return Aws(fetch, stream, entry.region, entry.profile)
    if manifest.transport == "postgres":
        from soc2ev.sources.logs.postgres import Postgres

        found = entry.secret("password")
        return Postgres(fetch, stream, str(values["url"]), values, fetch.secret(found) if found else None)
    if manifest.transport == "python":
        from soc2ev.sources.logs.script import Script

        given = {name: entry.secret(name) for name in manifest.secrets}
        secrets = {name: fetch.secret(found) for name, found in given.items() if found}
        return Script(fetch, stream, library.script_of(read, settings.file.parent), values, secrets)
    if manifest.transport == "file":
        from soc2ev.sources.logs.files import Files

        return Files(fetch, stream, settings.file.parent)
    from soc2ev.sources.logs.http import Http

    base = _filled(manifest.base_url, values)
    if not readonly.safe_url(base):
        raise ConfigError(f"sources.logs: {entry.named}: url is no https address (http is for loopback hosts only)")
    auth = _chosen(entry, read)
    also = _also(fetch, entry, auth)
    headers = {**_headers(entry, manifest.headers, values), **also}
    return Http(fetch, stream, base.rstrip("/"), headers, _proof(fetch, entry, auth, values, stream, also))


def _headers(entry: LogSource, wanted: Mapping[str, str], values: Mapping[str, Json]) -> dict[str, str]:
    """The headers with the entry's settings; one that is empty then is not sent."""
    filled = {name: _filled(text, values) for name, text in wanted.items()}
    if odd := next((name for name, text in filled.items() if not text.isprintable() or not text.isascii()), None):
        raise ConfigError(f"sources.logs: {entry.named}: a setting for the header {odd} is no plain text")
    return {name: text for name, text in filled.items() if text}


def _filled(text: str, values: Mapping[str, Json]) -> str:
    for name, value in values.items():
        text = text.replace(f"${{config.{name}}}", str(value))
    return text


def _chosen(entry: LogSource, read: Read) -> Auth | None:
    """How the entry proves who asks; None when it gives no secret. ConfigError when it gives half, or both ways."""
    auth = read.manifest.auth
    ways = [one for one in (auth, auth.instead if auth else None) if one is not None]
    given = entry.given()
    found = [one for one in ways if any(name in given for name in one.wants)]
    if not found:
        if len(ways) > 1:
            says = " or ".join(" and ".join(one.wants) for one in ways)
            raise ConfigError(f"sources.logs: {entry.named}: {says} is missing", hint=_wanted(read))
        return None
    if len(found) > 1:
        both = " and ".join(one.wants[0] for one in found)
        raise ConfigError(
            f"sources.logs: {entry.named}: {both} are two ways to prove who asks", hint="give one of them"
        )
    if len(ways) > 1 and (missing := [name for name in found[0].wants if name not in given]):
        raise ConfigError(f"sources.logs: {entry.named}: {missing[0]} is missing", hint=_wanted(read))
    return found[0]


def _also(fetch: Fetch, entry: LogSource, auth: Auth | None) -> dict[str, str]:
    """The further headers that prove who asks; none without the first secret, with which they are masked."""
    if auth is None or entry.secret(auth.proves) is None:
        return {}
    given = {header: entry.secret(name) for header, name in auth.also.items()}
    return {header: Credential(header, fetch.secret(found)).value for header, found in given.items() if found}


def _proof(
    fetch: Fetch, entry: LogSource, auth: Auth | None, values: Mapping[str, Json], stream: str, also: Mapping[str, str]
) -> Credential | Tokens | None:
    found = entry.secret(auth.proves) if auth else None
    if auth is None or found is None:
        return None
    secret = fetch.secret(found)
    if auth.type == "oauth2_client_credentials":
        return Tokens(fetch, stream, _client(entry, auth, values, secret), tuple(also.values()))
    made = _credential(fetch, entry, auth, values, secret)
    return replace(made, secrets=(*made.secrets, *also.values()))


def _client(entry: LogSource, auth: Auth, values: Mapping[str, Json], secret: str) -> Client:
    url, who = _filled(auth.token_url, values), str(values.get(auth.client_id) or "")
    if not readonly.safe_url(url) or "${" in url:
        raise ConfigError(f"sources.logs: {entry.named}: the address of tokens is no https address", hint=url[:200])
    scope, audience = _filled(auth.scope, values), _filled(auth.audience, values)
    if auth.client == "private_key_jwt":
        key_id = str(values.get(auth.key_id) or "") if auth.key_id else ""
        return Client(url, who, scope, audience, sign=signer(who, url, secret, key_id))
    return Client(url, who, scope, audience, secret=secret, in_body=auth.client == "body")


def _credential(fetch: Fetch, entry: LogSource, auth: Auth, values: Mapping[str, Json], secret: str) -> Credential:
    if auth.type == "bearer":
        return Credential.bearer(secret)
    if auth.type == "basic":
        user = entry.secret(auth.user)
        return Credential.basic(fetch.secret(user) if user else str(values.get(auth.user) or ""), secret)
    return Credential(auth.header, f"{auth.prefix}{secret}", (secret,))
