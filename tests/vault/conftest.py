"""A clock that ticks, one key pair, and a small vault of two runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from vault_fixtures import ORIGIN, Clock, fill

from soc2ev.vault import Signer, VerifierKey, new_key, writer


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def keys() -> tuple[Signer, VerifierKey]:
    private, public = new_key("acme/ci")
    return Signer.parse(private), VerifierKey.parse(public)


@pytest.fixture
def run(tmp_path: Path, clock: Clock) -> Callable[..., object]:
    """A writer on `tmp_path/vault` for one run, as a context."""

    def opened(signer: Signer | None = None, **more: object) -> object:
        given = {"origin": ORIGIN, "now": clock, "tool": "soc2ev 1", "signer": signer, **more}
        return writer(tmp_path / "vault", **given)

    return opened


@pytest.fixture
def small(run, keys, tmp_path: Path) -> Path:
    """Two signed runs over the turn of a month, with two segments, two checkpoints and three bodies."""
    for bodies in ([b"one", b"two"], [b"three"]):
        with run(keys[0], run=f"run-{len(bodies)}") as vault:
            fill(vault, bodies)
    return tmp_path / "vault"
