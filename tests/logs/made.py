"""A seeded corpus: shapes x secrets x look-alikes, each line with the kinds that it leaks."""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Iterator
from dataclasses import dataclass

from .shapes import SHAPES, URL_ONLY, Fields

ALNUM = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Case:
    """One line, the kinds that it leaks (each once) and where it came from."""

    line: bytes
    kinds: tuple[str, ...]
    shape: str
    about: str


def pick(r: random.Random, letters: str, size: int) -> str:
    """Random letters with at least one digit and both cases where the letters have them."""
    while True:
        made = "".join(r.choices(letters, k=size))
        if any(c.isdigit() for c in made) and (
            made != made.lower() or letters.lower() == letters or letters.upper() == letters
        ):
            return made


def card(r: random.Random, prefix: str = "4", size: int = 16) -> str:
    """A number of that network with a right check digit."""
    body = prefix + "".join(r.choices(string.digits, k=size - 1 - len(prefix)))
    total = sum(sum(divmod(2 * int(c), 10)) if i % 2 == 0 else int(c) for i, c in enumerate(reversed(body)))
    return body + str(-total % 10)


def grouped(digits: str, separator: str = " ") -> str:
    """In groups of four."""
    return separator.join(digits[at : at + 4] for at in range(0, len(digits), 4))


def jwt(r: random.Random) -> str:
    """A token with a header that names an algorithm."""
    parts = ({"alg": "HS256", "typ": "JWT"}, {"sub": str(r.getrandbits(30)), "iat": 1790000000})
    head = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*head, pick(r, ALNUM + "_-", 43)])


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def secrets(r: random.Random) -> Iterator[tuple[str, str, Fields, bool]]:
    """(kind, message, fields, whether it can stand in a query) of everything that leaks."""
    word = r.choice(["S3cret!pw", "hunter2x", "Tr0ub4dor&3", "correct-horse-9", "Wint3r2026!"])
    for key in ("password", "user_password", "passwd", "pwd", "newPassword", "db_password", "PGPASSWORD"):
        yield "password", "login attempt", {key: word.replace("&", "_")}, True
    yield "password", f"password is {word}", {}, False
    yield "password", f"starting tool --password={word} --verbose", {}, False
    for key in ("api_key", "apiKey", "x-api-key", "client_secret", "secret_key", "aws_secret_access_key"):
        yield "api_key", "partner call", {key: pick(r, ALNUM, 32)}, True
    yield "api_key", f"using key AKIA{pick(r, string.ascii_uppercase + '234567', 16)} for upload", {}, False
    yield "api_key", f"stripe client made with sk_live_{pick(r, ALNUM, 24)}", {}, False
    yield "api_key", f"maps call failed AIza{pick(r, ALNUM, 35)}", {}, False
    for key in ("access_token", "refreshToken", "token", "auth_token", "x-auth-token", "id_token"):
        yield "token", "session refreshed", {key: pick(r, ALNUM, 40)}, True
    yield "token", f"clone with ghp_{pick(r, ALNUM, 36)} refused", {}, False
    yield "token", f"got {jwt(r)} from provider", {}, False
    yield "token", f"slack answered xoxb-{r.getrandbits(40)}-{pick(r, ALNUM, 24)}", {}, False
    yield "auth_header", "upstream call", {"authorization": f"Bearer {jwt(r)}"}, False
    yield "auth_header", "upstream call", {"Authorization": "Basic " + b64(f"svc:{word}")}, False
    yield "auth_header", f"sent Authorization: Bearer {pick(r, ALNUM, 30)}", {}, False
    yield "session_cookie", "request", {"cookie": f"theme=dark; sessionid={pick(r, ALNUM, 32).lower()}"}, False
    yield "session_cookie", f"Set-Cookie: JSESSIONID={pick(r, string.digits + 'ABCDEF', 32)}; Path=/", {}, False
    yield "card_number", "charge made", {"card_number": card(r)}, True
    yield "card_number", f"declined {grouped(card(r, '51'))} for shop", {}, False
    yield "card_number", f"amex card {card(r, '37', 15)} declined", {}, False
    for scheme in ("postgres", "mysql", "mongodb+srv", "redis", "amqp"):
        yield (
            "connection_string",
            f"connecting to {scheme}://app:{pick(r, ALNUM, 12)}@db.acme.test/shop failed",
            {},
            False,
        )
    yield "connection_string", f"using Server=db1;Database=shop;User Id=app;Password={pick(r, ALNUM, 12)};", {}, False
    yield "email", "mail sent", {"recipient": f"ann.{pick(r, string.ascii_lowercase + '1', 5)}@acme.test"}, True
    yield "email", f"invited bob{r.randint(1, 99)}@example.com to team", {}, False
    yield (
        "personal_data",
        "profile saved",
        {"ssn": f"{r.randint(100, 600)}-{r.randint(10, 99)}-{r.randint(1000, 9999)}"},
        True,
    )
    yield (
        "personal_data",
        "profile saved",
        {"date_of_birth": f"19{r.randint(50, 99)}-0{r.randint(1, 9)}-1{r.randint(0, 9)}"},
        True,
    )
    yield "personal_data", "profile saved", {"phone_number": f"+1415555{r.randint(1000, 9999)}"}, True
    yield "personal_data", "profile saved", {"iban": "DE89370400440532013000"}, True
    yield "personal_data", "profile saved", {"first_name": r.choice(["Anna", "Karl"])}, True
    pem = "-----BEGIN RSA PRIVATE KEY-----\\n" + pick(r, ALNUM, 64) + "\\n-----END RSA PRIVATE KEY-----"
    yield "private_key", f"loaded {pem}", {}, False
    yield "password", "delivery", {"data": b64(json.dumps({"user": "x", "password": word}))}, False


