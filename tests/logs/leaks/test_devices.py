"""Settings of network devices, records of the Linux audit, more commands and names, and what only looks like them."""

from __future__ import annotations

import pytest

from soc2ev.logs.leaks import Scanner

KEY = "9f8Kd02LmZqPx7VbTnR3sWyA"
HEX = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"


def found(line: str) -> list[str]:
    """The kinds in a line, in order; both stages have to agree on its leaks."""
    scanner = Scanner(b"key")
    whole = list(scanner.scan(line.encode()))
    assert whole == [leak for _, leak in scanner.scan_block(b"x\n" + line.encode() + b"\nx\n")]
    return [leak.kind for leak in whole]


def audited(command: str) -> str:
    """A command as the audit writes it when it holds zeros."""
    return command.replace(" ", "\0").encode().hex().upper()


CURL = (
    'type=EXECVE msg=audit(1:2): argc=4 a0="curl" a1="-H" '
    f'a2={f"Authorization: Bearer {KEY}".encode().hex().upper()} a3="https://acme.io"'
)


@pytest.mark.parametrize(
    "line",
    [
        "enable secret 0 hunter2x",
        "enable secret hunter2x",
        "logged command:username ops privilege 15 password 0 hunter2x",
        " neighbor 10.0.0.2 password hunter2x",
        " ppp chap password 0 hunter2x",
        "snmp-server community hunter2x RO",
        "snmp-server host 10.2.2.2 version 2c hunter2x",
        "snmp-server user ops NET v3 auth sha hunter2x",
        "set snmp community hunter2x authorization read-only",
        " key-string hunter2x",
        "tacacs-server key hunter2x",
        "radius-server host 10.1.1.1 auth-port 1812 key hunter2x",
        "crypto isakmp key hunter2x address 0.0.0.0",
        "set security ike policy P pre-shared-key ascii-text hunter2x",
        "ip ospf message-digest-key 1 md5 hunter2x",
        "ntp authentication-key 1 md5 hunter2x",
        "set system root-authentication plain-text-password-value hunter2x",
        " wpa-psk ascii 0 hunter2x",
        '    psk="hunter2x"',
        "wpa_passphrase=hunter2x",
    ],
)
def test_passwords_and_keys_of_network_devices_are_found(line):
    """IOS, Junos and their like, and supplicants of wireless networks, give them by settings of their own."""
    assert ["password"] == found(line)


@pytest.mark.parametrize(
    "line",
    [
        "enable secret 5 $1$mERr$hx5rVt7rPNoS4wqbXKX7m0",
        "enable secret <removed>",
        "username ops password 7 094F471A1A0A",
        "tacacs-server key 7 094F471A1A0A",
        "snmp-server community public RO",
        "snmp-server host 10.2.2.2 traps version 2c public",
        "snmp-server location rack4",
        "radius-server host 10.1.1.1 auth-port 1812 acct-port 1813",
        "key chain OSPF",
        "neighbor 10.0.0.2 remote-as 65001",
        "ppp authentication chap",
        "set psksecret ENC 0a1b2c3d4e5f",
        'ssid="corp-wifi"',
        "psk=WPA2",
        'psk="WPA2-PSK"',
        "community edition 2.4 started",
    ],
)
def test_settings_without_an_open_secret_are_clean(line):
    """Hashed and enciphered values, defaults, names of networks and settings of other things are no leaks."""
    assert [] == found(line)


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (f"type=PROCTITLE msg=audit(1:2): proctitle={audited('mysql -u root -phunter2x shop')}", "password"),
        (f"type=PROCTITLE msg=audit(1:2): proctitle={audited('vault login hvs.' + KEY)}", "token"),
        (
            f"type=USER_CMD msg='cwd=\"/\" cmd={b'psql postgres://a:hunter2x@db/x'.hex().upper()} res=success'",
            "connection_string",
        ),
        ('type=EXECVE msg=audit(1:2): argc=5 a0="ldapsearch" a1="-D" a2="cn=a" a3="-w" a4="hunter2x"', "password"),
        ('type=EXECVE msg=audit(1:2): argc=4 a0="rabbitmqctl" a1="add_user" a2="kim" a3="hunter2x"', "password"),
        (
            CURL,
            "auth_header",
        ),
    ],
)
def test_commands_are_read_in_records_of_the_audit(line, kind):
    """Arguments one by one and in hexadecimal stand for the command that they were."""
    assert [kind] == found(line)


@pytest.mark.parametrize(
    "line",
    [
        f"type=PROCTITLE msg=audit(1:2): proctitle={audited('/usr/sbin/sshd -D')}",
        'type=EXECVE msg=audit(1:2): argc=4 a0="ssh" a1="-p" a2="2222" a3="deploy@build-01"',
        'type=EXECVE msg=audit(1:2): argc=2 a0="ls" a1="-la"',
        "proctitle=FFFEFDFCFBFAF9F8F7F6F5F4F3F2F1F0",
        "cmd=41424344",
    ],
)
def test_other_records_of_the_audit_are_clean(line):
    """Commands without a secret, and hexadecimal that says nothing."""
    assert [] == found(line)


