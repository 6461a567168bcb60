"""Commands, files and HTTP through `Fetch`, against real processes and real servers on the loopback."""

import gzip
import json
import os
import sys
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from soc2ev.errors import AccessError, CollectError, ConfigError
from soc2ev.fetch import Credential, Fetch
from soc2ev.model import Coverage
from soc2ev.period import Period
from soc2ev.vault import writer

SECRET = "s3ntinel-0123456789abcdef"
OCTOBER = Period(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC), "2026-10")


@pytest.fixture
def opened(tmp_path):
    """Open a run; what was said and slept is in `said` and `slept`."""
    said, slept = [], []

    def make(**more):
        return writer(
            tmp_path / "vault", origin="soc2ev/acme/evidence", now=lambda: datetime.now(UTC), tool="t", **more
        )

    make.said, make.slept = said, slept
    return make


@pytest.fixture
def vault(opened):
    with opened() as made:
        yield made


@pytest.fixture
def fetch(vault, opened):
    at = [datetime(2026, 10, 31, 12, 0, tzinfo=UTC)]

    def sleep(seconds):
        opened.slept.append(seconds)
        at[0] += timedelta(seconds=seconds)

    return Fetch(
        vault, say=opened.said.append, environment={"PATH": os.environ["PATH"]}, sleep=sleep, now=lambda: at[0]
    )


class Server:
    """Answers each request with the next of `answers`, the last for ever; `seen` are the requests."""

    def __init__(self):
        self.answers, self.seen = [], []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.seen.append((self.path, dict(self.headers)))
                number = min(len(outer.seen), len(outer.answers)) - 1
                status, headers, body = outer.answers[number]
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if "Content-Length" not in headers and "X-No-Length" not in headers:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def close(self):
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()


@pytest.fixture
def server():
    made = Server()
    yield made
    made.close()


@pytest.fixture
def other():
    made = Server()
    yield made
    made.close()


def get(fetch, server, path="/x", **more):
    given = {"origin": server.url, "source": "web", "stream": "web:x", "auth": Credential.bearer(SECRET), **more}
    return fetch.get(server.url + path, **given)


def stored(vault, stream="web:x"):
    return list(vault.items(stream=stream))


def everything(tmp_path):
    return b"".join(path.read_bytes() for path in (tmp_path / "vault").rglob("*") if path.is_file())


# Commands


def run(fetch, code, **more):
    given = {"source": "git", "stream": "git:x", "cwd": "/", **more}
    return fetch.command([sys.executable, "-c", code], **given)


def test_a_command_is_stored_as_it_answered(fetch, vault):
    """Output, exit code, error output, arguments and count are on the line; the answer is the stored body."""
    answer = run(
        fetch,
        "import sys; print('out'); print('err', file=sys.stderr)",
        count=lambda body: body.count(b"\n"),
        request={"repository": "acme/api"},
    )
    [item] = stored(vault, "git:x")
    assert (b"out\n", 0, "err\n", item) == (answer.body, answer.status, answer.stderr, answer.item)
    assert (1, {"exit": 0, "stderr": "err\n"}) == (item.count, item.response)
    assert ("run", None, "acme/api") == (item.request["method"], item.request["stdin"], item.request["repository"])
    assert b"out\n" == vault.read(item.digest)


def test_a_command_sees_a_closed_environment(fetch, monkeypatch):
    """Nothing of our own environment reaches a command but PATH; the language and time zone are fixed."""
    monkeypatch.setenv("GITHUB_TOKEN", SECRET)
    answer = run(fetch, "import os, json; print(json.dumps(dict(os.environ)))", environment={"GIT_DIR": "/x"})
    seen = fetch.json(answer)
    seen.pop("LC_CTYPE", None)
    assert {"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC", "GIT_DIR": "/x"} == seen


def test_input_is_stored_beside_the_output(fetch, vault):
    """What a command was given is a body of its own, named by the request."""
    answer = run(fetch, "import sys; sys.stdout.write(sys.stdin.read().upper())", stdin=b"abc")
    [given] = stored(vault, "git:x:input")
    assert (b"ABC", b"abc") == (answer.body, vault.read(given.digest))
    assert given.digest == answer.item.request["stdin"]


