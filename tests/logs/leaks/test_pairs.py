"""Names with their passwords, calls, links that open something, numbers of persons beside others: leaks and look-alikes."""

from __future__ import annotations

import pytest

from soc2ev.logs.leaks import Scanner

PW, PHRASE, KEY = "Harbor*8449", "copper-raven-river-meadow-88", "Rb9xT2mQ7vLp4ZsK"
RANDOM = "gVl9CjuO2MR1cpze00MxNSD942f2MW7BANOhmgn5"
HEX = "81d0a7042186318b7179f8a2aa7e2c8bf7c23b6155fa7d488b98bf3482f9a380"
UUID = "3d4ebe88-cb0b-4ca3-aa22-d5158c66343e"
DIGEST = "$2y$10$abcdefghijklmnopqrstuv"
LEAKS = (
    *(("password", form.format(PW)) for form in ("ftp login svc/{}@files.acme.io failed", "SMTP login mailer/{} rejected", "creds: shop_app/{}", "Creds: shop_app:{}", "authenticating mailer / {} at smtp.acme.io:587", "logged in as kim/{} from 10.0.0.1")),
    *(("password", form.format(PW)) for form in ("pop3: USER kim PASS {}", 'imap: * LOGIN kim "{}"', "06:44:49 a001 LOGIN kim {}", "ftp> user backup {}", "bundle config gems.acme.io ci:{}", "BUNDLE_GEMS__ACME__IO: ci:{}")),
    *(("password", form.format(PHRASE)) for form in ("{{ auth: 'shop_app:{}', host: 'proxy' }}", '{{"proxy_auth":"kim:{}"}}', "basic.auth.user.info=kim:{}")),
    *(("password", form.format(PW)) for form in ("Ldap->ldapLogin('kim', '{}')", "Handler->authenticate('mailer', '{}')", "mysqli_real_connect(Object(mysqli), 'db', 'etl', '{}', NULL, 3306)", "ldap_bind(Resource id #4, 'cn=admin', '{}')", "smtp.login('kim', '{}')")),
    ("password", f"Hasher->check('{PW}', '{DIGEST}')"),
    ("password", f'      ~ password {" " * 30}= "{PW}"'),
    ("password", f'{{"requestURI":"/pods/db-0/exec?command=mysql&command=-uroot&command=-p{KEY}&container=db"}}'),
    *(("password", form.format(PW)) for form in ("wrong password ({}) for kim", "password [{}] refused", "password tried: '{}'", "db_password is {}", '{{"msg": "smtp_password was {}"}}')),
    *(("password", f"New-User -P (ConvertTo-SecureString {flags}'{PW}' -Force)") for flags in ("", "-AsPlainText ", "-Force -AsPlainText ", "-String ")),
    ("password", f"+ expect -c 'send \"{PW}\\r\"'"),
    ("password", f"+ restic --password-command 'echo {PW}' backup /srv"),
    *(("password", f'{{"password":"{value}"}}') for value in ("Tundra2012**", "3Uab**Wi09ks6y")),
    ("password", f"java.naming.security.credentials={KEY}"),
    ("auth_header", f"Authorization: Bearer 334|{RANDOM}"),
    *(("token", f"{before}334|{RANDOM}") for before in ("token created: ", "token=", "access_token=", '{"plainTextToken":"')),
    *(("token", f"GET /Account/Confirm?id=7&code=CfDJ8{behind} HTTP/1.1") for behind in (RANDOM, f"z%2F{RANDOM}%3D")),
    *(("token", f"/q3.pdf?Expires=1793990000&Signature={RANDOM}&{signer}=K18BAE0IKQP") for signer in ("Key-Pair-Id", "GoogleAccessId", "OSSAccessKeyId")),
    ("token", f"/o/q3.pdf?X-Goog-Signature={HEX}{HEX}"),
    *(("token", f"GET {path} HTTP/1.1") for path in (f"/password/reset/{HEX}?x=1", f"/reset-password/{RANDOM}", f"/confirm/{RANDOM}", f"/accounts/reset/MTI/njnhal-{HEX[:32]}/")),
    ("token", f'{{"path":"/password/reset/{HEX}"}}'),
    ("token", f"refresh token {HEX} used twice"),
    *(("token", f'{{"{role}":"{UUID}","{secret}":"{UUID}"}}') for role, secret in (("role_id", "secret_id"), ("roleId", "secretId"))),
    ("token", f"<SessionToken>{RANDOM * 10}</SessionToken>"),
    *(("api_key", f"{name}={RANDOM}") for name in ("cron_key", "x_tran_key", "transaction_key")),
    ("api_key", f'{{"keys":[{{"keyName":"key1","value":"{RANDOM}+/{RANDOM}==","permissions":"FULL"}}]}}'),
    ("session_cookie", f"GET / - 443 Mozilla/5.0 .ASPXAUTH={HEX.upper()} - 200"),
    ("session_cookie", f"client=10.0.0.1, session={HEX[:32].upper()}, user=kim"),
    ("session_cookie", f"remember_user_token={RANDOM}"),
    ("auth_header", "auth: client in: AUTH\t1\tPLAIN\tservice=imap\tresp=AGFubmE1NDQxQGhhcnRtYW5uLWdtYmguZGUAa3BkSVM3"),
    ("auth_header", '{"msg":"AUTH\\t1\\tPLAIN\\tservice=imap\\tresp=AGFubmE1NDQxQGhhcnRtYW5uLWdtYmguZGUAa3BkSVM3"}'),
    ("connection_string", f"DATABASE_URL=postgresql://oms:{KEY}@/inventory?host=/cloudsql/acme"),
    ("connection_string", f"redis tcp://cache.acme.io:6379?password={KEY}"),
    ("connection_string", f"Redis: cache.acme.io:6380,password={KEY},ssl=True,abortConnect=False"),
    *(("personal_data", line) for line in ("NI number GL026994D invalid", "SIN 582-863-510 rejected", "PAN number EJLPN2491I verified", "NIR 267076524703245", '{"nir":"267076524703245"}', '{"nif":"49979576R"}', '{"imie":"Fatima"}', '{"billAddr":{"line1":"91 rue Victor Hugo"}}', "bank_account_number=9571095621")),
    *(("personal_data", line) for line in ("account_number=8300115514 sort_code=30-70-83", "ACH routing=028042257 account_number=82673380", '{"accountNumber":"83001155","sortCode":"30-70-83"}')),
    *(("token", form.format(RANDOM)) for form in ("password reset token for kim@acme.io is {}", "set token to {}")),
    ("api_key", f"api key for tenant acme is {RANDOM}"),
    ("api_key", f"encryption key: +{RANDOM}="),
    ("api_key", f"AIRFLOW__CORE__FERNET_KEY={RANDOM}="),
    ("api_key", f"GET /cron.php?key={RANDOM} HTTP/1.1"),
    *(("password", form.format(PW)) for form in ("signing in as kim / {}", "credentials received: kim:{}")),
    ("password", 'ConvertTo-SecureString "Summer6146$"'),
    ("password", '{"user":"kim","password":"abCD**efGHij"}'),
    *(("auth_header", form.format("YWxpY2U6V2ludGVyMjAyNCE=")) for form in ('{{"auths":{{"r.acme.io":{{"auth":"{}"}}}}}}', "//registry.npmjs.org/:_auth={}")),
    ("card_number", "Matched Data: 36675455893112 found within ARGS:cardno [file x]"),
)  # fmt: skip
CLEAN = (
    '<wsse:Password Type="#PasswordDigest">frB/P7MMN/I6Rs9lg1UMJacEXmw=</wsse:Password>',
    "Failed to connect to the host via ssh: kim@jump.acme.io: Permission denied (publickey).",
    "kim@jump.acme.io: Permission denied (publickey).",
    'argc=3 a0="ssh" a1="kim@jump.acme.io" a2="uptime"',
    *(f"{command} kim@jump.acme.io:/backup/" for command in ("rsync -az /srv/", "scp app.tgz", "sftp")),
    "$pw = ConvertTo-SecureString $secret -AsPlainText -Force",
    *(f"{told} ok" for told in ("login web/session-1", "login acme/12345", "login users/v1.2.3", "authenticating svc/orders-db-01", "logged in as acme/kim", "login: kim/10.0.0.4")),
    "creds: config/credentials2.json",
    *(f'{{"auth":{value}}}' for value in ('{"type":"none"}', '"ldap:enabled"', '"uid:1000"', '"basic"')),
    *(f"password {told}" for told in ("(bcrypt) for kim", "'required' missing", "[FILTERED]", "(********)")),
    "Enter password: (org.apache.kafka.clients.NetworkClient)",
    "docker run -e DB_PASSWORD registry.acme.io/app@sha256:4934c14ced28c461db90f7852ec2876c",
    *(f"GET {path} HTTP/1.1" for path in (f"/verify/{HEX[:32]}", "/reset/orders-service-production-eu", "/invites/01ARZ3NDEKTSV4RRFFQ69G5FAV", f"/confirm/{UUID}", f"/reset/{UUID}")),
    *("connect('db1', 3306, 'orders')", "login('kim')", "bind('127.0.0.1', '8080')", "check('a', 'b')"),
    '{"nom":"Widget","prix":3}',
    f'{{"secret_id":"{UUID}","name":"x"}}',
    '{"account_number":"8300115514"}',
    '{"keyName":"x","value":"small"}',
    *(f'{{"password":"{value}"}}' for value in ("ab**cd", "**", "s****t", "A1**", "********")),
    f"Signature={RANDOM}",
    "PAN number ****2491I",
    "sku=869-19-3036 stock=1",
    *("PASSWORD_RESET_TIMEOUT=259200", '{"passwordTimeout":3600}', "password_grace_period=30", "PasswordAuthenticator=org.apache.X1"),
    *("PWD=/builds/acme/orders", '{"PWD":"/workspace"}', "card token pay_8wBSpk7KdC4NZY attached"),
    *("GET /o?key=exports-2026-10-orders-and-more-things HTTP/1.1", "token to be refreshed", '{"auth":"oauth2provider12"}'),
)  # fmt: skip


