"""Keys and passwords in the settings of network devices, as they keep them or log the commands that set them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from soc2ev.logs.leaks import masks
from soc2ev.logs.leaks.kinds import Hit

_OPEN = r"(?:0 )?(?![1-9] )[\"']?(?P<v>[^\s\"';<>]{4,100})"
"""A value; the digit before it says how it is kept, and only 0 says openly (IOS: `password 0 x`, `secret 5 $1$...`)."""
_ADDRESS = r"(?:\d{1,3}(?:\.\d{1,3}){3}|[\w.\-]*[.:][\w.:\-]*)"
_HOST = (
    rf"\bsnmp-server host {_ADDRESS} (?:(?:traps|informs) )?(?:version (?:1|2c) )?"
    r"(?!version |traps|informs|vrf |use-vrf )(?P<v>[^\s\"'<>]{4,64})"
)
_FORMS: tuple[tuple[str, str], ...] = (
    (" secret ", rf"\b(?:enable|username \S{{1,64}}(?: privilege \d{{1,2}})?) secret {_OPEN}"),
    (" password ", rf"\benable password (?:level \d{{1,2}} )?{_OPEN}"),
    (" password ", rf"\busername (?!or |and )\S{{1,64}}(?: privilege \d{{1,2}})? password {_OPEN}"),
    (" password ", rf"\bneighbor \S{{1,64}} password {_OPEN}"),
    (" password ", rf"\bppp (?:chap|pap sent-username \S{{1,64}}) password {_OPEN}"),
    (" password ", rf"\bset user \S{{1,64}} password {_OPEN}"),
    ("community ", rf"\b(?:snmp-server|snmp) community {_OPEN}"),
    ("snmp-server host ", _HOST),
    ("key-string ", rf"\bkey-string {_OPEN}"),
    ("-server ", rf"\b(?:tacacs|radius)-server (?:host \S{{1,64}} )?[^\n]{{0,80}}?\bkey {_OPEN}"),
    ("isakmp key ", rf"\bcrypto isakmp key {_OPEN}(?= (?:address|hostname)\b)"),
    ("pre-shared-key ", rf"\bpre-shared-key (?:(?:ascii-text|hexadecimal|local|remote) )?{_OPEN}"),
    ("digest-key ", rf"\bmessage-digest-key \d{{1,3}} md5 {_OPEN}"),
    ("authentication-key ", rf"\bauthentication-key (?:\d{{1,5}} (?:md5|sha1?|sha256|hmac-sha2-256) )?{_OPEN}"),
    ("snmp-server user ", rf"\bsnmp-server user \S{{1,64}} \S{{1,64}} v3 auth (?:md5|sha)(?: \d{{3}})? {_OPEN}"),
    ("-password-value ", rf"\bplain-text-password-value {_OPEN}"),
    ("wpa-psk ", rf"\bwpa-psk (?:ascii|hex) {_OPEN}"),
    ("psksecret ", rf"\bset psksecret (?!ENC ){_OPEN}"),
)
"""IOS, NX-OS, EOS, Junos and FortiOS; each with what a text needs to have."""
_COMPILED = tuple((sign, re.compile(form)) for sign, form in _FORMS)


def hits(text: str) -> Iterator[Hit]:
    """What a setting gives openly; those that say that they are hashed or enciphered (`secret 5 $1$`) are none."""
    for sign, form in _COMPILED:
        for match in form.finditer(text) if sign in text else ():
            if masks.is_password(match["v"], prose=False, numeric=True):
                yield Hit("password", match.start("v"), match.end("v"), match["v"])