def test_a_failed_command_is_stored_and_refused(fetch, vault):
    """The partial output is kept with its exit code and without a count; the message has the first error line."""
    with pytest.raises(CollectError, match="exit code 3: fatal: no \ufffd") as caught:
        run(
            fetch,
            "import sys; print('part'); print('fatal: no \\x1b[31m\\nmore', file=sys.stderr); sys.exit(3)",
            count=len,
        )
    [item] = stored(vault, "git:x")
    assert (b"part\n", 3, None) == (vault.read(item.digest), item.response["exit"], item.count)
    assert caught.value.message.endswith("fatal: no \ufffd[31m")


def test_other_exit_codes_may_be_fine(fetch):
    """Some commands say no with an exit code."""
    assert 1 == run(fetch, "raise SystemExit(1)", ok=(0, 1)).status


def test_a_command_that_hangs_is_stopped_and_what_it_said_is_kept(fetch, vault):
    """The time limit ends the command and its children; the output so far is stored as truncated."""
    code = "import subprocess, sys, time; print('part', flush=True); subprocess.Popen(['sleep', '60']); time.sleep(60)"
    with pytest.raises(CollectError, match="did not finish"):
        run(fetch, code, timeout=0.5, count=len)
    [item] = stored(vault, "git:x")
    assert (b"part\n", None, True, None) == (
        vault.read(item.digest),
        item.response["exit"],
        item.response["truncated"],
        item.count,
    )


def test_a_missing_command_is_named(fetch):
    """A tool that is not installed is an error of collection with a hint."""
    with pytest.raises(CollectError, match="cannot be started") as caught:
        fetch.command(["no-such-tool"], source="git", stream="a", cwd="/")
    assert "installed" in caught.value.hint


def test_what_cannot_be_counted_is_stored_without_a_count(fetch, vault):
    """A count that fails never loses the body."""
    with pytest.raises(CollectError, match="cannot be counted"):
        run(fetch, "print('x')", count=lambda body: int(body.decode() + "y"))
    assert [None] == [item.count for item in stored(vault, "git:x")]


# Files


def test_a_file_is_stored(fetch, vault, tmp_path):
    """The bytes are those of the file; the path in the request is its name only."""
    (tmp_path / "people.yaml").write_bytes(b"people: []\n")
    answer = fetch.file(
        tmp_path / "people.yaml", source="registers", stream="registers:people", request={"register": "people"}
    )
    assert (b"people: []\n", 0) == (answer.body, answer.status)
    assert {"method": "read", "path": "people.yaml", "register": "people"} == stored(vault, "registers:people")[
        0
    ].request


def test_links_folders_pipes_and_large_files_are_refused(fetch, vault, tmp_path, monkeypatch):
    """Only a regular file of bounded size is read; nothing of the others is stored."""
    (tmp_path / "real").write_bytes(b"x" * 11)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setattr("soc2ev.fetch.local.MAX_BYTES", 10)
    for name in ("link", "pipe", ".", "missing", "real"):
        with pytest.raises(CollectError):
            fetch.file(tmp_path / name, source="r", stream="r")
    assert [] == stored(vault, "r")


# Coverage


def test_earlier_coverages_are_those_of_earlier_runs(opened):
    """A run sees what runs before it claimed about a stream, oldest first, and not its own."""
    for fetched in (1, 2):
        with opened() as vault:
            Fetch(vault).state(Coverage("git:x", OCTOBER, None, fetched, complete=True))
    with opened() as vault:
        fetch = Fetch(vault)
        fetch.state(Coverage("git:x", OCTOBER, None, 3, complete=True))
        assert [1, 2] == [coverage.fetched for coverage in fetch.earlier("git:x")]
        assert [] == fetch.earlier("git:y")


# HTTP