def found(line: str) -> list[str]:
    """The kinds in a line, in order; both stages have to agree on its leaks."""
    scanner = Scanner(b"key")
    whole = list(scanner.scan(line.encode()))
    assert whole == [leak for _, leak in scanner.scan_block(b"x\n" + line.encode() + b"\nx\n")]
    return [leak.kind for leak in whole]


@pytest.mark.parametrize(("kind", "line"), LEAKS)
def test_a_leak_is_found(kind, line):
    """Each is found under its kind."""
    assert kind in found(line)


@pytest.mark.parametrize("line", CLEAN)
def test_a_look_alike_is_clean(line):
    """Each only looks like a leak."""
    assert found(line) == []


def test_both_passwords_of_a_change_are_found():
    """A sentence and a plan of Terraform tell the old and the new one."""
    assert found(f"changed password from {PHRASE} to {PW}") == ["password"] * 2
    assert found(f"changing password from '{PHRASE}' to '{PW}'") == ["password"] * 2
    assert found(f'  ~ password {" " * 30}= "{PHRASE}" -> "{PW}"') == ["password"] * 2


def test_a_signed_header_ends_with_its_signature():
    """What stands behind it in a map is read by its own name."""
    signed = f"AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261103/s3/aws4_request, SignedHeaders=host, Signature={HEX}"
    assert found(f"{{Authorization={signed}, X-Amz-Security-Token={RANDOM}}}") == ["auth_header", "token"]


def test_names_in_other_languages_need_another_beside():
    """`nom` is French for a name, and the name of anything."""
    assert found('{"nom":"Haddad","prenom":"Monique"}') == ["personal_data"] * 2
    assert found('{"cognome":"Moreau","nome":"Tomasz"}') == ["personal_data"] * 2
