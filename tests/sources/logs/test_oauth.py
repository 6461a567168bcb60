"""Access tokens by client credentials: how they are asked for, that they stay secret, and what happens without one."""

from __future__ import annotations

import base64
import json
import traceback
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from werkzeug import Request, Response

from soc2ev.errors import ConfigError
from soc2ev.sources.logs import lint, oauth
from soc2ev.yamlfile import dump
from tests.conftest import Run
from tests.sources.logs.runs import SECRET, Team

TOKEN = "S3NTINEL-of-an-access-token"
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
AUTH = {
    "type": "oauth2_client_credentials",
    "token_url": "${config.url}/token",
    "scope": "logs.read",
    "audience": "api",
}
ENTRY = {"connector": "own", "client_id": "id/1", "client_secret": {"env": "PASSWORD"}}


class System:
    """A system that gives tokens and takes them; the clock moves with each question."""

    def __init__(self, server) -> None:
        self.url = server.url_for("").rstrip("/")
        self.asked: list[tuple[dict[str, str], str]] = []
        self.seen: list[str] = []
        self.status, self.more, self.error = 200, {}, {}
        self.valid: set[str] | None = None
        self.tokens = 99
        self.now, self.step = NOW, timedelta(0)
        for path in ("/token", "/oauth2/v1/token", "/oauth/token", "/acme/oauth2/v2.0/token"):
            server.expect_request(path, method="POST").respond_with_handler(self._token)
        server.expect_request("/elsewhere").respond_with_handler(self._answer)
        server.expect_request("/a").respond_with_handler(self._answer)
        server.expect_request("/b").respond_with_handler(self._answer)

    def _token(self, request: Request) -> Response:
        form = {name: value for name, (value,) in parse_qs(request.get_data(as_text=True)).items()}
        self.asked.append((form, request.headers.get("Authorization", "")))
        assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
        if self.status != 200 or len(self.asked) > self.tokens:
            headers = {"Location": "/elsewhere"} if self.status == 307 else {}
            status = 401 if self.status == 200 else self.status
            return Response(json.dumps(self.error), status, headers, content_type="application/json")
        told = {"access_token": f"{TOKEN}-{len(self.asked)}", "token_type": "Bearer", "expires_in": 3600, **self.more}
        return Response(json.dumps(told), content_type="application/json")

    def _answer(self, request: Request) -> Response:
        self.now += self.step
        given = request.headers.get("Authorization", "")
        self.seen.append(given)
        if self.valid is not None and given.removeprefix(f"Bearer {TOKEN}-") not in self.valid:
            return Response(json.dumps({"error": given}), 401, content_type="application/json")
        return Response(json.dumps({"enabled": True, "echo": given}), content_type="application/json")


@pytest.fixture
def system(httpserver) -> System:
    return System(httpserver)


@pytest.fixture
def own(team, system) -> Team:
    """A team with a manifest of its own."""
    team.now = lambda: system.now
    write(team, AUTH)
    return team


def write(team: Team, auth: dict, **config) -> None:
    settings = {"url": {}, "client_id": {}, "client_secret": {"secret": True}, **config}
    manifest = {
        "id": "own", "title": "Own", "category": "application", "transport": "http", "base_url": "${config.url}",
        "docs": "x", "verified": "x", "requires": ["x"], "config": settings, "auth": auth,
        "requests": [{"id": "a", "path": "/a"}, {"id": "b", "path": "/b"}],
        "sources": [{"record": {"title": "Own", "enabled": "=a.enabled && b.enabled"}}],
    }  # fmt: skip
    folder = team.root / ".soc2ev" / "sources"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "own.yaml").write_text(dump(manifest))


def kept(found) -> list[dict]:
    """What is stored about tokens."""
    return [json.loads(body) for item, body in found.stored if item.request.get("role") == "token"]


def everything(team: Team, found) -> str:
    """All that was stored, claimed and said."""
    texts = [str(item) + body.decode("utf-8", "replace") for item, body in found.stored]
    texts += [file.read_bytes().decode("utf-8", "replace") for file in team.root.rglob("*") if file.is_file()]
    return "\n".join([*texts, *map(str, found.claims.values()), *found.said])


