"""How programs in the field write secrets, and what they write that only looks like one."""

from __future__ import annotations

import json

import pytest

from soc2ev.logs.leaks import Scanner

CARD = "4111111111111111"
DIGEST = "0a1b2c3d" * 8


def found(line: str) -> list[str]:
    """The kinds in a line, in order; both stages have to agree on its leaks."""
    scanner = Scanner(b"key")
    whole = list(scanner.scan(line.encode()))
    assert whole == [leak for _, leak in scanner.scan_block(b"x\n" + line.encode() + b"\nx\n")]
    return [leak.kind for leak in whole]


@pytest.mark.parametrize(
    "line",
    [
        "(7) Auth: Login incorrect (pap): [kim/hunter2x] (from client wlc port 13)",
        "Auth: Login OK: [kim/hunter2x] (from client wlc port 13 cli 02-00-00-00-00-01)",
        r"net use Z: \\files\team hunter2x /user:acme\kim",
        r"net use \\files\team /user:acme\kim hunter2x",
        r'<Data Name="CommandLine">psexec \\files -u kim -p hunter2x cmd</Data>',
        'type=EXECVE argc=4 a0="mysql" a1="-uroot" a2="-phunter2x" a3="shop"',
        'type=EXECVE argc=3 a0="tool" a1="--password" a2="hunter2x"',
        "Command '['tool', '--db-password', 'hunter2x', '--force']' failed",
        "Command '['mysql', '-u', 'root', '-phunter2x']' failed",
        "curl -d 'user=kim&password=*-tbfRW2+WA' https://acme.io",
        "USER: kim PASS: hunter2x",
        "rabbitmqctl add_user svc hunter2x",
        "rabbitmqctl change_password svc hunter2x",
        "smbclient //files/team -U 'kim%hunter2x'",
        "ipmitool -I lanplus -H 10.0.0.4 -U admin -P hunter2x power status",
        "mosquitto_pub -h broker -u iot -P hunter2x -t a -m b",
        "unzip -P hunter2x backup.zip",
        "mongosh --host db -u root -p hunter2x --quiet",
        "mongodump -u root -p hunter2x",
        "echo 'kim:hunter2x' | chpasswd",
        "echo hunter2x | sudo -S apt-get update",
        "echo hunter2x | docker login -u ci --password-stdin",
        "GET /run?cmd=echo%20hunter2x%20%7C%20sudo%20-S%20id HTTP/1.1",
        "keytool -list -keystore a.jks -storepass hunter2x",
        "ALTER USER kim IDENTIFIED BY hunter2x",
        "CREATE LOGIN kim WITH PASSWORD=N'hunter2x', DEFAULT_DATABASE=[x]",
        "{'user': 'kim', 'password': b'hunter2x'}",
        "new password for kim: hunter2x",
        """{"vars":{"password":"'hunter2x'"}}""",
        "mysqldump -h db1 -u root -p'hunter2x' shop > /backup/shop.sql",
        "#3 /srv/db.php(12): PDO->__construct('mysql:host=db;dbname=shop', 'shop', 'hunter2x')",
        '{"message":"new PDO(\\"mysql:host=db\\", \\"shop\\", \\"hunter2x\\") failed"}',
        "mysqli_connect('db', 'root', 'hunter2x')",
        'DriverManager.getConnection("jdbc:mysql://db/shop", "root", "hunter2x")',
        "password changed from hunter2x by kim",
        "export NEXUS_PASS='hunter2x'",
        "MESSAGE=password is: hunter2x",
        '{"pairs":[["user","kim"],["password","hunter2x"]]}',
        "requests.get('https://api.acme.io', auth=('kim', 'hunter2x'), timeout=3)",
        "< PASS hunter2x",
        "contraseña: hunter2x",
    ],
)
def test_passwords_are_found_where_programs_leave_them(line):
    """FreeRADIUS, Windows' commands, the Linux audit, lists of arguments, pipes and flags of tools, SQL without quotes."""
    assert ["password"] == found(line)


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("Command '['tool', '--signing-key', 'a1b2c3d4e5f6g7h8']' failed", "api_key"),
        ('argc=3 a0="tool" a1="--full-name" a2="Ann Lee"', "personal_data"),
        ("GET /run?q=%5B%27tool%27%2C%20%27--full-name%27%2C%20%27Ann%20Lee%27%5D HTTP/1.1", "personal_data"),
        ("metadata=map[full-name:[Ann Lee] te:[trailers]]", "personal_data"),
        ('{"address":{"line1":"12 Oak Street","city":"Oslo"}}', "personal_data"),
        ('{"billing_address":{"line_2":"Floor 3 East","city":"Oslo"}}', "personal_data"),
        ('{"holder":"Ann Lee","exp_month":12,"last4":"4242"}', "personal_data"),
        ('{"request_Home-Address":"12 Oak Street"}', "personal_data"),
        ("""{"vars":{"birthday":"'2002-12-26'"}}""", "personal_data"),
        ("""{"vars":{"authorization":"'Token 0a1b2c3d4e5f6071'"}}""", "auth_header"),
        (f"account={CARD}", "card_number"),
        (f'{{"account":"{CARD}"}}', "card_number"),
        ("X-Auth: a1b2c3d4e5f60718", "auth_header"),
        ("Cookie: CAKEPHP=a1b2c3d4e5f60718293a4b5c6d", "session_cookie"),
        ("MESSAGE=token ZbXycHfKgQ4yl0bv12hb2hRE was given", "token"),
        ("see `Authorization: Basic a2ltOmh1bnRlcjJ4` there", "auth_header"),
        ("2026-10-12|INFO|tel: 030 12343167|12", "personal_data"),
        (json.dumps(json.dumps(json.dumps(json.dumps({"full_name": "Ann Lee"})))), "personal_data"),
        ('<Data Name="Message">tel: 030 12343167</Data>', "personal_data"),
        ('<Data Name="Message">{&quot;full_name&quot;:&quot;Ann Lee&quot;}</Data>', "personal_data"),
        ("twilio AC0a1b2c3d4e5f60718293a4b5c6d7e8f9:f9e8d7c6b5a493827160f5e4d3c2b1a0", "api_key"),
        ('      + secret_string = "hunter2x9"', "api_key"),
        ("mailgun 0a1b2c3d4e5f60718293a4b5c6d7e8f9-0a1b2c3d-4e5f6071", "api_key"),
        (f"graph EAAC8jj{'TROQ8KaplGDxVTA' * 8}", "token"),
        (f"Authorization: FlyV1 fm2_{'lJPECAAAAb8Kx3' * 8}==", "auth_header"),
        (f"deploying with fm2_{'lJPECAAAAb8Kx3' * 8}== to ams", "token"),
        ('http.Header{"Authorization":[]string{"Bearer ZbXycHfKgQ4yl0bv12hb2hRE"}}', "auth_header"),
    ],
)
def test_other_kinds_are_found_where_programs_leave_them(line, kind):
    """Lists of arguments, Go's headers, parts of addresses and cards, Traefik's headers, quoted values, accounts."""
    assert [kind] == found(line)


