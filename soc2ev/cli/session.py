"""
What a command needs to begin: the configuration, the period, the clock, the vault, the signing key.

The only place that reads the environment and knows what time it is.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from soc2ev import __version__
from soc2ev.errors import ConfigError, VaultError

if TYPE_CHECKING:
    from soc2ev.checklist.assessment import Assessment
    from soc2ev.config import Settings
    from soc2ev.fetch import Fetch
    from soc2ev.period import Period
    from soc2ev.vault import Signer, Vault, Writer

CONFIG_VARIABLE = "SOC2EV_CONFIG"
KEY_VARIABLE = "SOC2EV_SIGNING_KEY"
_MEMORY = 6 * 1024**3

_chosen: Path | None = None


def choose(config: Path | None) -> None:
    """Remember the file that `--config` named; a later, more particular one wins."""
    global _chosen  # noqa: PLW0603  one process runs one command
    _chosen = config or _chosen


def settings() -> Settings:
    """The configuration: `--config`, else SOC2EV_CONFIG, else soc2ev.yaml here or in a folder above."""
    from soc2ev import config

    named = _chosen or (Path(os.environ[CONFIG_VARIABLE]) if os.environ.get(CONFIG_VARIABLE) else None)
    return config.load(named or config.find(Path.cwd()))


def now() -> datetime:
    """What this machine's clock says, in UTC."""
    return datetime.now(UTC)


def period(text: str, zone: str) -> Period:
    """The period that the command line names, in the zone of the configuration."""
    from soc2ev import period as periods

    return periods.parse(text, zone, now=now())


def vault(found: Settings) -> Vault:
    """The configured vault, for reading."""
    from soc2ev.vault import Vault

    path = found.path(found.config.vault)
    if not path.is_dir():
        raise VaultError(f"there is no evidence yet: no vault at {path}", hint="run `soc2ev collect` first")
    return Vault.open(path)


@contextmanager
def writer(found: Settings) -> Iterator[Writer]:
    """The configured vault, for writing; created when it is missing."""
    from soc2ev import vault as vaults

    with vaults.writer(
        found.path(found.config.vault),
        origin=f"soc2ev/{slug(found.config.organisation)}/evidence",
        now=now,
        tool=f"soc2ev {__version__}",
        signer=signer(),
    ) as opened:
        yield opened


@contextmanager
def assessment(period_text: str) -> Iterator[Assessment]:
    """The assessment of the named period from the configured vault."""
    from soc2ev.checklist.assessment import assess
    from soc2ev.cli import console
    from soc2ev.controls import missing_folders

    found = settings()
    for folder in missing_folders(found):
        console.say(f"warning: there is no folder {folder}; its controls are not among those that judge")
    with assess(vault(found), found, period(period_text, found.config.timezone)) as made:
        yield made


def signer() -> Signer | None:
    """The key in SOC2EV_SIGNING_KEY; None when there is none."""
    from soc2ev.vault import Signer

    text = os.environ.get(KEY_VARIABLE, "").strip()
    return Signer.parse(text) if text else None


def bound_memory() -> None:
    """
    Bound what this process may take before it runs SQL that somebody else wrote.

    The engine's own limit does not cover the text that a function such as repeat builds.
    """
    if sys.platform == "win32":
        return
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = _MEMORY if hard == resource.RLIM_INFINITY else min(_MEMORY, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))


def environment(found: Settings) -> dict[str, str]:
    """What collecting may know of the environment: programs, proxies, CA bundles, and what the configuration names."""
    known = (
        "PATH",
        "HOME",
        "HTTPS_PROXY",
        "HTTP_PROXY",
        "NO_PROXY",
        "ALL_PROXY",
        "REQUESTS_CA_BUNDLE",
        "SSL_CERT_FILE",
    )
    names = {*known, *(one.lower() for one in known), *found.config.variables()}
    return {name: os.environ[name] for name in sorted(names) if name in os.environ}


def fetch(found: Settings, vault: Writer, closed: datetime | None = None) -> Fetch:
    """
    The way of a run into the world. `closed` is when its period ended: what an interrupted run stored later is not
    asked for again.
    """
    from soc2ev.cli import console
    from soc2ev.fetch import Fetch

    say = lambda text: console.say(f"  {console.safe(text)}")  # noqa: E731  one line of progress
    return Fetch(vault, say=say, environment=environment(found), folder=found.file.parent, now=now, resume_after=closed)


def slug(name: str) -> str:
    """The name in lower-case ASCII letters, digits and dashes."""
    from unicodedata import normalize

    plain = normalize("NFKD", name).encode("ascii", "ignore").decode("ascii").lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or "organisation"


def chosen_format(given: str, allowed: tuple[str, ...]) -> str:
    """The format when the command knows it; ConfigError otherwise."""
    if given not in allowed:
        raise ConfigError(f"unknown format {given!r}", hint=f"use one of: {', '.join(allowed)}")
    return given