def test_one_token_serves_all_questions(own, system):
    """Asked for by HTTP Basic with both parts encoded; stored is that it was obtained, for what and until when."""
    found = own.collect({**ENTRY, "url": system.url})
    ((form, header),) = system.asked
    assert {"grant_type": "client_credentials", "scope": "logs.read", "audience": "api"} == form
    assert f"id%2F1:{SECRET}" == base64.b64decode(header.removeprefix("Basic ")).decode()
    assert [f"Bearer {TOKEN}-1"] * 2 == system.seen
    assert found.claim.complete
    assert found.sources["own:own"]["enabled"] is True
    (fact,) = kept(found)
    assert ("id/1", "logs.read", "api", "2026-11-02T10:00:00+00:00") == tuple(
        fact[name] for name in ("client", "scope", "audience", "expires_at")
    )


def test_the_token_and_the_secret_are_nowhere(own, system):
    """Also when the system repeats the token, and the server of tokens gives further ones."""
    system.more = {"refresh_token": "S3NTINEL-of-another", "id_token": "S3NTINEL-of-a-third", "scope": f"a {SECRET}"}
    found = own.collect({**ENTRY, "url": system.url})
    assert found.claim.complete
    assert "S3NTINEL" not in everything(own, found)
    assert "***" in everything(own, found)


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_refusal_leaves_everything_unknown_and_is_not_repeated(own, system, status):
    """With the status and the error that the server names, and nothing of what it says beside that; access is missing."""
    system.status, system.error = status, {"error": "invalid_client", "error_description": f"wrong: {SECRET}"}
    found = own.collect({**ENTRY, "url": system.url})
    assert (1, []) == (len(system.asked), system.seen)
    assert not found.claim.complete
    assert "missing" == found.claim.scope["access"]
    assert f"gave no token: it answered {status}" in found.claim.reason
    assert "(invalid_client)" in found.claim.reason
    assert "check client_id" in found.claim.reason
    assert all(row["enabled"] is None for row in found.sources.values())
    assert "S3NTINEL" not in everything(own, found)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"access_token": None}, "answered without a token"),
        ({"access_token": "a\nb"}, "answered without a token"),
        ({"token_type": "DPoP"}, "is no bearer token"),
    ],
)
def test_an_answer_without_a_usable_token_leaves_everything_unknown(own, system, more, says):
    """It is not stored, and no question is asked without a token."""
    system.more = more
    found = own.collect({**ENTRY, "url": system.url})
    assert (False, []) == (found.claim.complete, system.seen)
    assert says in found.claim.reason
    assert "S3NTINEL" not in everything(own, found)


def test_the_secret_follows_no_redirect(own, system):
    """A redirect of the server of tokens is a refusal."""
    system.status = 307
    found = own.collect({**ENTRY, "url": system.url})
    assert (1, [], False) == (len(system.asked), system.seen, found.claim.complete), found.claim.reason


def test_a_token_that_ends_soon_is_replaced_before_it_does(own, system):
    """After 59 minutes of an hour the next question comes with another one."""
    system.step = timedelta(minutes=59, seconds=30)
    found = own.collect({**ENTRY, "url": system.url})
    assert [f"Bearer {TOKEN}-1", f"Bearer {TOKEN}-2"] == system.seen
    assert found.claim.complete
    assert 2 == len(kept(found))


def test_a_token_that_ended_too_early_is_replaced_once(own, system):
    """The question is asked again with the new token, and the answer counts."""
    system.valid = {"2"}
    found = own.collect({**ENTRY, "url": system.url})
    assert [f"Bearer {TOKEN}-{number}" for number in (1, 2, 2)] == system.seen
    assert found.claim.complete
    assert found.sources["own:own"]["enabled"] is True
    assert "S3NTINEL" not in everything(own, found)


def test_a_system_that_takes_no_token_is_not_asked_for_ever(own, system):
    """Two tokens in all; the facts are unknown."""
    system.valid = set()
    found = own.collect({**ENTRY, "url": system.url})
    assert (2, False) == (len(system.asked), found.claim.complete)
    assert 3 >= len(system.seen)
    assert "401" in found.claim.reason


def test_a_later_failure_of_tokens_is_not_green(own, system):
    """The first question was answered; the second has no token, so that the fact of both is unknown."""
    system.step, system.tokens = timedelta(hours=2), 1
    found = own.collect({**ENTRY, "url": system.url})
    assert (1, 2, False) == (len(system.seen), len(system.asked), found.claim.complete)
    assert found.sources["own:own"]["enabled"] is None


