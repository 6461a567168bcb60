"""The key of fingerprints: made once, kept beside what it serves, readable by its owner alone."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from soc2ev.errors import ConfigError

SUFFIX = ".fingerprint-key"
_BYTES = 32


def beside(vault: Path) -> Path:
    """
    Where the key of a vault lies: beside it, not within.

    Whoever gets the evidence with the key could try values (a card number has few) against the fingerprints.
    """
    return vault.with_name(vault.name + SUFFIX)


def fingerprint_key(file: Path) -> tuple[bytes, bool]:
    """
    The key in that file, and whether it was made just now; the same for ever after.

    ConfigError when the file cannot be read or written, holds no key, or others may read it.
    """
    try:
        return _read(file), False
    except FileNotFoundError:
        pass  # made below; another process may be faster, then its key counts
    except OSError as problem:
        raise _unusable(file, problem) from None
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as out:
            out.write(secrets.token_hex(_BYTES) + "\n")
        made = True
    except FileExistsError:
        made = False
    except OSError as problem:
        raise _unusable(file, problem) from None
    return _read(file), made


def given_key(file: Path) -> bytes:
    """The key in a file that the caller names; ConfigError when there is none."""
    try:
        return _read(file)
    except OSError as problem:
        raise _unusable(file, problem) from None


def _read(file: Path) -> bytes:
    text = file.read_text(encoding="ascii", errors="replace").strip()
    if os.name == "posix" and stat.S_IMODE(file.stat().st_mode) & 0o077:
        raise ConfigError(f"{file}: others may read this key", hint=f"chmod 600 {file}, or make a new one")
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) < _BYTES:
        raise ConfigError(f"{file}: no key of {_BYTES} bytes in hexadecimal", hint="move it away; a new one is made")
    return key


def _unusable(file: Path, problem: OSError) -> ConfigError:
    return ConfigError(f"{file}: {problem.strerror}", hint="the key of fingerprints has to be kept between runs")
