"""A real OpenBao: audit devices from its configuration, rate limit quotas, and tokens that may see a part."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.sources.logs.conftest import answers, binary, free_port, running

ROOT = "S3NTINEL-of-root"
DEVICES = """
audit "file" "on-disk" {{
  description = "kept by the shipper"
  options {{ file_path = "{folder}/audit.log" }}
}}
audit "file" "openly" {{
  options {{
    file_path = "{folder}/open.log"
    log_raw = "true"
  }}
}}
"""
LISTS = 'path "sys/quotas/rate-limit" { capabilities = ["list"] }\n'
READS = 'path "sys/quotas/rate-limit/*" { capabilities = ["read"] }\n'
AUDITS = 'path "sys/audit" { capabilities = ["read", "sudo"] }\n'


@contextmanager
def serving(folder: Path, configuration: str) -> Iterator[str]:
    """A server in memory with that configuration; its address."""
    url = f"http://127.0.0.1:{free_port()}"
    (folder / "bao.hcl").write_text(configuration.format(folder=folder))
    argv = [binary("bao"), "server", "-dev", f"-dev-root-token-id={ROOT}", "-dev-no-store-token"]
    argv += [f"-dev-listen-address={url.removeprefix('http://')}", f"-config={folder}/bao.hcl"]
    with running(argv, answers(f"{url}/v1/sys/health"), folder / "log", cwd=folder):
        yield url


@pytest.fixture(scope="module")
def audited(tmp_path_factory):
    """A server with two audit devices, one of which hides nothing, and two quotas; its address."""
    with serving(tmp_path_factory.mktemp("audited"), DEVICES) as url:
        told(f"{url}/v1/sys/quotas/rate-limit/all", {"rate": 100})
        told(f"{url}/v1/sys/quotas/rate-limit/few", {"rate": 30, "interval": "1m", "path": "sys/"})
        yield url


@pytest.fixture(scope="module")
def silent(tmp_path_factory):
    """A server that audits nothing and limits nobody; its address."""
    with serving(tmp_path_factory.mktemp("silent"), "") as url:
        yield url


def told(url: str, said: dict[str, object]) -> dict[str, object]:
    """What the server answers to its root token."""
    asked = urllib.request.Request(url, json.dumps(said).encode(), {"X-Vault-Token": ROOT}, method="POST")
    with urllib.request.urlopen(asked, timeout=10) as answer:
        return dict(json.loads(answer.read() or b"{}"))


def token(url: str, policy: str) -> str:
    """A token that may do what the policy says."""
    name = f"policy-{len(policy)}"
    told(f"{url}/v1/sys/policies/acl/{name}", {"policy": policy})
    made = told(f"{url}/v1/auth/token/create", {"policies": [name], "no_default_policy": True})
    return str(made["auth"]["client_token"])  # type: ignore[index]


def collect(team, url: str, secret: str):
    """What the connector finds with that token."""
    team.environment["TOKEN"] = secret
    return team.collect({"connector": "openbao", "url": url, "token": {"env": "TOKEN"}})


def test_devices_and_quotas_are_read_with_the_least_permission(team, audited):
    """Each device is a sink; one that is told to log openly takes the masking away; quotas count over their interval."""
    found = collect(team, audited, token(audited, AUDITS + LISTS + READS))
    row = found.sources["openbao:openbao"]
    assert (True, "none: log_raw is set", "") == (row["enabled"], row["masking"], row["reasons"])
    kept = sorted(one["target"].rpartition("/")[2] for one in found.rows["collected_log_sinks"])
    assert ["audit.log", "open.log"] == kept
    limits = {one["scope"]: (one["limit_per_second"], one["period_s"]) for one in found.rows["collected_rate_limits"]}
    assert {"quota all": (100.0, 1), "quota few": (0.5, 60)} == limits
    assert {claim.complete for claim in found.claims.values()} == {True}


def test_no_device_is_off_and_no_quota_is_no_limit(team, silent):
    """An empty list of devices says that nothing is audited; 404 is how an empty list of quotas is answered."""
    found = collect(team, silent, token(silent, AUDITS + LISTS + READS))
    row = found.sources["openbao:openbao"]
    assert (False, None, "") == (row["enabled"], row["masking"], row["reasons"])
    assert [] == [*found.rows["collected_log_sinks"], *found.rows["collected_rate_limits"]]


@pytest.mark.parametrize("server", ["audited", "silent"])
def test_a_token_that_may_not_see_the_devices_calls_nothing_off(team, request, server):
    """Whether there are any or none: refused is unknown with the reason, and the quotas are told all the same."""
    url = request.getfixturevalue(server)
    found = collect(team, url, token(url, LISTS + READS))
    row = found.sources["openbao:openbao"]
    assert (None, True) == (row["enabled"], "403" in row["reasons"])
    assert {"audited": 2, "silent": 0}[server] == len(found.rows["collected_rate_limits"])
    assert {claim.complete for claim in found.claims.values()} == {False}


def test_a_quota_that_cannot_be_read_is_not_no_limit(team, audited):
    """Quotas that are listed and refused leave a gap, and take nothing from what is known of the devices."""
    found = collect(team, audited, token(audited, AUDITS + LISTS))
    assert found.sources["openbao:openbao"]["enabled"] is True
    assert [] == found.rows["collected_rate_limits"]
    assert {claim.complete for claim in found.claims.values()} == {False}


def test_no_token_is_kept(team, audited):
    """Neither in what was stored nor in what was said."""
    found = collect(team, audited, ROOT)
    assert [] == [item.request for item, body in found.stored if ROOT.encode() in body]