def test_a_server_of_tokens_that_fails_is_told_as_it_is(own, system):
    """A passing error is tried again a few times; nothing is said to be stored."""
    system.status = 503
    found = own.collect({**ENTRY, "url": system.url})
    assert (4, [], False) == (len(system.asked), system.seen, found.claim.complete)
    assert "503" in found.claim.reason
    assert "answers are stored" not in found.claim.reason


def test_a_question_follows_a_redirect_that_has_a_body(own, system, httpserver):
    """Within the origin, with the token; the redirecting answer is whole."""
    httpserver.clear()
    httpserver.expect_request("/token").respond_with_handler(system._token)
    for path in ("/a", "/b"):
        httpserver.expect_request(path).respond_with_json({"moved": True}, 301, {"Location": "/elsewhere"})
    httpserver.expect_request("/elsewhere").respond_with_handler(system._answer)
    found = own.collect({**ENTRY, "url": system.url})
    assert (True, [f"Bearer {TOKEN}-1"] * 2) == (found.claim.complete, system.seen), found.claim.reason


def test_the_secret_may_stand_in_the_form(own, system):
    """For servers that take no HTTP Basic."""
    write(own, {**AUTH, "client": "body"})
    found = own.collect({**ENTRY, "url": system.url})
    ((form, header),) = system.asked
    assert ("id/1", SECRET, "") == (form["client_id"], form["client_secret"], header)
    assert found.claim.complete
    assert "S3NTINEL" not in everything(own, found)


def pem(key) -> str:
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form).decode()


def parts(text: str) -> tuple[dict, dict, bytes, bytes]:
    head, claims, signature = text.split(".")
    packed = [base64.urlsafe_b64decode(one + "=" * (-len(one) % 4)) for one in (head, claims, signature)]
    return json.loads(packed[0]), json.loads(packed[1]), packed[2], f"{head}.{claims}".encode()


@pytest.mark.parametrize("kind", ["rsa", "ec"])
def test_an_assertion_proves_the_client_by_its_key(team, system, kind):
    """As Okta asks for it: issuer and subject are the client, the audience is the server of tokens, signed by the key."""
    key = rsa.generate_private_key(65537, 2048) if kind == "rsa" else ec.generate_private_key(ec.SECP256R1())
    team.environment = {**team.environment, "KEY": pem(key)}
    team.now = lambda: NOW
    entry = {"connector": "okta", "url": system.url, "client_id": "0oa1", "private_key": {"env": "KEY"}, "key_id": "k1"}
    found = team.collect(entry)
    ((form, header),) = system.asked
    assert ("", "client_credentials", "0oa1") == (header, form["grant_type"], form["client_id"])
    assert "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" == form["client_assertion_type"]
    assert "okta.logs.read" in form["scope"].split()
    head, claims, signature, signed = parts(form["client_assertion"])
    assert {"alg": "RS256" if kind == "rsa" else "ES256", "typ": "JWT", "kid": "k1"} == head
    at = int(NOW.timestamp())
    expected = {"iss": "0oa1", "sub": "0oa1", "aud": f"{system.url}/oauth2/v1/token", "iat": at, "exp": at + 300}
    assert expected == {name: value for name, value in claims.items() if name != "jti"}
    assert claims["jti"]
    if kind == "rsa":
        key.public_key().verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
    else:
        der = utils.encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
        key.public_key().verify(der, signed, ec.ECDSA(hashes.SHA256()))
    assert [{"token"}] == [{item.request["role"]} for item, _ in found.stored if item.request.get("role") == "token"]
    assert "PRIVATE KEY" not in everything(team, found)
    assert form["client_assertion"] not in everything(team, found)


@pytest.mark.parametrize(
    ("entry", "place", "asked"),
    [
        ({"connector": "auth0"}, "oauth/token", {"audience": "{url}/api/v2/", "client_secret": SECRET}),
        ({"connector": "entra", "tenant": "acme", "login_url": "{url}"}, "acme/oauth2/v2.0/token", {"scope": "{url}/.default"}),
    ],
)  # fmt: skip
def test_shipped_connectors_take_a_client_instead_of_a_token(team, system, entry, place, asked):
    """At the address of tokens that each system documents."""
    filled = {name: value.replace("{url}", system.url) for name, value in entry.items()}
    found = team.collect({**filled, "url": system.url, "client_id": "c", "client_secret": {"env": "PASSWORD"}})
    ((form, _),) = system.asked
    for name, value in asked.items():
        assert value.replace("{url}", system.url) == form[name]
    assert f"{system.url}/{place}" == kept(found)[0]["from"]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "token or client_secret and client_id is missing"),
        ({"client_id": "c"}, "client_secret is missing"),
        ({"token": {"env": "TOKEN"}, "client_id": "c"}, "two ways to prove who asks"),
    ],
)
def test_half_a_proof_and_two_are_refused(team, system, given, says):
    """Before anything is asked."""
    with pytest.raises(ConfigError, match=says):
        team.collect({"connector": "auth0", "url": system.url, **given})
    assert [] == system.asked


