"""nginx by its configuration files, which nginx itself accepts."""

from __future__ import annotations

import subprocess

import pytest

from tests.sources.logs.conftest import binary

HTTP = """
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log;
events {{}}
http {{
  log_format main '$remote_addr [$time_local] "$request" $status $http_authorization';
  access_log {folder}/access.log main;
  limit_req_zone $binary_remote_addr zone=api:1m rate=5r/s;
  limit_req_zone $binary_remote_addr zone=unused:1m rate=60r/m;
  include {folder}/conf.d/*.conf;
}}
"""
SERVER = """
map $http_x_api_key $known {{ default 0; "S3NTINEL-map-key" 1; }}
server {{
  listen 127.0.0.1:{port};
  location / {{ limit_req zone=api burst=10; root {folder}; }}
  location /health {{ access_log off; return 204; }}
  location /up {{ proxy_set_header Authorization "Bearer S3NTINEL-header"; proxy_pass http://127.0.0.1:9; }}
  location /old {{ return 302 http://user:S3NTINEL-url@127.0.0.1:9; }}
  if ($http_x_api_key = "S3NTINEL-if") {{ return 403; }}
}}
"""


@pytest.fixture
def conf(tmp_path):
    """Writes a configuration that nginx accepts; gives its path."""

    def write(http=HTTP, server=SERVER):
        folder = tmp_path / "nginx"
        (folder / "conf.d").mkdir(parents=True)
        (folder / "nginx.conf").write_text(http.format(folder=folder))
        (folder / "conf.d" / "api.conf").write_text(server.format(folder=folder, port=8080))
        argv = [binary("nginx"), "-t", "-q", "-p", str(folder), "-c", str(folder / "nginx.conf")]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert 0 == done.returncode, done.stderr
        return folder / "nginx.conf"

    return write


def test_logs_limits_exclusions_and_leaks_are_read(team, conf):
    """The access log is on; the zone in use is enforced, the other not; what is left out and leaks is told."""
    found = team.collect({"connector": "nginx", "path": str(conf()), "name": "edge"})
    row = found.sources["nginx:edge"]
    assert row["enabled"] is True
    assert ["access_log off in location /health"] == row["exclusions"]
    assert "none: the log holds $http_authorization, $request" == row["masking"]
    limits = {
        one["scope"]: (one["limit_per_second"], one["burst"], one["enforced"])
        for one in found.rows["collected_rate_limits"]
    }
    assert {
        "api by $binary_remote_addr": (5.0, 10, True),
        "unused by $binary_remote_addr": (1.0, None, False),
    } == limits
    assert found.claim.complete


def test_no_secret_of_the_configuration_is_stored(team, conf):
    """Headers, keys in maps and conditions, and users in addresses are masked before anything is laid down."""
    found = team.collect({"connector": "nginx", "path": str(conf())})
    assert [] == [item.request for item, body in found.stored if b"S3NTINEL" in body]


def test_access_log_off_is_off(team, conf):
    """access_log off for all of http, with nothing else, logs nothing."""
    http = HTTP.replace("access_log {folder}/access.log main;", "access_log off;")
    row = team.collect({"connector": "nginx", "path": str(conf(http))}).sources["nginx:nginx"]
    assert row["enabled"] is False


def test_dry_run_enforces_nothing(team, conf):
    """limit_req_dry_run only counts."""
    server = SERVER.replace("limit_req zone", "limit_req_dry_run on; limit_req zone")
    found = team.collect({"connector": "nginx", "path": str(conf(server=server))})
    assert {False} == {one["enforced"] for one in found.rows["collected_rate_limits"]}


def test_a_configuration_that_cannot_be_read_whole_is_unknown(team, tmp_path):
    """A missing include or file, or a broken line, leaves every fact unknown."""
    (tmp_path / "nginx.conf").write_text("events {}\nhttp { include /nowhere/x.conf; access_log off; }\n")
    for path in (tmp_path / "nginx.conf", tmp_path / "missing.conf"):
        found = team.collect({"connector": "nginx", "path": str(path)})
        row = found.sources["nginx:nginx"]
        assert (None, False) == (row["enabled"], found.claim.complete)
        assert "enabled" in row["unknown"]
