"""Questions to PostgreSQL through psycopg; the only importer of it. One read-only transaction for each SELECT."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

from soc2ev.errors import ConfigError
from soc2ev.sources.logs import readonly
from soc2ev.sources.logs.keeping import lay_down
from soc2ev.sources.logs.sieve import sifted
from soc2ev.sources.logs.transports import Question, Reply

if TYPE_CHECKING:
    from soc2ev.fetch import Fetch
    from soc2ev.model import Json

_OPTIONS = (
    "-c default_transaction_read_only=on -c statement_timeout=15000 -c lock_timeout=3000 -c search_path=pg_catalog"
)
_SECONDS = 10
_MOST_ROWS = 100_000
_DENIED = ("28", "42501")
"""SQLSTATE: invalid authorization, insufficient privilege. https://www.postgresql.org/docs/current/errcodes-appendix.html"""
_INSTALL = "pip install 'soc2ev[postgres]'"


class Postgres:
    """One database. Connects at the first question, in the clear to this machine only."""

    parallel = False

    def __init__(self, fetch: Fetch, stream: str, url: str, settings: Mapping[str, Json], password: str | None) -> None:
        """ConfigError when psycopg is not installed, or the address is none of PostgreSQL or holds a password."""
        try:
            import psycopg
        except ImportError:
            raise ConfigError("psycopg is not installed; PostgreSQL needs it", hint=_INSTALL) from None
        self._psycopg = psycopg
        self._fetch, self._stream = fetch, stream
        self._where = connection_of(url, settings)
        self._password = password
        self._connection: Json = None

    def ask(self, question: Question) -> Reply:
        """The rows of the statement as one page: objects by column; errors are told under their SQLSTATE."""
        reply = Reply()
        readonly.refuse_request("sql", question.place, post=False)
        try:
            rows = self._rows(question.place, question.params)
        except self._psycopg.Error as problem:
            code = problem.sqlstate or type(problem).__name__
            says = " ".join(str(problem).split())[:300]
            if self._password:
                says = says.replace(self._password, "***")
            silent = problem.sqlstate is None and self._connection is None
            # A refusal while connecting has no SQLSTATE in libpq's answer.
            denied = code.startswith(_DENIED) or (silent and "authentication failed" in says)
            asked = {**self._asked(question), "unusable": code}
            lay_down(self._fetch, {"error": {"code": code, "message": says}}, stream=self._stream, request=asked)
            return reply.fail(code, f"PostgreSQL: {says}", denied=denied, silent=silent)
        value = sifted(rows[:_MOST_ROWS], question.request.keep, question.request.redact)
        reply.cut = len(rows) > _MOST_ROWS
        answer = lay_down(self._fetch, value, stream=self._stream, request=self._asked(question))
        reply.add(answer.item.digest, answer.body, value)
        return reply

    def close(self) -> None:
        """Leave the database."""
        if self._connection is not None:
            with suppress(self._psycopg.Error):
                self._connection.close()

    def _asked(self, question: Question) -> dict[str, Json]:
        where = {name: self._where.get(name) for name in ("host", "port", "dbname", "user")}
        return {"method": "sql", "sql": question.place, "params": dict(question.params), **where, **question.asked}

    def _rows(self, sql: str, params: Mapping[str, Json]) -> list[dict[str, Json]]:
        if self._connection is None:
            # A database in SQL_ASCII would answer with bytes.
            where: dict[str, Json] = {
                **self._where,
                "client_encoding": "utf8",
                "options": _OPTIONS,
                "connect_timeout": _SECONDS,
            }
            where |= {"password": self._password} if self._password else {}
            self._connection = self._psycopg.connect(**where)
            self._connection.read_only = True
        with self._connection.transaction(force_rollback=True), self._connection.cursor() as cursor:
            cursor.execute(sql, dict(params) or None)
            names = [column.name for column in cursor.description or ()]
            found = cursor.fetchmany(_MOST_ROWS + 1)
        return [dict(zip(names, map(_plain, row), strict=True)) for row in found]


def connection_of(url: str, settings: Mapping[str, Json]) -> dict[str, str]:
    """The parameters of libpq; ConfigError for an address that is none, or that holds a password."""
    parts = urlsplit(url)
    if parts.scheme not in ("postgresql", "postgres") or not parts.hostname or parts.password:
        raise ConfigError(
            "url is no postgresql://HOST:PORT/DATABASE without a password", hint="give it as password: {env: NAME}"
        )
    if unknown := sorted({name for name, _ in parse_qsl(parts.query)}):
        raise ConfigError(f"url has parameters: {', '.join(unknown)}", hint="leave them out; TLS is chosen by sslmode")
    where = {"host": parts.hostname, "port": str(parts.port or 5432), "dbname": unquote(parts.path[1:]) or "postgres"}
    user = settings.get("user") or unquote(parts.username or "")
    where |= {"user": str(user)} if user else {}
    if not _loopback(parts.hostname):
        mode = str(settings.get("sslmode") or "verify-full")
        if mode not in ("require", "verify-ca", "verify-full"):
            raise ConfigError(f"sslmode {mode} may send the password in the clear", hint="use verify-full")
        where |= {"sslmode": mode, "sslrootcert": str(settings.get("ca") or "system")} if mode != "require" else {}
        where |= {"sslmode": mode}
    return {**where, "application_name": "soc2ev"}


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _plain(value: Json) -> Json:
    """The value as JSON; what JSON has no form for is text."""
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        return {str(name): _plain(part) for name, part in value.items()}
    return float(value) if isinstance(value, Decimal) else str(value)
