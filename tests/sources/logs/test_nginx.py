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


LIMITS = """
  limit_req_zone $uri zone=strict:1m rate=30r/m;
  limit_req_zone $uri zone=lenient:1m rate=2r/s;
"""
TWO = """
server {{
  listen 127.0.0.1:{port}; server_name a.example;
  limit_req zone=strict;
  location /soft {{ limit_req zone=strict; limit_req zone=lenient; limit_req_dry_run on; root {folder}; }}
}}
server {{ listen 127.0.0.1:{port}; server_name b.example; limit_req zone=api; {logs} }}
"""


@pytest.mark.parametrize(
    ("http", "server", "enabled", "exclusions"),
    [
        ("access_log {folder}/a.log;", "access_log off;", True, ["access_log off in server b.example"]),
        ("access_log off;", "access_log {folder}/b.log;", True, ["access_log off in server a.example"]),
        ("access_log off; access_log {folder}/a.log;", "", False, ["access_log off in server a.example", "access_log off in server b.example"]),
        ("access_log /dev/null;", "", False, ["access_log off in server a.example", "access_log off in server b.example"]),
        ("access_log {folder}/a.log combined if=0;", "", False, ["access_log off in server a.example", "access_log off in server b.example"]),
        ("access_log {folder}/a.log combined if=$https;", "", True, ["{folder}/a.log only if=$https"]),
        ("map $status $no {{ ~^2 0; default ''; }} access_log {folder}/a.log combined if=$no;", "", False, ["access_log off in server a.example", "access_log off in server b.example"]),
        ("map $status $no {{ ~^2 0; default 1; }} access_log {folder}/a.log combined if=$no;", "", True, ["{folder}/a.log only if=$no"]),
        ("map $status $no {{ ~^5 1; }} access_log {folder}/a.log combined if=$no;", "", True, ["{folder}/a.log only if=$no"]),
        ("", "location / {{ access_log off; }}", True, ["access_log off in location /"]),
    ],
)  # fmt: skip
def test_logs_are_those_that_hold_where_requests_are_answered(team, conf, http, server, enabled, exclusions):
    """A block has the logs above it unless it has its own; off cancels its block; a log to nowhere is none."""
    written = HTTP.replace("access_log {folder}/access.log main;", http)
    path = conf(
        written, TWO.replace("{logs}", server).replace("zone=strict", "zone=api").replace("zone=lenient", "zone=unused")
    )
    row = team.collect({"connector": "nginx", "path": str(path)}).sources["nginx:nginx"]
    wanted = [one.format(folder=path.parent) for one in exclusions]
    assert (enabled, wanted) == (row["enabled"], row["exclusions"])


def test_dry_run_counts_only_where_it_is_set(team, conf):
    """A zone that limits in one block and counts in another is told for both; one that only counts enforces nothing."""
    path = conf(
        HTTP.replace("limit_req_zone $binary_remote_addr zone=unused:1m rate=60r/m;", LIMITS), TWO.replace("{logs}", "")
    )
    found = team.collect({"connector": "nginx", "path": str(path)})
    assert {
        ("api by $binary_remote_addr", 5.0, True),
        ("strict by $uri", 0.5, True),
        ("strict by $uri in location /soft", 0.5, False),
        ("lenient by $uri", 2.0, False),
    } == {(one["scope"], one["limit_per_second"], one["enforced"]) for one in found.rows["collected_rate_limits"]}


def test_a_limit_that_every_server_replaces_is_not_enforced(team, conf):
    """limit_req of http is inherited only by blocks without any of their own."""
    http = HTTP.replace("include", "limit_req zone=unused; include")
    server = "server {{ listen 127.0.0.1:{port}; limit_req zone=api; root {folder}; }}"
    found = team.collect({"connector": "nginx", "path": str(conf(http, server))})
    assert {"api by $binary_remote_addr": True, "unused by $binary_remote_addr": False} == {
        one["scope"]: one["enforced"] for one in found.rows["collected_rate_limits"]
    }


def test_a_configuration_that_cannot_be_read_whole_is_unknown(team, tmp_path):
    """A missing include or file, or a broken line, leaves every fact unknown."""
    (tmp_path / "nginx.conf").write_text("events {}\nhttp { include /nowhere/x.conf; access_log off; }\n")
    for path in (tmp_path / "nginx.conf", tmp_path / "missing.conf"):
        found = team.collect({"connector": "nginx", "path": str(path)})
        row = found.sources["nginx:nginx"]
        assert (None, False) == (row["enabled"], found.claim.complete)
        assert "enabled" in row["unknown"]