def test_a_key_that_is_none_is_refused_without_showing_it(team, system):
    """Neither the message nor the traceback has its text, and nothing is asked."""
    with pytest.raises(ConfigError, match="no RSA or P-256 key") as told:
        team.collect({"connector": "okta", "url": system.url, "client_id": "c", "private_key": {"env": "PASSWORD"}})
    assert SECRET not in "".join(traceback.format_exception(told.value))
    assert [] == system.asked


def test_what_holds_secrets_does_not_show_them():
    """Neither the client nor its tokens, in whatever message they would come to stand."""
    client = oauth.Client("https://example.com/token", "c", secret=SECRET)
    assert SECRET not in repr(client)


def test_the_address_of_tokens_is_https(own, system):
    """Another one is refused before the secret is sent; so is one that only the entry makes wrong."""
    write(own, {**AUTH, "token_url": "${config.place}/token"}, place={})
    with pytest.raises(ConfigError, match="no https address"):
        own.collect({**ENTRY, "url": system.url, "place": "http://example.com"})
    assert [] == system.asked


@pytest.mark.parametrize(
    ("auth", "says"),
    [
        ({**AUTH, "token_url": "http://example.com/token"}, "https"),
        ({**AUTH, "token_url": ""}, "token_url"),
        ({"type": "bearer", "secret": "client_secret", "token_url": "https://example.com"}, "token_url"),
        ({**AUTH, "client_id": "nobody"}, "config has no nobody"),
        ({**AUTH, "client_secret": "url"}, "not marked as a secret"),
        ({**AUTH, "scope": "${config.client_secret}"}, "is a secret and does not stand"),
        ({**AUTH, "scope": "${config.nothing}"}, "config has no nothing"),
    ],
)
def test_a_manifest_is_linted(own, auth, says):
    """Addresses, names of settings, and secrets in places that are stored."""
    write(own, auth)
    told = " ".join(one for one in lint(own.root, [own.root / ".soc2ev" / "sources" / "own.yaml"]))
    assert says in told


def test_explain_prints_the_call(soc2ev: Run, tmp_path):
    """Where tokens are asked for, how the client proves who it is, and that the token is not kept."""
    out = soc2ev("sources", "explain", "okta", cwd=tmp_path).out
    assert "With private_key and client_id it first asks for a token" in out
    assert "POST ${config.url}/oauth2/v1/token (client_credentials, an assertion that its private key signs" in out
    assert "never the token" in out
    told = json.loads(soc2ev("sources", "explain", "entra", "--format", "json", cwd=tmp_path).out)
    assert ["${config.url}/.default"] == [one["scope"] for one in told["tokens"]]


def test_no_token_reaches_screen_vault_or_pack(soc2ev: Run, own, system, monkeypatch):
    """Collected, judged, packed and verified as a user does it, with a server that repeats what it was given."""
    monkeypatch.setenv("PASSWORD", SECRET)
    entry = f"{{connector: own, url: '{system.url}', client_id: c, client_secret: {{env: PASSWORD}}}}"
    text = f"version: 1\norganisation: Example Co\nregisters: null\nsources: {{logs: [{entry}]}}\n"
    (own.root / "soc2ev.yaml").write_text(text)
    done = [soc2ev("collect", "--period", "2026-10", cwd=own.root), soc2ev("pack", "--period", "2026-10", cwd=own.root)]
    assert [0, 0] == [one.code for one in done]
    assert f"Bearer {TOKEN}-1" in system.seen
    assert 0 == soc2ev("verify", done[1].out.strip(), cwd=own.root).code
    files = [file.read_bytes() for file in own.root.rglob("*") if file.is_file()]
    assert any(b"access token" in one for one in files)
    assert not any(b"S3NTINEL" in one for one in files)
    assert not any("S3NTINEL" in one.out + one.err for one in done)
