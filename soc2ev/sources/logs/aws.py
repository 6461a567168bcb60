"""Questions to AWS through boto3; the only importer of it. Operations that read; credentials as boto3 finds them."""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from soc2ev.errors import CollectError, ConfigError
from soc2ev.sources.logs import paging, readonly
from soc2ev.sources.logs.keeping import lay_down
from soc2ev.sources.logs.manifest import Paging
from soc2ev.sources.logs.sieve import sifted
from soc2ev.sources.logs.transports import Question, Reply

if TYPE_CHECKING:
    from soc2ev.fetch import Answer, Fetch
    from soc2ev.model import Json

_DENIED: tuple[str, ...] = (
    "AccessDenied",
    "Unauthorized",
    "AuthFailure",
    "NotAuthorized",
    "InvalidClientTokenId",
    "ExpiredToken",
    "UnrecognizedClient",
    "SignatureDoesNotMatch",
    "InvalidAccessKeyId",
    "OptInRequired",
    "Forbidden",
)
_DENIED_STATUS = (401, 403)
_SECONDS = 30
_SUCCESS = range(200, 300)
_MAPS = tuple(bytes([first]) for first in range(0xA0, 0xC0))
"""How a map begins in CBOR (RFC 8949, 3.1)."""
_PAGE = re.compile(rb"<(!doctype )?html", re.IGNORECASE)
_ATTEMPTS = 4