def test_an_answer_is_decoded_stored_and_described(fetch, vault, server):
    """Body, status, kept headers and the request without secrets."""
    body = b'[{"id": 1}]'
    server.answers = [
        (
            200,
            {"Content-Encoding": "gzip", "ETag": '"e"', "Set-Cookie": f"s={SECRET}", "X-RateLimit-Limit": "60"},
            gzip.compress(body, mtime=0),
        )
    ]
    answer = get(
        fetch,
        server,
        "/items",
        params={"page": "2", "access_token": SECRET},
        headers={"Accept": "application/json"},
        count=lambda body: len(json.loads(body)),
    )
    [item] = stored(vault)
    assert (body, 200, 1) == (answer.body, answer.status, item.count)
    assert [{"id": 1}] == fetch.json(answer)
    assert f"{server.url}/items?page=2&access_token=***" == item.request["url"]
    assert {"accept": "application/json", "accept-encoding": "gzip", "user-agent": "soc2ev"} == item.request["headers"]
    assert {"date", "etag", "x-ratelimit-limit"} == set(item.response["headers"])
    assert f"Bearer {SECRET}" == server.seen[0][1]["Authorization"]


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"Content-Encoding": "gzip"}, gzip.compress(b"[1, 2]" * 999, mtime=0)[:-20]),
        ({"Content-Encoding": "gzip"}, gzip.compress(b"[1, 2]" * 999, mtime=0)[:-4]),
        ({"Content-Encoding": "gzip"}, b""),
        ({"Content-Encoding": "gzip"}, b"no gzip"),
        ({"Content-Encoding": "gzip"}, gzip.compress(b"[1]", mtime=0) + b"junk"),
        ({"Content-Encoding": "br"}, b"[1]"),
        ({"Content-Length": "50"}, b"[1, 2"),
    ],
    ids=["gzip-cut", "gzip-without-trailer", "gzip-empty", "no-gzip", "gzip-and-more", "unknown-coding", "short"],
)
def test_a_body_that_is_not_whole_is_stored_as_truncated(fetch, vault, server, headers, body):
    """Cut gzip with the right length, short bodies, unknown encodings: kept as they came, counted never, refused."""
    server.answers = [(200, {**headers, "Connection": "close"}, body)]
    with pytest.raises(CollectError, match="what arrived is stored"):
        get(fetch, server, count=lambda _: 1)
    for item in stored(vault):
        assert (True, None, body) == (item.response["truncated"], item.count, vault.read(item.digest))


def test_gzip_members_are_joined(fetch, server):
    """A gzip body may be a series of members."""
    server.answers = [
        (200, {"Content-Encoding": "gzip"}, gzip.compress(b"[1,", mtime=0) + gzip.compress(b"2]", mtime=0))
    ]
    assert [1, 2] == fetch.json(get(fetch, server))


def test_a_gzip_bomb_is_refused(fetch, vault, server):
    """64 MiB and one byte of zeros are not decoded to the end, and the small body that came is what is stored."""
    bomb = gzip.compress(bytes(64 * 1024 * 1024 + 1), 1)
    server.answers = [(200, {"Content-Encoding": "gzip"}, bomb)]
    with pytest.raises(CollectError, match="larger than"):
        get(fetch, server)
    assert [len(bomb)] == [item.size for item in stored(vault)]


def test_a_body_without_end_is_cut_off(fetch, vault, server, monkeypatch):
    """More bytes than the limit are not waited for."""
    monkeypatch.setattr("soc2ev.fetch.web.MAX_BYTES", 1_000)
    server.answers = [(200, {"X-No-Length": "1", "Connection": "close"}, b"x" * 500_000)]
    with pytest.raises(CollectError, match="too large"):
        get(fetch, server)
    assert [1_000] == [item.size for item in stored(vault)]


def test_a_body_of_unknown_length_is_marked(fetch, vault, server):
    """A body that ends when the connection does may be cut: it is flagged, and JSON must reach its end."""
    server.answers = [(200, {"X-No-Length": "1", "Connection": "close"}, b"[1, 2")]
    answer = get(fetch, server)
    assert stored(vault)[0].response["unverified_length"] is True
    with pytest.raises(CollectError, match="not usable JSON"):
        fetch.json(answer)