@pytest.mark.parametrize(
    "line",
    [
        f'{{"payment":{{"number":"{CARD}","amount":300}}}}',
        f'{{"payment_method":{{"details":{{"number":"{CARD}"}}}}}}',
        f'{{"number":"{CARD}","brand":"visa"}}',
        f'{{"number":"{CARD}","security_code":"***"}}',
        f'{{"number":"{CARD}","valid_thru":"12/28"}}',
        f"number={CARD}&cvn=***",
        f"number={CARD} expiry=12/28",
    ],
)
def test_a_number_beside_other_parts_of_a_payment_is_a_cards(line):
    """An object of a payment, a brand, a check code or an expiry, under whatever name."""
    assert ["card_number"] == found(line)


@pytest.mark.parametrize(
    "line",
    [
        f'{{"number":"{CARD}","amount":300,"currency":"EUR"}}',
        f"number={CARD}&amount=300",
        f"count={CARD}",
        f'{{"invoice":{{"number":"{CARD}"}}}}',
    ],
)
def test_a_number_of_anything_else_is_no_cards(line):
    """Orders and invoices have numbers and amounts, too."""
    assert [] == found(line)


@pytest.mark.parametrize(
    "line",
    [
        "mx1 passwd[2073]: pam_unix(passwd:chauthtok): password changed for kim",
        "mx1 passwd: pam_unix(passwd:chauthtok): password changed for kim",
        "--- PASS: TestPasswordReset/empty_token (0.00s)",
        "PASS: src/auth/reset.test.js",
        f'{{"annotations":{{"checksum/secret":"{DIGEST}"}}}}',
        f"checksum/secret: {DIGEST}",
        '{"password":"VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"}',
        '{"update_password":"on_create"}',
        "metadata=map[password:[%{password}] te:[trailers]]",
        "password=%{DB_PASSWORD}",
        "metadata=map[full-name:[Not Provided] te:[trailers]]",
        'From: "1001" <sip:1001@pbx.acme.io>;tag=as0f',
        '{"message_id":"<14491406214531.2e642e5431@mx.acme.io>"}',
        "GET /m?id=%3C14491406214531.2e642e5431%40mx.acme.io%3E HTTP/1.1",
        "sent <179000000000.12.1790000000000@mx.acme.io>",
        "sent 5d251874-f2e9-4580-84ff-f5f54ddee7c3@mx.acme.io",
        '{"request_Next-Page-Token":"pkbW9nE3gsgRhC0iR4YjAvcg"}',
        r"net use Z: \\files\team /persistent:yes",
        "net use Z: /delete",
        "Auth: Login OK: [kim] (from client wlc port 13)",
        "Auth: Login incorrect: [kim/<via Auth-Type = EAP>] (from client wlc)",
        '{"holder":"Index Writer","lock":"write.lock"}',
        '{"frame":{"line1":"12 Oak Street"}}',
        """{"vars":{"password":"'***'"}}""",
        "password=*, user=kim",
        "AUTH_PASSWORD_VALIDATORS=django.contrib.auth.password_validation.MinimumLengthValidator",
        '{"lock":{"holder":"Worker One","expires":120}}',
        "net use of 12GB today",
        "echo $TOKEN | docker login -u ci --password-stdin",
        "echo done12 | tee log.txt",
        "unzip -p backup.zip a12.txt",
        "mongod -P 27017 --dbpath /data/db1",
        "CREATE USER kim IDENTIFIED BY RANDOM PASSWORD",
        "new password for kim: must have 12 characters",
        "ssn=***-**-1234",
        "new PDO('mysql:host=db', 'shop', '***')",
        "at com.zaxxer.hikari.HikariDataSource.getConnection(HikariDataSource.java:128)",
        "getConnection('orders', 'primary', null)",
        f"span 0a1b2c3d4e5f60718293a4b5c6d7e8f9-0a1b2c3d-4e5f6071-8293 of {DIGEST}",
        "AC0a1b2c3d4e5f60718293a4b5c6d7e8f9: sms sent",
        "password changed from admin console",
        "render_pass=shadow2 frame=12",
        "their offer: rijndael-cbc@lysator.liu.se,chacha20-poly1305@openssh.com,umac-64-etm@openssh.com",
        "kex: curve25519-sha256@libssh.org, compression zlib@openssh.com",
        'GET / 200 "Mozilla/5.0 (compatible; Ezooms/1.0; help@moz.com)"',
        "status installed xauth:amd64 1:1.1.2-1",
        '{"description":"CakePHP:test001_1"}',
        "a list of Basic security-oriented protocols",
        '{"schema":[["string","user"],["password","aws_secret_key"],["password","pass"]]}',
        "opening app wtoken = AppWindowToken{9f4ef63 token=Token{a64f992 ActivityRecord",
        "Bad activity token: android.os.BinderProxy@2bd79ce",
        "no name for stream/token: com.apple.xpc.activity/4505: 132",
    ],
)
def test_what_programs_write_that_only_looks_alike_is_clean(line):
    """PAM and Go's tests, digests and masks of Helm and Ansible, templates, extensions, ids of messages, pages."""
    assert [] == found(line)


@pytest.mark.parametrize("line", ["to kim.lee2026@acme.io", "to <sip:kim@acme.io>", "to 12345678@acme.io"])
def test_addresses_of_persons_stay_addresses(line):
    """Years and numbers in a name, and names at an exchange."""
    assert ["email"] == found(line)


def test_one_connection_in_an_attribute_is_reported_once():
    """As it stands and with its entities read it is the same one."""
    line = '<property name="connectionString" value="jdbc:mysql://db:3306/shop?user=svc&amp;password=s3cr3tpw"/>'
    assert ["connection_string"] == found(line)


def test_a_value_in_quotes_has_the_fingerprint_of_the_value():
    """Python's way to show a text changes neither the secret nor its place."""
    scanner = Scanner(b"key")
    (plain,) = scanner.scan(json.dumps({"password": "hunter2x"}).encode())
    line = json.dumps({"password": "'hunter2x'"}).encode()
    (quoted,) = scanner.scan(line)
    assert plain.fingerprint == quoted.fingerprint
    assert b"hunter2x" == line[quoted.start : quoted.end]
