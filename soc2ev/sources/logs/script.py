"""
The escape hatch: questions that a Python file of the team's own answers, for systems that no other transport reaches.

The file lies beside its manifest and runs as a process of its own, once for each question. That it only reads is the
team's word: `soc2ev sources explain` says so, and each stored answer has the digest of the file that gave it.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from soc2ev.errors import CollectError, ConfigError
from soc2ev.fetch import local
from soc2ev.sources.logs.keeping import lay_down
from soc2ev.sources.logs.record import canonical
from soc2ev.sources.logs.sieve import sifted
from soc2ev.sources.logs.transports import Question, Reply

if TYPE_CHECKING:
    from soc2ev.fetch import Fetch
    from soc2ev.model import Json

_SECONDS = 120.0
_MOST = 64 << 20
_DENIED = 4
"""The exit code by which a script says that a right is missing; any other but 0 is a failure."""
_PASSED = ("PATH", "HOME", "LANG", "HTTPS_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "SYSTEMROOT")


def _refuse(word: str) -> Json:
    raise ValueError(f"{word} is no JSON")


class Script:
    """
    One file. It reads {"call", "params", "settings", "for"} as JSON from standard input and prints its answer as JSON.

    Secrets come in its environment under the names of their settings, in capitals. An answer that holds one of them is
    not stored.
    """

    parallel = False

    def __init__(
        self, fetch: Fetch, stream: str, file: Path, settings: Mapping[str, Json], secrets: Mapping[str, str]
    ) -> None:
        """ConfigError when the file cannot be read."""
        try:
            self._digest = hashlib.sha256(file.read_bytes()).hexdigest()
        except OSError as problem:
            raise ConfigError(
                f"{file}: {problem.strerror}", hint="transport python runs the file of that name beside the manifest"
            ) from None
        self._fetch, self._stream, self._file = fetch, stream, file
        self._settings, self._secrets = dict(settings), dict(secrets)

    def ask(self, question: Question) -> Reply:
        """What the file printed as one page; that it failed is told in the reply."""
        reply = Reply()
        try:
            value = self._answer(question, reply)
        except CollectError as problem:
            return reply.fail("", f"{problem.message}; {problem.hint}")
        if reply.code:
            return reply
        kept = sifted(value, question.request.keep, question.request.redact)
        asked: dict[str, Json] = {"method": "script", "file": self._file.name, "sha256": self._digest}
        asked |= {"call": question.place, "params": dict(question.params), **question.asked}
        answer = lay_down(self._fetch, kept, stream=self._stream, request=asked)
        reply.add(answer.item.digest, answer.body, kept)
        return reply

    def close(self) -> None:
        """Nothing is held open."""

    def _answer(self, question: Question, reply: Reply) -> Json:
        asked = {"call": question.place, "params": dict(question.params), "for": question.about}
        given = json.dumps(asked | {"settings": self._settings}).encode()
        passed = {name: os.environ[name] for name in _PASSED if name in os.environ}
        passed |= {name.upper(): value for name, value in self._secrets.items()}
        # Isolated: neither the folder that it is started in nor PYTHONPATH can put another module in its way.
        argv = [sys.executable, "-I", "-B", str(self._file)]
        done = local.run(argv, self._file.parent, given, passed, _SECONDS)
        if done.code != 0:
            says = self._masked(done.err.decode(errors="replace").strip().rpartition("\n")[2])[:300]
            when = f"exit code {done.code}" if done.code is not None else f"no answer within {_SECONDS:g} s"
            reply.fail(str(done.code), f"{self._file.name} failed ({when}): {says}", denied=done.code == _DENIED)
            return None
        return self._read(done.out, reply)

    def _read(self, out: bytes, reply: Reply) -> Json:
        if any(secret.encode() in out for secret in self._secrets.values()):
            reply.fail("", f"{self._file.name} printed a secret that it was given; the answer is not stored")
        elif len(out) > _MOST:
            reply.fail("", f"{self._file.name} printed more than 64 MiB")
        else:
            try:
                value = json.loads(out, parse_constant=_refuse)
                canonical(value)
            except (ValueError, RecursionError):
                reply.fail("", f"{self._file.name} printed no JSON")
            else:
                return value
        return None

    def _masked(self, text: str) -> str:
        for secret in self._secrets.values():
            text = text.replace(secret, "***")
        return "".join(sign if sign.isprintable() else " " for sign in text)