def test_credentials_do_not_follow_a_redirect_elsewhere(fetch, vault, server, other):
    """A redirect to another port is not followed at all; the redirecting answer is stored."""
    server.answers = [(302, {"Location": f"{other.url}/steal"}, b"")]
    other.answers = [(200, {}, b"[]")]
    with pytest.raises(CollectError, match="leads away"):
        get(fetch, server)
    assert ([], [302]) == (other.seen, [item.response["status"] for item in stored(vault)])


def test_a_redirect_within_the_origin_is_followed(fetch, vault, server):
    """Renamed repositories redirect; each hop is stored, and a loop ends."""
    server.answers = [(301, {"Location": "/new?page=1"}, b""), (200, {}, b"[]")]
    assert b"[]" == get(fetch, server, "/old").body
    assert ["/old", "/new?page=1"] == [path for path, _ in server.seen]
    server.answers = [(302, {"Location": "/again"}, b"")]
    with pytest.raises(CollectError, match="without end"):
        get(fetch, server)
    assert 2 + 6 == len(stored(vault))


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/x",
        "https://{host}/x",
        "http://user@{host}/x",
        "http://{host}@evil.test/",
        "http://{host}\\@evil.test/",
        "http://{host}.evil.test/x",
        "ftp://{host}/x",
        "//{host}/x",
        "http://{host} /x",
        "http://{host}/\n",
        "",
        "http://{host}/" + "x" * 9000,
    ],
)
def test_addresses_outside_the_origin_are_refused(fetch, vault, server, url):
    """Look-alikes, other schemes, user parts and odd characters: nothing is asked, nothing is sent."""
    with pytest.raises(CollectError, match="leads away"):
        fetch.get(
            url.format(host=server.url[7:]),
            origin=server.url,
            source="web",
            stream="web:x",
            auth=Credential.bearer(SECRET),
        )
    assert ([], []) == (server.seen, stored(vault))


