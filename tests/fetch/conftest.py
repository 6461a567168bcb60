"""A run of a vault, a `Fetch` on it with a clock that never waits, and scripted servers."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import Any

import pytest

from soc2ev.fetch import Credential, Fetch
from soc2ev.vault import writer
from tests.fetch.serving import SECRET, Clock, Server


@dataclass
class Desk:
    """One run: what is asked, what was said, what is stored."""

    vault: Any
    clock: Clock
    said: list[str] = field(default_factory=list)

    def fetch(self, **more: Any) -> Fetch:
        """One that says to `said` and sleeps on `clock`."""
        return Fetch(self.vault, say=self.said.append, sleep=self.clock.sleep, now=self.clock.now, **more)

    def stored(self, stream: str = "web:x") -> list[Any]:
        """The items of a stream."""
        return list(self.vault.items(stream=stream))

    def unusable(self, stream: str = "web:x") -> list[str]:
        """What the items of a stream that are no answers say of themselves, and nothing for the others."""
        return [item.response.get("unusable", "") for item in self.stored(stream)]


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def opened(tmp_path, clock):
    """Opens runs of the same vault, one after the other."""

    @contextlib.contextmanager
    def make(**more):
        with writer(tmp_path / "vault", origin="soc2ev/acme/evidence", now=clock.now, tool="t", **more) as vault:
            yield Desk(vault, clock)

    return make


@pytest.fixture
def desk(opened):
    with opened() as made:
        yield made


@pytest.fixture
def fetch(desk):
    return desk.fetch()


@pytest.fixture
def server():
    made = Server()
    yield made
    made.close()


@pytest.fixture
def get(server):
    """GET from the server, as source `web`, stream `web:x`."""

    def ask(fetch, path="/x", method="get", **more):
        given = {"origin": server.url, "source": "web", "stream": "web:x", "auth": Credential.bearer(SECRET), **more}
        return getattr(fetch, method)(server.url + path, **given)

    return ask


@pytest.fixture
def query(server):
    """A GraphQL query to the server, as source `web`, stream `web:x`."""

    def ask(fetch, text="{viewer{login}}", **more):
        given = {"origin": server.url, "source": "web", "stream": "web:x", "variables": {}, "query": text, **more}
        return fetch.graphql(f"{server.url}/graphql", **{"auth": Credential.bearer(SECRET), **given})

    return ask