class Aws:
    """One account and region; threads may share it, as boto3's clients may be shared."""

    parallel = True

    def __init__(self, fetch: Fetch, stream: str, region: str | None, profile: str | None = None) -> None:
        """
        Credentials come from the profile of that name, else as boto3 finds them.

        ConfigError when boto3 is not installed, or there is no such profile.
        """
        self._fetch, self._stream, self._region, self._profile = fetch, stream, region, profile
        try:
            import boto3
            from botocore import exceptions
        except ImportError:
            raise ConfigError("boto3 is not installed; connectors for AWS need it", hint=_INSTALL) from None
        try:
            self._session = boto3.session.Session(profile_name=profile)
        except exceptions.ProfileNotFound as problem:
            raise ConfigError(f"AWS: {problem}", hint=_PROFILES) from None
        self._clients: dict[tuple[str, str | None], Json] = {}
        # Clients may be shared by threads; making them may not.
        self._lock = threading.Lock()

    def ask(self, question: Question) -> Reply:
        """All pages of the answer; errors of AWS are told in the reply under their code, and are stored too."""
        from botocore import exceptions, parsers

        reply = Reply()
        try:
            self._pages(question, reply)
        except exceptions.ClientError as problem:
            return self._refused(question, reply, problem.response)
        except (exceptions.NoCredentialsError, exceptions.PartialCredentialsError) as problem:
            reason = (
                f"there are no credentials for AWS ({type(problem).__name__}); set AWS_PROFILE or AWS_ACCESS_KEY_ID"
            )
            return reply.fail("NoCredentials", reason, denied=True, silent=True)
        except (
            exceptions.BotoCoreError,
            parsers.ResponseParserError,
            ConfigError,
            CollectError,
            ValueError,
        ) as problem:
            silent = isinstance(problem, exceptions.HTTPClientError)
            return reply.fail(type(problem).__name__, f"{question.place}: {problem}"[:500], silent=silent)
        return reply

    def close(self) -> None:
        """Give the connections back."""
        for client in self._clients.values():
            client.close()

    def _pages(self, question: Question, reply: Reply) -> None:
        how = question.request.paginate or Paging(type="none")
        client = self._client(question.place, question.region)
        operation = getattr(client, question.place.partition(".")[2])
        params = {name: value for name, value in question.params.items() if value is not None}
        seen = 0
        for number in range(1, how.most + 1):
            value = self._stored(question, params, client, operation(**params), number, reply)
            seen += paging.count(value, how) if how.type != "none" else 0
            after = paging.following(how, value, number, seen)
            if after is None:
                if lacking := paging.lacking(how, value, seen):
                    raise CollectError(f"{question.place}: the list is shorter than it says: {lacking}")
                return
            if params.get(how.param) == after:
                raise CollectError(f"{question.place} names one page twice as the next; the list is not complete")
            params = {**params, how.param: after}
        reply.cut = True

    def _stored(
        self, question: Question, params: Mapping[str, Json], client: Json, response: Json, number: int, reply: Reply
    ) -> Json:
        plain = _plain({name: part for name, part in response.items() if name != "ResponseMetadata"})
        how = question.request.paginate
        turns = [path for path in (how.next, how.more, how.total) if path] if how else []
        keep = [*question.request.keep, *turns] if question.request.keep else []
        value = sifted(plain, keep, question.request.redact)
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        answer = self._lay(question, params, client, {"status": status, "page": number}, value)
        reply.add(answer.item.digest, answer.body, value)
        return value

    def _refused(self, question: Question, reply: Reply, response: Mapping[str, Json]) -> Reply:
        error, metadata = response.get("Error", {}), response.get("ResponseMetadata", {})
        code, status = str(error.get("Code") or "error"), metadata.get("HTTPStatusCode")
        says = " ".join(str(error.get("Message") or "").split())[:300]
        client = self._client(question.place, question.region)
        told = {"error": {"code": code, "message": says}}
        self._lay(question, question.params, client, {"status": status, "unusable": code}, told)
        denied = code.startswith(_DENIED) or status in _DENIED_STATUS
        return reply.fail(code, f"{question.place}: {code}: {says}", denied=denied)

    def _lay(
        self, question: Question, params: Mapping[str, Json], client: Json, told: Mapping[str, Json], value: Json
    ) -> Answer:
        told = {**told, **({"profile": self._profile} if self._profile else {})}
        place = {"op": question.place, "params": _plain(dict(params)), "endpoint": client.meta.endpoint_url}
        asked = {"method": "aws", **place, "region": client.meta.region_name, **question.asked, **told}
        return lay_down(self._fetch, value, stream=self._stream, request=asked)

    def _client(self, op: str, region: str | None) -> Json:
        readonly.refuse_request("op", op, post=False)
        key = (op.partition(".")[0], region or self._region)
        with self._lock:
            if key not in self._clients:
                self._clients[key] = self._made(*key)
            return self._clients[key]

    def _made(self, service: str, region: str | None) -> Json:
        from botocore.config import Config

        retries = {"mode": "standard", "total_max_attempts": _ATTEMPTS}
        limits = {"connect_timeout": 10, "read_timeout": _SECONDS, "max_pool_connections": 4}
        settings = Config(**limits, retries=retries, user_agent_extra="soc2ev")
        client = self._session.client(service, region_name=region, config=settings)
        if not readonly.safe_url(client.meta.endpoint_url):
            raise ConfigError(
                "the endpoint of AWS is no https address", hint="check AWS_ENDPOINT_URL; http is for loopback hosts"
            )
        client.meta.events.register("before-parse", _refuse_strange)
        return client


def _refuse_strange(operation_model: Json, response_dict: Mapping[str, Json], **_: Json) -> None:
    """
    CollectError for a success that no service of AWS has sent: the page of a proxy or of a login, or nothing.

    Botocore takes what is no JSON, and XML of another kind, for an answer in which nothing is set.
    """
    if response_dict["status_code"] not in _SUCCESS:
        return
    body, protocol = bytes(response_dict["body"]).lstrip(), operation_model.service_model.resolved_protocol
    begins = b"{" if "json" in protocol else _MAPS if "cbor" in protocol else b"<"
    if not body or not body.startswith(begins) or _PAGE.match(body):
        says = " ".join(body[:200].decode(errors="replace").split())
        raise CollectError(f"the answer is not one of AWS: {says or 'it is empty'}", hint="check the proxy")


def _plain(value: Json) -> Json:
    """The value as JSON: instants as ISO 8601 in UTC, bytes in base64."""
    if isinstance(value, dict):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise ValueError(f"an answer holds a {type(value).__name__}, which is read as a stream; it is not stored")


_INSTALL = "pip install 'soc2ev[aws]'"
_PROFILES = "name one of those in ~/.aws/config, or of the files that AWS_CONFIG_FILE and its like name"
