"""Where secrets come from, and that they go nowhere else."""

import base64
import gzip
import json
import traceback
from datetime import timedelta
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from soc2ev.config import GithubApp, Secret
from soc2ev.errors import AccessError, CollectError, ConfigError, Soc2evError
from soc2ev.fetch import Credential
from tests.fetch.serving import SECRET, START, everything, reply

PATH = {"PATH": "/usr/bin:/bin"}


def test_a_secret_of_the_environment(desk):
    """White space around it is none of it."""
    assert "abc" == desk.fetch(environment={"T": " abc\n"}).secret(Secret(env="T"))


def test_a_secret_of_a_file(desk, tmp_path):
    """Relative to the given folder, also through a link as clusters mount them; an absolute path as it is."""
    (tmp_path / "real").write_text("abc\n")
    (tmp_path / "token").symlink_to(tmp_path / "real")
    fetch = desk.fetch(folder=tmp_path)
    assert ["abc", "abc"] == [fetch.secret(Secret(file=name)) for name in ("token", str(tmp_path / "real"))]


def test_a_secret_of_a_command(desk, tmp_path, monkeypatch):
    """Without a shell, in the given folder, with PATH and HOME and nothing else of the environment."""
    (tmp_path / "show").write_text('#!/bin/sh\necho "$1:$HOME:$OTHER:$(pwd)"\n')
    (tmp_path / "show").chmod(0o755)
    fetch = desk.fetch(environment={**PATH, "HOME": "/h", "OTHER": "x"}, folder=tmp_path)
    assert f"$(a b):/h::{tmp_path}" == fetch.secret(Secret(command="./show '$(a b)'"))


@pytest.mark.parametrize(
    ("secret", "names"),
    [
        (Secret(env="GITHUB_TOKEN"), "GITHUB_TOKEN"),
        (Secret(env="EMPTY"), "EMPTY"),
        (Secret(file="missing"), "missing"),
        (Secret(file="."), "is no file"),
        (Secret(file="empty"), "empty"),
        (Secret(file="binary"), "binary"),
        (Secret(command="sh -c 'echo s3cret; echo s3cret >&2; exit 3'"), "exit code 3"),
        (Secret(command="true"), "command"),
        (Secret(command="no-such-tool"), "no-such-tool"),
        (Secret(command="'unclosed"), "cannot be read"),
        (Secret(command=""), "cannot be read"),
    ],
)
def test_a_secret_that_is_not_there(desk, tmp_path, secret, names):
    """An error of the configuration names the place and never what was read."""
    (tmp_path / "empty").write_text(" \n")
    (tmp_path / "binary").write_bytes(b"s3cret\xff")
    with pytest.raises(ConfigError, match=names) as caught:
        desk.fetch(environment={**PATH, "EMPTY": " "}, folder=tmp_path).secret(secret)
    assert "s3cret" not in "".join(traceback.format_exception(caught.value)) + caught.value.hint


@pytest.fixture(scope="module")
def key():
    return rsa.generate_private_key(65537, 2048)


def pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


APP = GithubApp(id=7, installation=42, private_key=Secret(env="KEY"))
ISSUED = "ghs_issued0123456789"


