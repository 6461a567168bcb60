"""What the ways to ask have in common: a question with everything filled in, and the reply to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from soc2ev.fetch import Credential
    from soc2ev.model import Json
    from soc2ev.sources.logs.manifest import Request


@dataclass(frozen=True, slots=True)
class Question:
    """A request of the manifest with its templates filled."""

    request: Request
    place: str
    """The path, operation or statement."""
    params: Mapping[str, Json]
    body: Json = None
    about: Json = None
    """The element of `for_each`."""
    region: str | None = None
    """aws: another region than the entry's."""

    @property
    def asked(self) -> dict[str, Json]:
        """What the stored request says beside method and address."""
        return {"role": "answer", "request": self.request.id, "for": self.about}


@dataclass
class Reply:
    """The pages that were stored, and why there are not more."""

    texts: dict[str, str] = field(default_factory=dict)
    """By digest, in order."""
    order: list[str] = field(default_factory=list)
    """Digests of the pages."""
    pages: list[Json] = field(default_factory=list)
    code: str = ""
    """The status or error code when the system refused or failed; empty when all is well."""
    reason: str = ""
    said: bytes = field(default=b"", repr=False)
    """http: the body of the refusal."""
    denied: bool = False
    cut: bool = False
    """The list went on when we stopped."""
    silent: bool = False
    """Nothing answered at all."""
    used: Credential | None = field(default=None, repr=False)
    """http: the credential that the last page was asked for with."""

    def add(self, digest: str, body: bytes, value: Json) -> None:
        """A page, as it is stored."""
        self.texts[digest] = body.decode()
        self.order.append(digest)
        self.pages.append(value)

    def fail(self, code: str, reason: str, *, denied: bool = False, silent: bool = False) -> Reply:
        """The reply, with why it is none."""
        self.code, self.reason, self.denied, self.silent = code or "error", reason, denied, silent
        return self


class Transport(Protocol):
    """A way to ask. It stores every page before the next, and raises nothing for what the system answers."""

    @property
    def parallel(self) -> bool:
        """Whether `ask` may be called from several threads of `fetch.together`."""
        ...

    def ask(self, question: Question) -> Reply:
        """The reply to one question, all pages of it."""
        ...

    def close(self) -> None:
        """Nothing more will be asked."""
        ...
