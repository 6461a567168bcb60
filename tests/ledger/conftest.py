"""A ledger in a temporary folder, with a clock that ticks."""

from __future__ import annotations

from pathlib import Path

import pytest
from ledger_checks import Clock

from soc2ev.ledger import Ledger
from soc2ev.vault import Signer, new_key


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(tmp_path: Path, clock: Clock) -> Ledger:
    return Ledger.open(tmp_path / "audit", now=clock)


@pytest.fixture(scope="session")
def keys() -> tuple[str, str]:
    """A signing key's text and its verifier key's."""
    return new_key("acme/ledger")


@pytest.fixture(scope="session")
def signer(keys: tuple[str, str]) -> Signer:
    return Signer.parse(keys[0])