@pytest.mark.parametrize(
    "line",
    [
        "xfreerdp /v:fs01 /u:kim /p:hunter2x",
        "cmdkey /add:fs01 /user:kim /pass:hunter2x",
        "openssl enc -aes-256-cbc -k hunter2x -in a -out b",
        "zip -P hunter2x -r out.zip data",
        "7z x -phunter2x backup.7z",
        "rar a -hphunter2x out.rar data",
        "snmpget -v3 -u ops -A hunter2x 10.0.0.4 sysDescr",
        "snmpwalk -v2c -c hunter2x 10.0.0.4",
        "plink -ssh kim@fs01 -pw hunter2x",
        "lftp -u kim,hunter2x sftp://fs01",
        "sqlplus kim/hunter2x@//db:1521/ORCL",
        "ssh-keygen -t ed25519 -N 'hunter2x' -f id",
        "isql -U kim -P hunter2x -S db",
        "ansible-playbook site.yml -e ansible_become_pass=hunter2x",
        "Password for user 'kim' changed to 'hunter2x'",
        '[{user,"kim"},{password,"hunter2x"}]',
        '{"parameters":[{"parameterKey":"DBPassword","parameterValue":"hunter2x"}]}',
    ],
)
def test_passwords_given_to_more_programs_are_found(line):
    """By their own flags, as a part of an argument, by names of parameters and in terms of Erlang."""
    assert ["password"] == found(line)


@pytest.mark.parametrize(
    "line",
    [
        "xfreerdp /v:fs01 /u:kim /p:$PASS",
        "openssl enc -aes-256-cbc -pass env:KEY -in a",
        "openssl s_client -connect a:443 -key server.key",
        "7z x backup.7z -oout",
        "ssh-keygen -t ed25519 -N '' -f id",
        "snmpwalk -v2c -c public 10.0.0.1",
        "sqlplus /@ORCL",
        "lftp -u kim sftp://fs01",
        "WARN Enter password: (org.apache.kafka.clients.NetworkClient)",
    ],
)
def test_programs_without_a_password_are_clean(line):
    """References, files, empty passphrases and prompts are none."""
    assert [] == found(line)


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("RABBITMQ_DEFAULT_PASS=hunter2x", "password"),
        ('{"senha":"hunter2x"}', "password"),
        (f'{{"jeton":"{KEY}"}}', "token"),
        ('{"nachname":"Petrov"}', "personal_data"),
        ("apellidos=Garcia", "personal_data"),
        ('{"fecha_nacimiento":"1984-03-02"}', "personal_data"),
        ("telefono=+34 612 345 678", "personal_data"),
        ('{"cc":"36670316124575"}', "card_number"),
        (";36670316124575=27121010000012345678?", "card_number"),
        (f'{{"headers":{{"x-auth":"{KEY}"}}}}', "auth_header"),
        (f"Authorization: Token token={HEX}", "auth_header"),
        (f"Authorization: Key {KEY}", "auth_header"),
        (f"Authorization header was 'Splunk {HEX}'", "auth_header"),
        (f"Cookie: lang=de; remember_token=7|{HEX}{HEX}", "session_cookie"),
        (f"HostName=a.azure-devices.net;DeviceId=d;SharedAccessKey={KEY}", "connection_string"),
        (f"AccountEndpoint=https://a.documents.azure.com:443/;AccountKey={KEY}", "connection_string"),
        ("GET https://acme.io:443/a?db=mongodb://kim:hunter2x@10.0.0.4/x HTTP/1.1", "connection_string"),
        (f"sonar.login=sqp_{HEX}01234567", "token"),
    ],
)
def test_more_names_and_forms_are_found_with_their_kind(line, kind):
    """Names in other languages, headers, cookies, connection strings and forms of vendors."""
    assert [kind] == found(line)


@pytest.mark.parametrize(
    "line",
    [
        'password="not set"',
        "GET /a?token=not%20set HTTP/1.1",
        '{"password":"{cipher}0a1b2c3d4e5f"}',
        '{"password":"__DB_PASSWORD__"}',
        "password=@DB_PASSWORD@",
        "GET /a?password=%%DB_PASS%% HTTP/1.1",
        "dto [id=49, password=%%DB_PASS%%, active=true]",
        '{"senha":"***"}',
        "telefon: not set",
        '{"nachname":"string"}',
        '{"cc":"DE"}',
        "default_pass_rate=0.9",
        "Authorization header was 'none'",
        "Authorization header is missing",
        "GET /collect?data=Bearer%20token%20not%20found HTTP/1.1",
        '{"message_id":"<CAF0x9kbc@mail.gmail.com>"}',
        "UPDATE t SET `message_id`='<ab.cd@mail.acme.io>' WHERE id=3",
        "GET /a?message_id=%3Cab.cd@mail.acme.io%3E HTTP/1.1",
        "to <8500df9efeecc5d4.hksbz5xH@mail.acme.io>",
        'WHERE "users"."Address" = $1 LIMIT $2  [["Address", "10.0.0.12:8080"]]',
        "AccountEndpoint=https://a.documents.azure.com:443/;AccountKey=***",
    ],
)
def test_what_only_looks_like_these_is_clean(line):
    """Unset values, enciphered ones, templates, ids of messages and masks."""
    assert [] == found(line)


def test_a_value_in_the_line_below_its_name_is_found_there():
    """PHP's var_dump prints an entry over two lines; the leak is told of the second, once."""
    block = f'array(2) {{\n  ["pwd"]=>\n  string(8) "hunter2x"\n  ["api_token"]=>\n  string(3) "***"\n  ["t":protected]=>\n  string(40) "ghp_{KEY}0123456789ab"\n'
    told = [(line, leak.kind, leak.field) for line, leak in Scanner(b"key").scan_block(block.encode())]
    assert [(3, "password", "pwd"), (7, "token", "")] == told


def test_a_name_in_the_last_line_of_a_block_has_no_value():
    """What is below is unknown there, and no error."""
    assert [] == list(Scanner(b"key").scan_block(b'x\n  ["password"]=>'))
