"""
A second corpus, made without looking at the rules: other key names, wordings, values and line shapes.

Its numbers say how the rules fare on what they were not written for, so it has floors and no list of misses to mend.
"""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Iterator
from urllib.parse import quote

from .made import ALNUM, Case, card, grouped, jwt, pick

HEX = string.digits + "abcdef"
Row = tuple[tuple[str, ...], str]


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def lines(r: random.Random) -> Iterator[Row]:
    """(kinds, line) one after the other, as somebody would collect them from real systems."""
    trace = f"{r.getrandbits(128):032x}"
    word = r.choice(["Sommer2026!", "p@ssW0rd99", "qwerty123456", "Zx9#kLm2Q", "letmein-77", "BlueHorse$42"])
    yield (
        ("password",),
        json.dumps(
            {"severity": "ERROR", "event": "ldap.bind", "bindDN": "cn=svc", "bindPassword": word, "trace": trace}
        ),
    )
    yield ("password",), json.dumps({"msg": "POST /login", "body": json.dumps({"login": "kim", "password": word})})
    yield (
        ("password",),
        f'time="2026-10-01T10:00:00Z" level=debug msg="config loaded" smtp.password={word} smtp.port=587',
    )
    yield ("password",), f"2026-10-01 10:00:00,100 DEBUG [main] o.s.b.Config - spring.datasource.password: {word}"
    yield (
        ("password",),
        f'Started POST "/users/sign_in" params={{"user"=>{{"login"=>"kim", "password_confirmation"=>"{word}"}}}}',
    )
    yield ("password",), f"2026-10-01T10:00:00.000001Z\t  12 Query\tCREATE USER 'app'@'%' IDENTIFIED BY '{word}'"
    yield ("password",), f"2026-10-01 10:00:00 UTC [77] LOG:  statement: ALTER ROLE app WITH LOGIN PASSWORD '{word}'"
    yield (
        ("password",),
        f"Oct  1 10:00:00 host sudo:   kim : TTY=pts/0 ; PWD=/home/kim ; USER=root ; COMMAND=/usr/bin/mount -o username=kim,password={word} //nas/x",
    )
    yield ("password",), f"CEF:0|V|P|1|4|Login failed|3|suser=kim cs2Label=Password cs2={word} src=10.0.0.1"
    yield (
        ("password",),
        f'10.0.0.1 - - [01/Oct/2026:10:00:00 +0000] "POST /signin?usr=kim&passwd={quote(word)} HTTP/1.1" 302 0',
    )
    yield (
        ("password",),
        json.dumps({"eventName": "CreateLoginProfile", "requestParameters": {"userName": "kim", "password": word}}),
    )
    yield ("password",), "DEBUG form: " + repr({"username": "kim", "passphrase": word})
    yield ("password",), json.dumps({"records": [{"kinesis": {"data": _b64(json.dumps({"userPassword": word}))}}]})
    yield ("password",), json.dumps({"isBase64Encoded": True, "body": _b64(f"username=kim&password={quote(word)}&x=1")})
    yield ("password",), f"WARN retrying with credentials user=kim password='{word}'"
    yield (
        ("api_key",),
        json.dumps({"level": "info", "outbound": {"headers": {"X-API-KEY": pick(r, HEX, 32)}}, "trace_id": trace}),
    )
    yield ("api_key",), f"GET https://api.weather.test/v1?q=rome&appid=1&api_key={pick(r, HEX, 32)} 200 12ms"
    yield ("api_key",), f"env: AWS_SECRET_ACCESS_KEY={pick(r, ALNUM + '+/', 40)} AWS_REGION=eu-west-1"
    yield ("api_key",), json.dumps({"dd": {"DD-API-KEY": pick(r, HEX, 32)}, "msg": "flush"})
    yield (
        ("api_key",),
        f"openai error: Incorrect API key provided: sk-proj-{pick(r, ALNUM, 48)}. You can find your key in settings",
    )
    yield ("api_key",), f"anthropic request x sk-ant-api03-{pick(r, ALNUM + '-_', 80)}AA"
    yield ("api_key",), f"[debug] sendgrid SG.{pick(r, ALNUM, 22)}.{pick(r, ALNUM, 43)} ok"
    yield ("api_key",), f"Stripe::Client rk_test_{pick(r, ALNUM, 40)} created"
    yield (
        ("api_key",),
        f"ERROR c.a.Upload - AmazonS3Exception: InvalidAccessKeyId, AWSAccessKeyId: ASIA{pick(r, string.ascii_uppercase + '234567', 16)}",
    )
    yield (
        ("api_key",),
        json.dumps({"attributes": [{"key": "oauth.client_secret", "value": {"stringValue": pick(r, ALNUM, 40)}}]}),
    )
    yield ("api_key",), f"func=sync consumerSecret={pick(r, ALNUM, 50)} region=eu"
    yield (
        ("token",),
        json.dumps({"grant_type": "refresh_token", "refresh_token": pick(r, ALNUM + "-_", 64), "token_type": "bearer"}),
    )
    yield ("token",), f"remote: https://gitlab.acme.test token glpat-{pick(r, ALNUM + '-_', 20)} rejected"
    yield ("token",), f"npm ERR! //registry.npmjs.org/:_authToken=npm_{pick(r, ALNUM, 36)}"
    yield ("token",), f"uploading with pypi-AgEIcHlwaS5vcmc{pick(r, ALNUM + '-_', 120)}"
    yield ("token",), f"vault: renewed hvs.{pick(r, ALNUM, 90)} ttl=768h"
    yield (
        ("token",),
        f"POST https://hooks.slack.com/services/T{pick(r, string.ascii_uppercase + string.digits, 9)}/B{pick(r, string.ascii_uppercase + string.digits, 9)}/{pick(r, ALNUM, 24)} 200",
    )
    yield ("token",), f"gcloud: ya29.a0{pick(r, ALNUM + '-_', 120)} expires in 3599"
    yield (
        ("token",),
        f'10.2.3.4 - - [01/Oct/2026:10:00:00 +0000] "GET /reset?reset_token={pick(r, ALNUM, 32)} HTTP/2.0" 200 17 "-" "Mozilla/5.0 (iPad; CPU OS 17_5) Mobile/15E148"',
    )
    yield ("token",), f'level=warn msg="jwt rejected" jwt={jwt(r)}'
    yield ("token",), f"do: dop_v1_{pick(r, HEX, 64)} used by terraform"
    yield (
        ("token",),
        f"GET https://acc.blob.core.windows.net/c/b?sv=2022-11-02&se=2026-11-01T00%3A00%3A00Z&sr=b&sp=r&sig={quote(_b64(pick(r, ALNUM, 32)), safe='')} 200",
    )
    yield ("token",), json.dumps({"path": "/graphql", "connection_params": {"authToken": pick(r, ALNUM, 36)}})
    yield (
        ("auth_header",),
        json.dumps({"req": {"headers": {"host": "a", "authorization": f"Bearer {pick(r, ALNUM, 40)}"}}}),
    )
    yield ("auth_header",), f"> Authorization: Basic {_b64('kim:' + word)}"
    yield (
        ("auth_header",),
        'http-outgoing-0 >> "Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261001/us-east-1/s3/aws4_request, SignedHeaders=host, Signature='
        + pick(r, HEX, 64)
        + '"',
    )
    yield (
        ("auth_header",),
        json.dumps(
            {
                "attributes": [
                    {
                        "key": "http.request.header.authorization",
                        "value": {"arrayValue": {"values": [{"stringValue": f"Bearer {jwt(r)}"}]}},
                    }
                ]
            }
        ),
    )
    yield ("auth_header",), f"DEBUG urllib3 headers={{'Authorization': 'Token {pick(r, HEX, 40)}', 'Accept': '*/*'}}"
    yield ("auth_header",), json.dumps({"rawHeaders": ["Host", "api", "Authorization", f"Bearer {pick(r, ALNUM, 24)}"]})
    yield ("auth_header",), f"curl -H 'Authorization: Bearer {pick(r, ALNUM, 28)}' https://api.acme.test/v1"
    yield (
        ("auth_header",),
        f'Proxy-Authorization: Digest username="kim", realm="x", nonce="abc", uri="/", response="{pick(r, HEX, 32)}"',
    )
    yield (
        ("session_cookie",),
        f'10.0.0.1 - - [01/Oct/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "curl/8" "PHPSESSID={pick(r, string.ascii_lowercase + string.digits, 26)}; lang=de"',
    )
    yield (
        ("session_cookie",),
        json.dumps({"headers": {"cookie": f"_ga=GA1.2.3; connect.sid=s%3A{pick(r, ALNUM, 32)}.{pick(r, ALNUM, 43)}"}}),
    )
    yield ("session_cookie",), f"response header Set-Cookie: _acme_session={pick(r, ALNUM, 60)}; path=/; HttpOnly"
    yield (
        ("session_cookie",),
        json.dumps(
            {
                "request": {
                    "cookies": {
                        "ASP.NET_SessionId": pick(r, string.ascii_lowercase + string.digits, 24),
                        "theme": "dark",
                    }
                }
            }
        ),
    )
    yield ("session_cookie",), f"GET /app/home;jsessionid={pick(r, string.digits + 'ABCDEF', 32)}.node1 HTTP/1.1"
    yield (
        ("session_cookie",),
        f"Cookie: wordpress_logged_in_5c01=kim%7C1790000000%7C{pick(r, ALNUM, 43)}; wp-settings-1=x",
    )
    yield (
        ("card_number",),
        json.dumps({"event": "payment.declined", "payment": {"cardNumber": grouped(card(r), "-"), "expiry": "12/29"}}),
    )
    yield ("card_number",), f"INFO gateway response: code=05 pan={card(r, '55')} amount=12.00"
    yield ("card_number",), f"customer typed {grouped(card(r, '4'))} into the chat"
    yield ("card_number",), f"<14>Oct  1 10:00:00 pos txn: card {card(r, '6011')} approved"
    yield ("card_number",), f"id,when,card_number,amount\\n1,2026-10-01,{card(r, '2221')},9.99"
    yield ("card_number",), f"charge failed for {card(r, '3530')}: insufficient funds"
    yield (
        ("connection_string",),
        f"django.db OperationalError postgresql://kim:{quote(word, safe='!$')}@10.0.3.4:5432/shop?sslmode=require",
    )
    yield ("connection_string",), f"DATABASE_URL=mysql2://root:{pick(r, ALNUM, 10)}@mysql.svc:3306/prod"
    yield (
        ("connection_string",),
        f"jdbc:sqlserver://db.acme.test:1433;databaseName=shop;user=sa;password={pick(r, ALNUM, 12)};encrypt=true",
    )
    yield ("connection_string",), f"HikariPool jdbc:mysql://db:3306/x?user=app&password={pick(r, ALNUM, 12)}"
    yield (
        ("connection_string",),
        f"DefaultEndpointsProtocol=https;AccountName=acme;AccountKey={_b64(pick(r, ALNUM, 64))};EndpointSuffix=core.windows.net",
    )
    yield ("connection_string",), f"celery broker redis://:{pick(r, ALNUM, 16)}@cache.internal:6379/0 lost"
    yield (
        ("connection_string",),
        f"Endpoint=sb://acme.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey={_b64(pick(r, ALNUM, 32))}",
    )
    yield ("connection_string",), f"psycopg2 connect host=db user=app password={pick(r, ALNUM, 12)} dbname=shop"
    yield (
        ("email",),
        f"Oct  1 10:00:00 mx postfix/smtp[99]: 4F1: to=<kim.lee{r.randint(1, 99)}@firma.de>, relay=none, status=deferred",
    )
    yield (
        ("email",),
        json.dumps(
            {"actor": {"alternateId": "kim.lee@acme.co.uk", "type": "User"}, "published": "2026-10-01T10:00:00Z"}
        ),
    )
    yield ("email",), '10.0.0.1 - kim@acme.io [01/Oct/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 5'
    yield ("email",), "GET /unsubscribe?e=kim%40acme.org&l=5 200"
    yield ("email",), "duplicate key value violates unique constraint: Key (email)=(kim+news@acme.dev) already exists."
    yield ("personal_data",), json.dumps({"patient": {"dob": "1971-03-09", "mrn": "A-1"}})
    yield ("personal_data",), json.dumps({"kyc": {"passportNumber": "C01X00T47"}})
    yield ("personal_data",), f"sms to msisdn=+4917{r.randint(10000000, 99999999)} queued"
    yield (
        ("personal_data",),
        f"applicant SSN {r.randint(100, 600)}-{r.randint(10, 99)}-{r.randint(1000, 9999)} failed check",
    )
    yield ("personal_data",), "payout to GB29 NWBK 6016 1331 9268 19 sent"
    yield ("personal_data",), json.dumps({"shipping": {"street_address": "12 Rose Lane, Leeds", "ok": True}})
    yield ("personal_data",), "user.updated lastName=Okafor plan=pro"
    yield ("personal_data",), "Calling customer, phone: (415) 555-2671"
    pem = "-----BEGIN PRIVATE KEY-----\n" + pick(r, ALNUM + "+/", 64) + "\n-----END PRIVATE KEY-----\n"
    yield (
        ("private_key",),
        json.dumps({"type": "service_account", "private_key_id": pick(r, HEX, 40), "private_key": pem}),
    )
    yield ("private_key",), "-----BEGIN OPENSSH PRIVATE KEY-----"
    yield (
        ("private_key",),
        f"env TLS_KEY=-----BEGIN EC PRIVATE KEY-----\\n{pick(r, ALNUM, 64)}\\n-----END EC PRIVATE KEY-----",
    )
    for line in _clean(r, trace):
        yield (), line


