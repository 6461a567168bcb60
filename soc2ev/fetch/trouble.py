"""
What an HTTP answer means for the next step: take it, ask again, wait, ask for less, give up.

The rules of GitHub's limits are those of its pages "Rate limits for the REST API" and "Rate limits and query limits for
the GraphQL API"; other systems keep to the same statuses and headers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from http import HTTPStatus
from typing import TYPE_CHECKING

from soc2ev.fetch import strictjson
from soc2ev.fetch.decode import CUT, DAMAGED
from soc2ev.fetch.exchange import phrase

if TYPE_CHECKING:
    from collections.abc import Mapping

    from soc2ev.fetch.exchange import Exchange
    from soc2ev.model import Json

_REDIRECTS = (301, 302, 303, 307, 308)
_PASSING = (500, 502, 503, 504)
_LASTING = (
    "SSLError",
    "InvalidURL",
    "InvalidSchema",
    "InvalidProxyURL",
    "InvalidHeader",
    "UnrewindableBodyError",
    "OSError",
)
"""Errors that no further try cures; an OSError as such is a CA bundle that is not there."""
_PRIMARY = re.compile(rb"api rate limit (?:already )?exceeded", re.IGNORECASE)
_SECONDARY = re.compile(rb"secondary rate limit|abuse detection mechanism", re.IGNORECASE)
_MAX_SENTENCE = 4_000


class Kind(StrEnum):
    """What to do with an answer."""

    WHOLE = "whole"
    ELSEWHERE = "elsewhere"
    """A redirect."""
    TROUBLE = "trouble"
    """It may pass: ask again soon."""
    PRIMARY = "primary limit reached"
    SECONDARY = "secondary limit reached"
    LARGE = "too much was asked for at once"
    FINAL = "refused"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The meaning of one answer."""

    kind: Kind
    says: str = ""
    """What is wrong, for a message and for the stored response; empty for a whole answer."""
    tries: int = 4
    """How many requests there may be in total when the last of them ends like this."""
    value: Json = field(default=None, repr=False)
    """The JSON of a whole answer, when it was promised."""

    @property
    def limit(self) -> bool:
        """Whether the source asks everybody to wait."""
        return self.kind in (Kind.PRIMARY, Kind.SECONDARY)


def of_web(exchange: Exchange, *, json: bool = False) -> Verdict:
    """The meaning of an answer to a GET; with `json`, a whole answer is JSON or has no content."""
    found = _of_wire(exchange) or _of_limit(exchange) or _of_status(exchange)
    if found:
        return found
    if json and exchange.status not in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
        return parsed(exchange)
    return Verdict(Kind.WHOLE)


def parsed(exchange: Exchange) -> Verdict:
    """The JSON of the body; trouble when it is none, as pages of a proxy or half an answer are."""
    try:
        return Verdict(Kind.WHOLE, value=strictjson.parse(exchange.body))
    except ValueError as problem:
        return Verdict(Kind.TROUBLE, f"the answer is not usable JSON: {problem}")


def told(headers: Mapping[str, str], now: datetime, *, spent: bool = False) -> float | None:
    """
    The seconds that an answer asks to wait, at least one; None when it does not.

    `Retry-After` (RFC 9110, 10.2.3) comes before the reset of a limit of which nothing remains, or of one that is known
    to be `spent`.
    """
    after = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}", after, re.ASCII):
        return max(float(after), 1.0)
    until = _date(after) or (_reset(headers) if spent or exhausted(headers) else None)
    return None if until is None else max((until - now).total_seconds(), 1.0)


def exhausted(headers: Mapping[str, str]) -> bool:
    """Whether nothing remains of the primary limit."""
    return headers.get("x-ratelimit-remaining", "").strip() == "0"


def limit(exchange: Exchange, *, tries: int = 8) -> Verdict:
    """
    The verdict for an answer that is known to be a limit; which of the two, its headers say, or its sentence.

    A question may cost more points than remain: then the primary limit refuses it before nothing is left.
    """
    spent = exhausted(exchange.headers) or _PRIMARY.search(exchange.body[:_MAX_SENTENCE]) is not None
    primary = spent and "retry-after" not in exchange.headers
    return Verdict(Kind.PRIMARY if primary else Kind.SECONDARY, str(Kind.PRIMARY if primary else Kind.SECONDARY), tries)


def _of_wire(exchange: Exchange) -> Verdict | None:
    if exchange.failure:
        lasting = exchange.failure in _LASTING
        return Verdict(Kind.FINAL if lasting else Kind.TROUBLE, f"no answer came ({exchange.failure})")
    if exchange.damage:
        passes = exchange.damage in (CUT, DAMAGED)
        return Verdict(Kind.TROUBLE if passes else Kind.FINAL, f"the answer {exchange.damage}")
    return None


def _of_limit(exchange: Exchange) -> Verdict | None:
    if exchange.status == HTTPStatus.TOO_MANY_REQUESTS:
        return limit(exchange)
    if exchange.status != HTTPStatus.FORBIDDEN:
        return None
    # GitHub sends its secondary limit as 403, with or without Retry-After; then only the sentence tells.
    asks = exhausted(exchange.headers) or "retry-after" in exchange.headers
    says = exchange.body[:_MAX_SENTENCE]
    return limit(exchange) if asks or _SECONDARY.search(says) or _PRIMARY.search(says) else None


def _of_status(exchange: Exchange) -> Verdict | None:
    says = f"answered {exchange.status} {phrase(exchange.status)}".rstrip()
    if exchange.good or exchange.status == HTTPStatus.NOT_MODIFIED:
        return None
    if exchange.status in _PASSING:
        return Verdict(Kind.TROUBLE, says)
    # A redirect of a POST would repeat it as a GET, which is another question.
    if exchange.status in _REDIRECTS and "location" in exchange.headers and exchange.call.body is None:
        return Verdict(Kind.ELSEWHERE, says)
    return Verdict(Kind.FINAL, says)


def _reset(headers: Mapping[str, str]) -> datetime | None:
    seconds = headers.get("x-ratelimit-reset", "").strip()
    return datetime.fromtimestamp(int(seconds), UTC) if re.fullmatch(r"\d{1,10}", seconds, re.ASCII) else None


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
