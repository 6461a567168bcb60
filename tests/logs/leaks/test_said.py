"""Names of two words in sentences, columns without a name, and what stands beside a number: leaks and look-alikes."""

from __future__ import annotations

import json

import pytest

from soc2ev.logs.leaks import Scanner

KEY, HEX = "TkORoO68gcxDwQ1rT9yLb3VzNnPq5sXaUe7kHj2m", "6e075084a8fbf392dc840c8d901a1896"
UUID, CARD = "5d251874-f2e9-4580-84ff-f5f54ddee7c3", "4539578763621486"
ACCESS = '10.0.0.1 - - [05/Oct/2026:06:06:38 +0000] "GET /x HTTP/1.1" 200 3 "-" "curl/8.5.0"'
LEAKS = (
    *(("api_key", f"{name} {KEY}") for name in ("API key:", "api key =", "secret key:", "Encryption key is", "API key is")),
    *(("api_key", f"{name}: {HEX}") for name in ("Access key", "invalid API key", "encryption key", "client secret")),
    *(("api_key", form.format(KEY)) for form in ("api key {} is invalid", "Using API key {}", "using api_key {}", "apiKey {} revoked", "api key [{}]", "api key '{}' unknown", "client secret {} rejected")),
    ("api_key", f"API key: {UUID}"),
    *(("token", form.format(KEY)) for form in ("Access token {} expired", "invalid token {}", "token {} revoked", "token is {}", "token [{}] expired", "reset token {}", "refresh token '{}' stored")),
    ("session_cookie", f"session cookie: {HEX}"),
    ("session_cookie", f"session cookie {HEX} expired"),
    ("session_cookie", f"session_cookie={HEX} GET /login?page=18 201"),
    *(("personal_data", f"customer {name}: Emma Keller") for name in ("full name", "name", "last name")),
    *(("personal_data", f"{name}: {value}") for name, value in (("passport number", "C01X00T47"), ("national id", "8901014800086"), ("tax id", "12345678901"), ("driver's license", "K75195613"), ("first name", "Emma"), ("cardholder name", "Emma Keller"))),
    *(("personal_data", f'{{"headers":{{"{name}":"Anna Novak"}}}}') for name in ("X-Customer-Name", "HTTP_X_CUSTOMER_NAME", "X-Full-Name")),
    ("personal_data", "INSERT INTO t (id, address_line1) VALUES (49, '62 Harbour Street')"),
    ("personal_data", "INSERT INTO t (id, drivers_license) VALUES (49, 'K75195613')"),
    ("auth_header", f'{ACCESS} "Digest username=\\x22svc\\x22, nonce=\\x22a1\\x22, response=\\x22{HEX}\\x22" "-"'),
    ("auth_header", f'{ACCESS} "ApiKey {KEY}" "-"'),
    ("auth_header", f'{ACCESS} auth="Token {HEX}a1b2c3d4"'),
    *(("session_cookie", f'{ACCESS} "-" "{name}={HEX}" 1.894') for name in ("session_id", "sid", "session", ".AspNetCore.Cookies", "_ga=GA1.2.1; session_id")),
    ("card_number", f"GET /pay?number={CARD}&exp_month=12 HTTP/1.1"),
    ("card_number", f"{{'number': '{CARD}', 'cvc': '123'}}"),
    ("card_number", f"type=card number={CARD}"),
    ("card_number", f"paid with {CARD}, 12 messages"),
)  # fmt: skip
CLEAN = (
    *("API key authentication", "API key: required", "api key expired", "api key rotated by kim", "Using API key from environment", "key 42"),
    *("token validation failed", "access token expired for client 12345", "session cookie missing", "client secret: ***", "primary key violation"),
    *(f"{name} {HEX}" for name in ("token id", "key id", "cache key", "access token", "partition key:", "token", "key version")),
    *(f"{name} {UUID}" for name in ("api key", "session cookie:", "idempotency key:", "access token", "token")),
    *(f"api key {value}" for value in ("orders-service-production-key", "ip-10-0-3-4.eu-west-1.compute.internal", "OAuth2TokenValidationFilter", "release-2026-10-05-build-12")),
    "api key fingerprint SHA256:n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg",
    f"access token sha256:{HEX}{HEX}",
    f"token request_id={KEY}",
    f"routing key: exports/2026/{HEX}.parquet",
    f"UPDATE jobs SET nextPageToken = '{KEY}'",
    f"POST /oauth/token {KEY} 200",
    f"page token {KEY}",
    *(f"GET /search?q={word}+password {behind}" for word in ("reset", "forgot") for behind in ("HTTP/1.1", "Mozilla/5.0", "200")),
    *("user 12 changed password {trace_id=a1b2c3d4e5f6, pod=x}", "Authorization: none {sum=2f0278c83799, order=7}", "Authorization: Anonymous {a1b2c3d4}"),
    *(f"uploaded x.parquet ({CARD} {unit})" for unit in ("bytes", "ms", "rows")),
    f"discarded {CARD} bytes",
    *(f"number={CARD} {beside}" for beside in ("seq=7", "type=order", "discard=3")),
    '10 4086 2269 2269 3 "10.0.0.1"',
    '"db_password": "\\u2022\\u2022\\u2022\\u2022"',
    *("full name: required", "customer name: Missing", "file name: Report Final", "tax id: missing", "national id: invalid", "queue name: Orders Main"),
    f'{ACCESS} "-" "lang=de; theme=dark" 1.894',
    f'{ACCESS} "token validation failed for all" "-"',
    "INSERT INTO t (id, address_line1) VALUES (49, NULL)",
    '{"headers":{"X-Customer-Name":"***","X-File-Name":"Anna Novak"}}',
)  # fmt: skip
CARRIERS = (
    lambda line: line,
    lambda line: json.dumps({"ts": 1, "msg": line}),
    lambda line: "ts=2026-10-05T06:15:05Z level=info msg=" + json.dumps(line) + " n=3",
    lambda line: "<134>Oct  5 08:18:16 web-02 api[77]: " + line,
)


def kinds(line: str) -> list[str]:
    """The kinds of one line, by the sieve and without it."""
    data, scanner = line.encode(), Scanner(b"key")
    found = [leak.kind for leak in scanner.scan(data)]
    assert found == [leak.kind for _, leak in scanner.scan_block(b"x\n" + data + b"\nx\n")]
    return found


@pytest.mark.parametrize(("kind", "line"), LEAKS)
def test_what_is_said_is_found_in_whatever_carries_it(kind, line):
    """Once, with its kind, in plain text, JSON, logfmt and syslog."""
    for carried in CARRIERS:
        assert [kind] == kinds(carried(line)), carried(line)


@pytest.mark.parametrize("line", CLEAN)
def test_what_only_sounds_alike_is_clean(line):
    """Ids, digests, versions, hosts, words, states, counts and searches."""
    for carried in CARRIERS:
        assert [] == kinds(carried(line)), carried(line)


@pytest.mark.parametrize(
    "line", ["q=invalid+API+key%3A+" + KEY, "q=full%20name%3A%20Emma%20Keller", "q=tax+id%3A+12345678901"]
)
def test_a_sentence_in_an_address_is_read_as_one(line):
    """With plus signs or percent signs for its blanks."""
    assert 1 == len(kinds(f'"GET /search?{line}&page=2 HTTP/1.1" 200'))