def _clean(r: random.Random, trace: str) -> Iterator[str]:
    yield json.dumps(
        {"msg": "ok", "params": {"password": "[FILTERED]", "ssn": "***-**-1234", "card": "************4242"}}
    )
    yield json.dumps(
        {"password": None, "has_password": True, "password_strength": 3, "passwordless": "yes", "mfa": "totp"}
    )
    yield json.dumps({"user": {"passwordHash": "$2b$12$" + pick(r, ALNUM, 53)}, "tokenExpiresAt": 1790000000})
    yield f'level=info msg="rotated secret" secret_name=prod/db/main secret_arn=arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-{pick(r, ALNUM, 6)}'
    yield f"usage prompt_tokens=512 completion_tokens=77 max_tokens=4096 trace_id={trace}"
    yield f"Processing by SessionsController#create as HTML session_id={trace} key=views/home/{pick(r, HEX, 32)}"
    yield f"order 4{''.join(r.choices('0123456789', k=14))} shipped; tracking_number={card(r)} invoice_no={card(r, '51')}"
    yield f"invoice ORD-{card(r)} paid at 1790000000123456789"
    yield f"deploying image registry.acme.test/api@sha256:{pick(r, HEX, 64)} tag v4.1.0"
    yield f'etag="{pick(r, HEX, 32)}" md5={pick(r, HEX, 32)} x-amz-request-id={pick(r, ALNUM, 16).upper()} x-amz-id-2={_b64("".join(chr(r.randint(128, 250)) for _ in range(40)))}'
    yield "Authorization header missing; Authorization: [REDACTED]; Cookie: [FILTERED]; X-Api-Key: ****"
    yield "auth: Bearer token required but Basic authentication was given, token=expired"
    yield "systemd[1]: Started Session 71 of user kim. getty@tty1.service user@1000.service: Succeeded"
    yield "sshd[77]: Connection from kim@bastion port 22; rsync deploy@web-1:/srv; npm install @scope/pkg@1.2.3 react@18.2.0"
    yield "fetch https://cdn.acme.test/img/hero@2x.png and git clone ssh://git@gitlab.acme.test/x.git"
    yield "java.lang.IllegalStateException: token must not be null\\n\\tat java.base@17.0.2/java.lang.Thread.run(Thread.java:833)"
    yield "postfix/cleanup[9]: 4F1: message-id=<20261001.4F1@mx.acme.test>"
    yield f"traceparent=00-{trace}-{pick(r, HEX, 16)}-01 baggage=userTier=gold"
    yield json.dumps(
        {
            "cert": "-----BEGIN CERTIFICATE-----\n" + pick(r, ALNUM, 64),
            "pub": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + pick(r, ALNUM, 43),
        }
    )
    yield json.dumps(
        {
            "avatar": "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk",
            "nonce": pick(r, ALNUM, 22),
        }
    )
    yield json.dumps(
        {
            "address": "10.0.0.7:443",
            "remote_address": "2001:db8::1",
            "mac_address": "00:1b:44:11:3a:b7",
            "name": "web-1",
            "hostname": "a",
        }
    )
    yield "SELECT * FROM users WHERE password = $1 AND token = :token AND email LIKE ?"
    yield "psql: connecting to postgres://app:[REDACTED]@db/shop; redis://cache:6379; mongodb://user:****@m1/x"
    yield f"idempotency_key={pick(r, HEX, 32)} cache_key=user:42 partition_key=2026-10 next_token={pick(r, ALNUM, 40)}"
    yield "CSRF token verification failed; csrfToken=abc123abc123abc123 xsrf-token: 9f8e7d6c5b4a3210"
    yield "PWD=/srv/app PASS 12 FAIL 0; pass=12 total=14; compass=north; bypass: enabled"
    yield "PasswordResetRequested userId=42 password_reset_sent=true; Forgot password email queued"
    yield f"kernel: usb 1-1: SerialNumber: {pick(r, string.digits + 'ABCDEF', 12)}; phone app started; Mobile Safari; tel aviv region"
    yield json.dumps(
        {
            "userIdentity": {"type": "IAMUser", "accessKeyId": "AKIA" + pick(r, string.ascii_uppercase + "234567", 16)},
            "eventName": "GetObject",
        }
    )
    yield "account DE00123456789012345678 unknown; ref XX12ABCD34567890123; build 3.14.15-92+653589"
    yield f"password=hmac-sha256:{pick(r, HEX, 64)} token=sha256:{pick(r, HEX, 64)} api_key=sk_live_****4242"
    yield "JWT 'eyJmb28iOiJiYXIifQ.eyJ4IjoxfQ.c2ln' is malformed"
    yield "2026-10-01 10:00:00 error unable to load key: Expecting: ANY PRIVATE KEY; -----BEGIN PUBLIC KEY-----"


def corpus(seed: int = 7, rounds: int = 12) -> Iterator[Case]:
    """All rows, `rounds` times with other values."""
    r = random.Random(seed)
    for _ in range(rounds):
        for index, (kinds, line) in enumerate(lines(r)):
            yield Case(line.encode(), kinds, "mixed", f"row {index}")