def look_alikes(r: random.Random) -> Iterator[tuple[str, Fields]]:
    """(message, fields) of everything that only looks like a leak."""
    masks = (
        "[FILTERED]",
        "***",
        "********",
        "<redacted>",
        "[REDACTED]",
        f"hmac-sha256:{r.getrandbits(128):x}",
        "xxxxxxxx",
        "sha256:" + f"{r.getrandbits(256):064x}",
    )
    for key in ("password", "api_key", "access_token", "authorization", "cookie", "ssn", "client_secret"):
        yield "masked", {key: r.choice(masks)}
    yield "masked", {"authorization": "Bearer ***", "email": "a***@example.com"}
    yield (
        "done",
        {
            "password_reset_requested": "true",
            "token_type": "Bearer",
            "tokens_used": "512",
            "session_id": f"{r.getrandbits(128):032x}",
        },
    )
    yield (
        "done",
        {
            "traceparent": f"00-{r.getrandbits(128):032x}-{r.getrandbits(64):016x}-01",
            "commit": f"{r.getrandbits(160):040x}",
        },
    )
    yield "done", {"order_id": card(r), "order_number": card(r, "4")}
    yield (
        "done",
        {
            "number": "1" + "".join(r.choices(string.digits, k=15)),
            "timestamp_us": str(1790000000000000 + r.getrandbits(40)),
        },
    )
    yield (
        "done",
        {
            "checksum": f"{r.getrandbits(128):032x}",
            "next_page_token": pick(r, ALNUM, 24),
            "csrf_token": pick(r, ALNUM, 32),
        },
    )
    yield (
        "done",
        {
            "password_changed_at": "2026-10-12T10:11:12Z",
            "key": "users:42",
            "sort_key": "created_at",
            "primary_key": "id",
        },
    )
    yield (
        "done",
        {
            "account": "DE00370400440532013001",
            "version": "1.2.3-rc.1+build.5",
            "image": b64("".join(map(chr, range(1, 40)))),
        },
    )
    yield "invalid password for account 7", {}
    yield "Password: must contain a digit; token expired, bearer token missing", {}
    yield "cloned git@github.com:acme/api.git and lodash@4.17.21 as deploy@web1", {}
    yield "started user@1000.service, cron @daily, logo@2x.png", {}
    yield "key eyJub3QiOiJhIGp3dCJ9.abc.def was no token", {}
    yield "ssl: -----BEGIN CERTIFICATE----- MIIC and -----BEGIN PUBLIC KEY----- MIIB seen", {}
    yield "connect postgres://app@db.acme.test/shop and redis://:***@cache:6379", {}
    yield f"publishable pk_live_{pick(r, ALNUM, 24)} in page", {}
    yield "Accepted publickey for deploy from 10.0.0.1 port 52144 ssh2: ED25519 SHA256:" + pick(r, ALNUM, 43), {}
    yield "SELECT id FROM users WHERE email = $1 AND password = ?", {}
    yield 'WWW-Authenticate: Bearer realm="api", error="invalid_token"', {}


def corpus(seed: int = 1, rounds: int = 1) -> Iterator[Case]:
    """All cases of `rounds` rounds: every secret and every look-alike in every shape that can carry it."""
    r = random.Random(seed)
    for _ in range(rounds):
        for shape in SHAPES:
            for kind, message, fields, in_query in secrets(r):
                if shape in URL_ONLY and not in_query:
                    continue
                yield Case(_safe(shape(r, message, fields)), (kind,), shape.__name__, f"{message[:30]} {list(fields)}")
            for message, fields in look_alikes(r):
                if shape not in URL_ONLY or fields:
                    yield Case(_safe(shape(r, message, fields)), (), shape.__name__, f"{message[:40]} {list(fields)}")


def _safe(line: str) -> bytes:
    return line.encode()