def issue(server, clock, **more):
    def answer(_):
        ends = (clock.at + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        return reply({"token": ISSUED, "expires_at": ends, "note": f"again {ISSUED}", **more}, 201)

    server.answer = answer


def part(text):
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def test_an_app_proves_itself_and_gets_a_token(desk, server, key, clock):
    """RS256 over header and claims, ten minutes at most; the token is in the credential and in no stored byte."""
    issue(server, clock)
    credential = desk.fetch(environment={"KEY": pem(key)}).github_app(server.url, APP)
    assert (f"Bearer {ISSUED}", "Authorization") == (credential.value, credential.header)
    [asked] = server.asked
    assert ("POST", "/app/installations/42/access_tokens") == (asked.method, asked.path)
    proof = asked.headers["Authorization"].removeprefix("Bearer ")
    head, claims, signature = proof.split(".")
    now = int(START.timestamp())
    assert {"alg": "RS256", "typ": "JWT"} == part(head)
    assert {"iat": now - 60, "exp": now + 540, "iss": "7"} == part(claims)
    signed = base64.urlsafe_b64decode(signature + "==")
    key.public_key().verify(signed, f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256())
    [item] = desk.stored("github:installation-token")
    assert {"token": "***", "note": "again ***"}.items() <= json.loads(desk.vault.read(item.digest)).items()
    assert 2 == item.response["redacted"]
    found = everything(desk.vault.path)
    assert not [text for text in (ISSUED, proof, "PRIVATE KEY") if text.encode() in found]


def test_a_token_is_kept_until_five_minutes_before_it_ends(desk, server, key, clock):
    """Threads that need it at once share one request."""
    issue(server, clock)
    fetch = desk.fetch(environment={"KEY": pem(key)})
    fetch.together([lambda: fetch.github_app(server.url, APP)] * 6)
    clock.at += timedelta(minutes=54, seconds=59)
    fetch.github_app(server.url, APP)
    assert 1 == len(server.asked)
    clock.at += timedelta(seconds=1)
    fetch.github_app(server.url, APP)
    fetch.github_app(server.url, APP.model_copy(update={"installation": 43}))
    assert 3 == len(server.asked)


@pytest.mark.parametrize("text", ["no key", "ed25519", ""])
def test_a_key_that_cannot_sign_is_an_error_of_the_configuration(desk, server, text):
    """The message does not show it."""
    given = pem(ed25519.Ed25519PrivateKey.generate()) if text == "ed25519" else text
    with pytest.raises(ConfigError) as caught:
        desk.fetch(environment={"KEY": given}).github_app(server.url, APP)
    assert "BEGIN" not in "".join(traceback.format_exception(caught.value))
    assert [] == server.asked


@pytest.mark.parametrize(
    ("made", "kind"),
    [
        (reply({"message": "bad"}, 401), AccessError),
        (reply({"message": "gone"}, 404), CollectError),
        (reply({"token": ISSUED, "expires_at": "soon"}, 201), CollectError),
        (reply({"token": ISSUED, "expires_at": "2026-10-31T13:00:00"}, 201), CollectError),
        (reply({"token": ISSUED}, 201), CollectError),
        (reply({"token": [ISSUED], "expires_at": "2026-10-31T13:00:00Z"}, 201), CollectError),
        (reply({"token": "two\n" + ISSUED, "expires_at": "2026-10-31T13:00:00Z"}, 201), CollectError),
        (reply([ISSUED], 201), CollectError),
        ((201, {}, f'{{"token": "{ISSUED}"'.encode()), CollectError),
        ((201, {"Content-Encoding": "gzip"}, gzip.compress(f'{{"token": "{ISSUED}"}}'.encode())[:-9]), CollectError),
        ((201, {"Content-Length": "99", "Connection": "close"}, f'{{"token": "{ISSUED}"'.encode()), CollectError),
    ],
)
def test_an_answer_without_a_usable_token(desk, server, key, made, kind):
    """Wherever the token stands in a bad answer, it is not stored."""
    server.answer = [made]
    with pytest.raises(kind) as caught:
        desk.fetch(environment={"KEY": pem(key)}).github_app(server.url, APP)
    assert (kind is AccessError) == isinstance(caught.value, AccessError)
    assert ISSUED not in "".join(traceback.format_exception(caught.value)) + caught.value.hint
    assert ISSUED.encode() not in everything(desk.vault.path)
    for item in desk.stored("github:installation-token"):
        readable = desk.vault.read(item.digest)
        assert not readable.startswith(b"\x1f\x8b")


SPELLINGS = {
    "plain": SECRET,
    "percent": quote(SECRET, safe=""),
    "lower percent": quote(SECRET, safe="").replace("%2F", "%2f"),
    "twice percent": quote(quote(SECRET, safe=""), safe=""),
    "slash escaped": SECRET.replace("/", "\\/"),
    "unicode escaped": SECRET.replace("/", "\\u002f").replace("+", "\\u002B").replace("=", "\\u003d"),
}
BASIC = base64.b64encode(f"ann:{SECRET}".encode()).decode()


@pytest.mark.parametrize("spelling", [*SPELLINGS, "basic"])
@pytest.mark.parametrize("method", ["get", "graphql", "pages"])
@pytest.mark.parametrize(
    "ending",
    ["good", "401", "403", "500", "302", "link", "html", "cut gzip", "short", "limit", "count", "errors", "elsewhere"],
)
def test_the_secret_is_nowhere(desk, server, get, query, spelling, method, ending):
    """Echoed in bodies, headers, addresses and errors, in every spelling, on every way out: in no file and no message."""
    auth = Credential.basic("ann", SECRET) if spelling == "basic" else Credential.bearer(SECRET)
    echo = BASIC if spelling == "basic" else SPELLINGS[spelling]
    body = f'{{"data": {{"a": "{echo} {BASIC if spelling == "basic" else echo}"}}}}'.encode()
    packed = gzip.compress(body + b" " * 9)
    server.answer = [
        {
            "good": (200, {"ETag": echo, "X-OAuth-Scopes": echo}, body),
            "401": (401, {"X-Accepted-GitHub-Permissions": echo}, body),
            "403": (403, {"Date": echo}, body),
            "500": (500, {}, body),
            "302": (302, {"Location": f"/{quote(echo)}?x={echo}"}, body),
            "link": (200, {"Link": f"</{echo}?page=2>; rel=next"}, body),
            "html": (200, {}, f"<html>{echo}".encode()),
            "cut gzip": (200, {"Content-Encoding": "gzip"}, packed[:-7]),
            "short": (200, {"Content-Length": "9999", "Connection": "close"}, body),
            "limit": (429, {"Retry-After": "5000", "X-RateLimit-Resource": echo}, body),
            "count": (200, {}, body),
            "errors": (200, {}, b'{"data": null, "errors": [{"message": "' + echo.encode() + b'"}]}'),
            "elsewhere": (302, {"Location": f"http://127.0.0.2:9/{quote(echo)}"}, body),
        }[ending]
    ]
    fetch = desk.fetch()
    messages = []
    count = {"count": lambda found: int(str(found)[:0] + "x")} if ending == "count" else {}
    try:
        if method == "graphql":
            messages.append(repr(query(fetch, auth=auth, variables={"v": echo}, **count).item))
        elif method == "pages":
            messages += [repr(page.item) for page in get(fetch, method="pages", auth=auth, **count)]
        else:
            messages.append(repr(get(fetch, f"/x?sig={quote(echo)}", auth=auth, json=True, **count).item))
    except Soc2evError as problem:
        messages += ["".join(traceback.format_exception(problem)), problem.message, problem.hint, repr(problem)]
    messages += [*desk.said, repr(auth), repr(fetch.__dict__)]
    bad = {SECRET, BASIC, *SPELLINGS.values(), quote(BASIC, safe="")}
    assert not [text for text in bad if any(text in message for message in messages)]
    found = everything(desk.vault.path)
    assert not [text for text in bad if text.encode() in found]
    for item in desk.stored():
        assert not desk.vault.read(item.digest).startswith(b"\x1f\x8b")


def test_a_header_of_another_kind_is_masked_whole(desk, server, get):
    """Some systems have a header of their own for their token."""
    server.answer = [(200, {}, SECRET.encode())]
    assert b"***" == get(desk.fetch(), auth=Credential("X-Api-Key", SECRET)).body
    assert SECRET == server.asked[0].headers["X-Api-Key"]