def test_netrc_is_never_used(fetch, server, tmp_path, monkeypatch):
    """A .netrc entry for the host neither replaces our credential nor supplies one."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login eve password stolen\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    server.answers = [(200, {}, b"[]")]
    get(fetch, server)
    get(fetch, server, auth=None)
    assert [f"Bearer {SECRET}", None] == [headers.get("Authorization") for _, headers in server.seen]


def test_limits_are_waited_for_visibly(fetch, vault, server, opened):
    """429 with Retry-After, then an answer: the wait is as asked, and a person is told until when."""
    server.answers = [(429, {"Retry-After": "90"}, b""), (503, {}, b""), (200, {}, b"[]")]
    assert b"[]" == get(fetch, server).body
    assert [90.0, 1.0] == opened.slept
    assert "web: secondary limit reached: waiting until 12:01:30 UTC" == opened.said[0]
    assert [429, 503, 200] == [item.response["status"] for item in stored(vault)]


def test_a_rate_limit_may_come_as_403_or_as_a_date(fetch, server, opened):
    """Primary limits name the reset as an epoch, others a date; both are waited for."""
    reset = str(int(datetime(2026, 10, 31, 12, 0, 30, tzinfo=UTC).timestamp()))
    server.answers = [
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}, b""),
        (503, {"Retry-After": "Sat, 31 Oct 2026 12:01:00 GMT"}, b""),
        (200, {}, b"[]"),
    ]
    get(fetch, server)
    assert [30.0, 30.0] == opened.slept


def test_retries_and_waiting_are_bounded(fetch, vault, server, opened):
    """Four answers that say later are enough, and so is one that asks for hours; no wait is slept in vain."""
    server.answers = [(503, {}, b"")]
    with pytest.raises(CollectError, match="503 Service Unavailable 4 times"):
        get(fetch, server)
    assert (4, [1.0, 2.0, 4.0]) == (len(stored(vault)), opened.slept)
    server.answers = [(429, {"Retry-After": "7200"}, b"")]
    with pytest.raises(CollectError, match="the limit lasts until"):
        get(fetch, server)
    assert 3 == len(opened.slept)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, AccessError),
        (403, AccessError),
        (404, CollectError),
        (500, CollectError),
        (202, CollectError),
        (206, CollectError),
    ],
)
def test_refusals_are_stored_and_named(fetch, vault, server, status, kind):
    """The message names the address without its query; part of an answer is none."""
    server.answers = [(status, {}, b"{}")]
    with pytest.raises(kind) as caught:
        get(fetch, server, "/repos?page=7", count=lambda _: 1)
    assert isinstance(caught.value, kind)
    assert issubclass(kind, AccessError) == isinstance(caught.value, AccessError)
    assert f"{server.url}/repos answered {status}" in caught.value.message
    assert "page=7" not in caught.value.message
    assert {(status, None)} == {(item.response["status"], item.count) for item in stored(vault)}


def test_not_modified_is_an_answer(fetch, server):
    """A conditional request may be answered with 304 and no body."""
    server.answers = [(304, {"ETag": '"e"'}, b"")]
    assert (304, b"") == (get(fetch, server, headers={"If-None-Match": '"e"'}).status, b"")


def test_a_login_page_with_200_is_no_json(fetch, vault, server):
    """HTML instead of JSON is stored and refused when it is read."""
    server.answers = [(200, {"Content-Type": "text/html"}, b"<html>log in</html>")]
    answer = get(fetch, server)
    with pytest.raises(CollectError, match="not usable JSON"):
        fetch.json(answer)
    assert 1 == len(stored(vault))


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":1,"a":2}',
        b"[NaN]",
        b"[-Infinity]",
        b"[1e999]",
        b"[1] x",
        b"",
        b"\xff",
        b"[" * 100_000,
        b"[" + b"9" * 5000 + b"]",
    ],
)
def test_json_that_readers_disagree_about_is_refused(fetch, server, body):
    """Repeated keys, numbers without meaning, trailing text, other encodings, deep nesting."""
    server.answers = [(200, {}, body)]
    with pytest.raises(CollectError, match="not usable JSON"):
        fetch.json(get(fetch, server))


def test_the_secret_is_nowhere(fetch, vault, server, tmp_path, opened):
    """Sent in a header and a query, echoed in body and headers, failing in every way: in no file and no message."""
    basic, messages = Credential.basic("ann", SECRET), []
    link = f'<{server.url}/x?token={SECRET}&page=2>; rel="next"'
    for status, headers in [
        (200, {"Link": link}),
        (401, {}),
        (500, {}),
        (302, {"Location": f"http://evil.test/{SECRET}"}),
    ]:
        for auth in (Credential.bearer(SECRET), basic):
            server.seen.clear()
            server.answers = [(status, headers, f"{SECRET} {auth.value}".encode())]
            try:
                answer = get(fetch, server, f"/{SECRET}?sig={SECRET}", params={"token": SECRET}, auth=auth)
                assert answer.item.response["redacted"] >= 1
                messages.append(repr(answer))
            except CollectError as problem:
                messages.append(f"{problem.message} {problem.hint} {problem!r}")
    server.close()
    server.close = lambda: None
    with pytest.raises(CollectError, match="cannot be reached") as caught:
        get(fetch, server, f"/?token={SECRET}")
    messages += [repr(caught.value), caught.value.message, *opened.said, repr(basic)]
    assert caught.value.__cause__ is None
    packed = basic.secrets[0]
    assert not [text for text in messages if SECRET in text or packed in text]
    assert SECRET.encode() not in everything(tmp_path)
    assert packed.encode() not in everything(tmp_path)


@pytest.mark.parametrize("token", ["", "two\nlines", "sn\u00f6"])
def test_a_token_that_cannot_be_sent_is_refused_without_showing_it(token):
    """A line feed in a token would be another header."""
    with pytest.raises(ConfigError) as caught:
        Credential("PRIVATE-TOKEN", token)
    assert not token or token not in caught.value.message


def test_a_proxy_of_the_given_environment_is_used(vault, server, other):
    """Proxies come from the environment that was handed in, and NO_PROXY is honoured."""
    server.answers = other.answers = [(200, {}, b"[]")]
    for environment, direct in [
        ({"HTTP_PROXY": other.url}, 0),
        ({"HTTP_PROXY": other.url, "NO_PROXY": "127.0.0.1"}, 1),
    ]:
        get(Fetch(vault, environment=environment), server)
        assert direct == len(server.seen)
    assert 1 == len(other.seen)
