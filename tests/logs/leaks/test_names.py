"""Names as teams choose them, and values as they stand there: leaks and look-alikes of one form side by side."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from soc2ev.logs.leaks import Scanner, scan_files

KEY, HEX = "TkORoO68gcxDwQ1rT9yLb3VzNnPq5sXaUe7kHj2m", "6e075084a8fbf392dc840c8d901a1896"
UUID, CARD = "5d251874-f2e9-4580-84ff-f5f54ddee7c3", "4539578763621486"
LEAKS = (
    *(("password", f"{name}={digits} ok") for name, digits in (("pin", "4821"), ("user_pin", "482193"), ("cardPin", "4821"), ("PIN_CODE", "7753"))),
    ("password", '{"body": {"pin": "48213"}}'),
    ("password", '{"body": {"userPin": 4821}}'),
    *(("personal_data", f'{{"{name}": "Sofia Rossi"}}') for name in ("account_holder", "accountHolder", "account.holder", "user.full.name")),
    *(("personal_data", f"{name}={value} ok") for name, value in (("last.name", "Larsen"), ("birth.date", "2004/07/27"), ("passport.no", "535799404"), ("national.id", "B06929407"))),
    *(("api_key", f"{name}={KEY}") for name in ("secret.key", "stripe.api.key", "aws.secret.access.key")),
    ("api_key", f"<Config api.key='{KEY}'/>"),
    ("card_number", f'{{"primary.account.number": "{CARD}"}}'),
    *(("personal_data", text) for text in ('{"passport": "HGG6GZN2M"}', "passport number CXT7FR1MH expired", 'TF_VAR_passport="428263685"', 'TF_VAR_birthday="1961-11-07"')),
    *(("personal_data", text) for text in ("calling (531) 750-5476", '{"msg": "sent to (447)768-6106"}')),
    *(("session_cookie", form.format(KEY)) for form in ("session_id={} ok", '{{"sessionId": "{}"}}', "x SessionID: {}", "GET /x?session_id={}&a=1 HTTP/1.1", "{{'session-id': '{}'}}", "X-Session-Id: {}")),
    ("token", f"could not verify token '{HEX}a1b2c3d4'"),
    *(("password", f"{said} credentials {pair}") for said in ("invalid", "Bad", "trying") for pair in ("alice/Orbit-Meadow381", "jsmith:TCh0vhdW3bmcx")),
    *(("password", text) for text in ("  user_password: iloveyou", "    password: sunshine", "- dbPassword: letmein", "app: new_password: iloveyou, user: 3")),
    *(("password", f"+ ./deploy {flag}") for flag in ('--password "battery orbit correct rocket"', "--db-password 'river quiet lantern'", '--password "hunter2x"')),
    ("token", f'+ ./deploy --token "{KEY}"'),
    ("password", "password_length: 8 | old_password: letmein"),
    ("password", "<faultstring>Password is hunter2x</faultstring>"),
    ("password", "<faultstring>invalid credentials root/Maple_Copper717</faultstring>"),
    ("password", '{"contrase\u00f1a": "hunter2"}'),
    ("password", '{"contrase\\u00f1a": "qwerty123"}'),
    ("card_number", "INSERT INTO t (id, cardholder_pan) VALUES (710, '36985560227563')"),
    ("personal_data", '{"address.line1": "198 Mill Ave"}'),
    ("token", f'token_type=Bearer event.ResetToken="{KEY}"'),
    ("auth_header", f'Authorization="Bearer {KEY}="'),
    ("password", '<wsse:Password Type="http://docs.example.org/wss#PasswordText">hunter2x9</wsse:Password>'),
    ("auth_header", f"done payload: {{\"a\": 1}} headers={{'Host': 'x', 'Proxy-Authorization': 'GenieKey {UUID}'}}"),
    ("session_cookie", "done params={\"a\": {\"b\": 2}} headers={'cookie': 'theme=dark; sessionid=k2hqf0d9s8a7r6t5y4u3i2o1p0l9k8j7'}"),
)  # fmt: skip
CLEAN = (
    *("pin=17", "gpio pin: 4", "pin: 0000", "mapping=4821", "shipping: 48213", "pin=****", '{"pin": "${CARD_PIN}"}', "pincode=560001", "spin=4821", "pinned=4821"),
    *('{"account_holder": "[REDACTED]"}', '{"account_holder": "unknown"}', "last.name=***", "service.name=Billing Api", "host.name=Larsen", "file.date=2004/07/27"),
    *("loading server.key=/etc/ssl/private/server.key", "cache.key=user:17:profile", f"partition.key={HEX}", f"object.key={KEY}"),
    *('{"passport": "required"}', "passport number INVALIDNO expired", "passport module LOCALAUTH1 loaded", 'TF_VAR_region="eu-west-1"'),
    *("f(200) 300-4000 x", "calc(531) 750-54761", "retry (3) 200-1234", "rows (100) 200-3000"),
    *(f"session_id={value}" for value in (UUID, HEX, HEX.upper(), "sess_1234", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "user-0a1b2c3d4e5f6a7b8", "***", "arn%3Aaws%3Asecretsmanager%3Aeu-west-1%3A123456789012%3Asecret%3Aprod%2Fdb-AbCdEf")),
    f'{{"externalSessionId": "{KEY}", "session_count": 4, "session_timeout": 1800}}',
    f"could not verify token id '{HEX}'", f"token {HEX}", f"token '{UUID}' unknown",
    *(f"invalid credentials {rest}" for rest in ("for /login", "provided", "user/group", "from 10.0.0.1:5432", "alice/********", "in src/auth/login2.py")),
    *("WARN newPassword: unchanged", "Password: unchanged", "password: mismatch, retrying", "  password: required", "  password: {{ vault_password }}", "  Password: changed"),
    *('usage: login --password "your password here"', '--password "<password>"', '--password "$DB_PASSWORD"', '--token "expired"'),
    *("Enter passphrase: body={'a': 1}", 'Enter passphrase: nonce="72qCL8Dt2UuEcC0E"', "Invalid username or password X-Request-Id: 77"),
    *("<faultstring>Password is required</faultstring></Request>", 'token_type=Bearer event.RequestName="Z9x8y7w6"', "Enter passphrase: correlationId: 6b0543c6"),
    *('{"contrase\u00f1a": "********"}', "password_length: 8 | old_password: changed"),
    '<wsse:Password Type="x#PasswordText">********</wsse:Password>', '<password type="xs:string"/><b>hunter2x9</b>',
    *(f"{name}=secretKeyRef:db/password" for name in ("password", "api_key", "access_token")), "authorization=secretKeyRef:db/password",
    *("Authorization:granted TokenType:Bearer", '{"authorization": "granted"}', '{"authorization": "allowed by policy"}'),
    *("principal=HTTP/web.acme.io@ACME.IO", '{"principal": "HTTP/web.acme.io@ACME.IO"}', "GET /x?principal=HTTP%2Fweb.acme.io%40ACME.IO HTTP/1.1", "kinit nfs/files.acme.io@ACME.IO ok"),
    '{"customer.message_id": "<qDYsOH9FYuFWNuff.408639@mx1.acme.io>"}',
    "done payload: {\"a\": 1} headers={'Host': 'x', 'Proxy-Authorization': '***'}",
)  # fmt: skip


def _kinds(text: str) -> list[str]:
    return [leak.kind for _, leak in Scanner(b"k" * 32).scan_block(text.encode() + b"\n")]


@pytest.mark.parametrize(("kind", "text"), LEAKS)
def test_a_leak_under_such_a_name_is_found_once(kind: str, text: str) -> None:
    """Each of these values is found, with its kind and nothing besides."""
    assert [kind] == _kinds(text)


@pytest.mark.parametrize(("kind", "text"), LEAKS)
def test_it_is_found_within_json_too(kind: str, text: str) -> None:
    """The same text as the message of a JSON line has the same leak."""
    assert [kind] == _kinds(json.dumps({"level": "info", "message": text}))


@pytest.mark.parametrize("text", CLEAN)
def test_what_looks_alike_is_none(text: str) -> None:
    """Masks, references, identifiers, states and other things of such names are no leaks."""
    assert [] == _kinds(text)


def test_an_address_in_capitals_is_a_mailbox_unless_a_service_stands_before_it() -> None:
    """Capitals alone make no realm of a domain."""
    assert ["email"] == _kinds("mail to ANN.LEE@GMAIL.COM sent")
    assert ["email"] == _kinds("GET /users/ann.lee@gmail.com HTTP/1.1")


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_numbers_in_a_column_of_ids_are_no_cards(tmp_path: Path, separator: str) -> None:
    """A number like that of a card is one by the name of its column, and none under that of an order."""
    rows = ("at,order_id,note,pan", f"1,{CARD},ok,", f"2,{CARD},ok,{CARD}", f"3,77,paid with {CARD},")
    file = tmp_path / "orders.csv"
    file.write_text("\n".join(rows).replace(",", separator) + "\n")
    found = [(line, leak.kind) for _, line, leak in scan_files([file], b"k" * 32)]
    assert [(3, "card_number"), (4, "card_number")] == found
