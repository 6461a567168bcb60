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
FIXTURES = Path(__file__).parent / "fixtures" / "openbao"
DEVICES = """
audit "file" "on-disk" {{
  description = "kept by the shipper"
  options {{ file_path = "{folder}/audit.log" }}
}}
audit "file" "openly" {{
  options {{
    file_path = "{folder}/open.log"
    log_raw = "T"
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


@pytest.fixture
def told_of(team, httpserver):
    """What becomes of an answer about devices, in the shape in which OpenBao gives it."""

    def collected(options: dict[str, object]):
        device = {"type": "file", "path": "file/", "description": "", "local": False, "options": options}
        httpserver.expect_request("/v1/sys/health").respond_with_data((FIXTURES / "health.json").read_text())
        httpserver.expect_request("/v1/sys/audit").respond_with_json({"data": {"file/": device}})
        httpserver.expect_request("/v1/sys/quotas/rate-limit").respond_with_json({"errors": []}, status=404)
        return collect(team, httpserver.url_for("").rstrip("/"), ROOT)

    return collected


@pytest.mark.parametrize(
    ("options", "masking"),
    [
        ({}, "hmac-sha256"),
        ({"log_raw": "false"}, "hmac-sha256"),
        ({"log_raw": "0"}, "hmac-sha256"),
        ({"log_raw": "true"}, "none: log_raw is set"),
        ({"log_raw": "1"}, "none: log_raw is set"),
        ({"log_raw": "TRUE"}, "none: log_raw is set"),
        ({"log_raw": None}, None),
        ({"log_raw": True}, None),
        ({"log_raw": "yes"}, None),
        ({"filter": None}, None),
        ({"filter": 7}, None),
    ],
)
def test_options_of_devices_are_texts_that_go_reads(told_of, options, masking):
    """Each word for true takes the masking away; what no option is leaves the devices unknown."""
    found = told_of({"file_path": "/var/log/bao/audit.log", **options})
    row = found.sources["openbao:openbao"]
    assert (masking, masking is not None) == (row["masking"], found.claim.complete)


def test_a_device_that_discards_is_none(told_of):
    """Nothing is kept where the only device writes to `discard`; nothing is masked and no event is logged either."""
    found = told_of({"file_path": "discard"})
    row = found.sources["openbao:openbao"]
    assert (False, None, "") == (row["enabled"], row["masking"], row["reasons"])
    assert [] == [*found.rows["collected_log_sinks"], *found.rows["collected_log_events"]]


def test_what_a_device_proves_itself_with_is_not_kept(told_of):
    """Headers of a device over http and the secrets in its address are masked before anything is stored."""
    found = told_of(
        {"uri": "https://u:S3NTINEL@logs.example.com/S3NTINEL", "headers": '{"Authorization": ["S3NTINEL"]}'}
    )
    assert ["https://logs.example.com/***"] == [one["target"] for one in found.rows["collected_log_sinks"]]
    assert [] == [item.request for item, body in found.stored if b"S3NTINEL" in body]


@pytest.mark.parametrize(
    ("body", "whole"),
    [
        ('{"errors":[]}\n', True),
        ('{"errors":["namespace not found"]}\n', False),
        ('{"errors":["no handler for route \\"sys/quotas/rate-limit/\\". route entry not found."]}\n', False),
        ("404 page not found\n", False),
    ],
)
def test_only_its_own_404_is_an_empty_list(team, httpserver, body, whole):
    """That of a namespace, a route or a proxy leaves the limits unknown, and the devices as they are."""
    for name in ("health", "audit"):
        httpserver.expect_request(f"/v1/sys/{name}").respond_with_data((FIXTURES / f"{name}.json").read_text())
    httpserver.expect_request("/v1/sys/quotas/rate-limit").respond_with_data(body, status=404)
    found = collect(team, httpserver.url_for("").rstrip("/"), ROOT)
    row = found.sources["openbao:openbao"]
    assert (True, whole) == (row["enabled"], "rate_limits" not in row["unknown"])
    assert {claim.complete for claim in found.claims.values()} == {whole}
