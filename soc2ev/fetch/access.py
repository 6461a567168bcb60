"""Where tokens come from: the environment, a file, a command, or GitHub for an App."""

from __future__ import annotations

import base64
import json
import shlex
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from soc2ev.errors import CollectError, ConfigError
from soc2ev.fetch import local
from soc2ev.fetch.credential import Credential

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from soc2ev.config import GithubApp, Secret

_MAX_SECRET = 64 * 1024
_SECONDS = 60
_EARLY = timedelta(minutes=5)


def secret(found: Secret, environment: Mapping[str, str], folder: Path | None) -> str:
    """
    The text of a secret, without white space around it.

    ConfigError, which never shows what was read, when it is missing, empty, unreadable or its command fails. A file is
    relative to `folder`; a command runs there without a shell and sees PATH and HOME only.
    """
    if found.env is not None:
        text, where = environment.get(found.env, ""), f"the environment variable {found.env}"
    elif found.file is not None:
        text, where = _read((folder or Path()) / found.file), f"the file {found.file}"
    else:
        text, where = _printed(found.command or "", environment, folder or Path()), "what its command printed"
    if not text.strip():
        raise ConfigError(f"a secret is missing: {where} is not set or empty", hint="set it, then collect again")
    return text.strip()


def _read(path: Path) -> str:
    try:
        # Not `local.read`: secrets that a cluster mounts are symbolic links. A pipe or device has no end to wait for.
        if not path.is_file():
            raise ConfigError(f"a secret is missing: {path} is no file", hint="check `file:` of the secret")
        with path.open("rb") as file:
            return file.read(_MAX_SECRET).decode("utf-8")
    except OSError as problem:
        raise ConfigError(
            f"a secret is missing: {path} cannot be read: {problem.strerror}", hint="check its permissions"
        ) from None
    except UnicodeDecodeError:
        raise ConfigError(f"a secret is missing: {path} is no text", hint="check `file:` of the secret") from None


def _printed(command: str, environment: Mapping[str, str], folder: Path) -> str:
    known = {name: environment[name] for name in ("PATH", "HOME") if name in environment}
    try:
        words = shlex.split(command)
    except ValueError:
        words = []
    if not words:
        raise ConfigError("a secret's command cannot be read", hint="write it as for a shell, with quotes closed")
    try:
        done = local.run(words, folder, None, known, _SECONDS)
    except CollectError:
        raise ConfigError(
            f"a secret's command `{local.printable(words[0])}` cannot be started", hint="is it installed and on PATH?"
        ) from None
    if done.code != 0:
        how = "took too long" if done.code is None else f"failed with exit code {done.code}"
        raise ConfigError(
            f"a secret's command `{local.printable(words[0])}` {how}",
            hint="run it by hand; its output is not shown here",
        )
    return done.out[:_MAX_SECRET].decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Issued:
    """A token and when it ends."""

    credential: Credential
    expires_at: datetime


class Apps:
    """Installation tokens of GitHub Apps, asked for once and again before they end."""

    def __init__(self, ask: Callable[[str, Credential], tuple[bytes, str]], now: Callable[[], datetime]) -> None:
        """`ask` posts to an address and gives the stored body with the token that was taken out of it."""
        self._ask, self._now = ask, now
        self._lock = threading.Lock()
        self._known: dict[tuple[str, int, int], Issued] = {}

    def credential(self, url: str, app: GithubApp, key: Callable[[], str]) -> Credential:
        """The installation's credential, valid for five minutes at least."""
        wanted = (url, app.id, app.installation)
        # One thread asks and the others wait for it: they need the same token.
        with self._lock:
            known = self._known.get(wanted)
            if known is None or self._now() >= known.expires_at - _EARLY:
                known = self._known[wanted] = self._issue(url, app, key())
            return known.credential

    def _issue(self, url: str, app: GithubApp, key: str) -> Issued:
        proof = Credential.bearer(_signed(app.id, key, self._now()))
        body, token = self._ask(f"{url.rstrip('/')}/app/installations/{app.installation}/access_tokens", proof)
        try:
            expires_at = datetime.fromisoformat(json.loads(body)["expires_at"])
            expires_at - self._now()  # an instant without zone cannot be compared
            return Issued(Credential.bearer(token), expires_at)
        except (ConfigError, ValueError, LookupError, TypeError):
            raise CollectError(
                f"{url}: the answer for App {app.id} holds no token that can be used",
                hint="it is stored without the token; check `url:`",
            ) from None


def _signed(app: int, key: str, now: datetime) -> str:
    """
    A JSON web token (RFC 7519) by which the App proves itself; ConfigError when the key cannot sign it.

    GitHub takes ten minutes at most, and advises to begin a minute early because clocks drift.
    """
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    try:
        private = serialization.load_pem_private_key(key.encode(), password=None)
    except (ValueError, TypeError):
        private = None
    if not isinstance(private, rsa.RSAPrivateKey):
        raise ConfigError(
            f"the private key of App {app} is no RSA key in PEM without a password",
            hint="use the file that GitHub gave when the key was made",
        )
    at = int(now.timestamp())
    claims = {"iat": at - 60, "exp": at + 540, "iss": str(app)}
    text = b".".join(_packed(json.dumps(part).encode()) for part in ({"alg": "RS256", "typ": "JWT"}, claims))
    return b".".join((text, _packed(private.sign(text, padding.PKCS1v15(), hashes.SHA256())))).decode()


def _packed(part: bytes) -> bytes:
    return base64.urlsafe_b64encode(part).rstrip(b"=")
