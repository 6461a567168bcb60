"""Values that give themselves away by their form: vendors' prefixes, JWTs, PEM blocks, connections, mail."""

from __future__ import annotations

import base64
import binascii
import json
import re
import string
from collections.abc import Callable, Iterator
from functools import lru_cache
from urllib.parse import unquote

from soc2ev.logs.leaks.kinds import Hit, Kind
from soc2ev.logs.leaks.masks import is_masked

# Forms as the vendors document them. Stripe's test keys count: they open the account's test data; publishable keys
# (pk_) are made to be public and do not. An AWS access key id is half a credential and counts outside CloudTrail.
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_FORMS: tuple[tuple[Kind, str], ...] = (
    ("api_key", r"(?:AKIA|ASIA)[A-Z2-7][A-Z0-9]{15}(?![A-Za-z0-9])"),
    ("token", r"gh[pousr]_[A-Za-z0-9]{30,255}|github_pat_[A-Za-z0-9_]{30,255}"),
    ("token", r"gl(?:pat|dt|rt|cbt|ptt|ft|soat|agent|oas)-[A-Za-z0-9_\-]{18,}"),
    ("token", r"xox[abeoprs]-(?:\d+-)*[A-Za-z0-9\-]{10,}|xapp-\d-[A-Za-z0-9\-]{20,}|xoxe\.xox[bp]-[A-Za-z0-9\-]{20,}"),
    ("api_key", r"[sr]k_(?:live|test)_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9+/=]{20,}"),
    ("api_key", r"AIza[A-Za-z0-9_\-]{35}(?![A-Za-z0-9_\-])"),
    ("token", r"ya29\.[A-Za-z0-9_\-]{20,}|1//0[A-Za-z0-9_\-]{30,}"),
    ("api_key", r"SK[0-9a-f]{32}(?![0-9A-Za-z])|AC[0-9a-f]{32}:[0-9a-f]{32}(?![0-9A-Za-z])"),
    ("api_key", r"SG\.[A-Za-z0-9_\-]{16,32}\.[A-Za-z0-9_\-]{30,64}"),
    ("token", r"npm_[A-Za-z0-9]{30,}|pypi-[A-Za-z0-9_\-]{40,}|dt0[a-z]\d\d\.[A-Z0-9]{8,24}\.[A-Z0-9]{64}"),
    ("api_key", r"rubygems_[0-9a-f]{40,}"),
    ("token", r"dckr_(?:pat|oat)_[A-Za-z0-9_\-]{20,}"),
    ("token", r"do[opr]_v1_[0-9a-f]{50,}|shp(?:at|ca|pa|ss)_[0-9a-fA-F]{30,}"),
    ("api_key", r"sq0csp-[A-Za-z0-9_\-]{20,}"),
    ("token", r"sq0(?:atp|idp)-[A-Za-z0-9_\-]{20,}|EAAA[A-Za-z0-9]{16}[A-Za-z0-9_\-+=]{40,}"),
    ("token", r"EAAA(?=[\w\-]*[_\-][A-Za-z0-9]{20})[A-Za-z0-9_\-]{60}(?![A-Za-z0-9_\-+/=])|EAA[A-Z][A-Za-z0-9]{90,}"),
    ("token", r"(?:bot)?\d{8,10}:AA[A-Za-z0-9_\-]{33}(?![A-Za-z0-9_\-])"),
    ("token", r"[MNO][A-Za-z0-9]{23,27}\.[A-Za-z0-9_\-]{6}\.[A-Za-z0-9_\-]{27,38}(?![A-Za-z0-9_\-])"),
    ("api_key", r"key-[0-9a-f]{32}(?![0-9A-Za-z])"),
    ("api_key", r"sk-(?:ant-(?:api|admin|oat)\d\d-|proj-|svcacct-|or-v1-|admin-)?[A-Za-z0-9_\-]{20,}"),
    ("token", r"hv[sbr]\.[A-Za-z0-9_\-]{20,}|s\.[A-Za-z0-9]{24}(?![A-Za-z0-9.])|atlasv1\.[A-Za-z0-9_\-]{40,}"),
    ("token", r"\w{14}\.atlasv1\.[\w\-=]{50,}"),
    ("token", r"hf_[A-Za-z0-9]{30,}|glsa_[A-Za-z0-9]{32}_[0-9a-f]{8}"),
    ("token", r"dp\.(?:pt|st|ct|sa|scim|audit)\.(?:[a-z0-9_\-]{2,35}\.)?[A-Za-z0-9]{40,}"),
    ("token", r"dapi[0-9a-f]{32}|figd_[A-Za-z0-9_\-]{36,}"),
    ("api_key", r"lin_api_[A-Za-z0-9]{32,}|re_[A-Za-z0-9]{8}_[A-Za-z0-9]{20,}|[0-9a-f]{32}-us\d{1,2}(?![0-9A-Za-z])"),
    ("api_key", r"[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}(?![0-9A-Za-z\-])"),
    ("token", r"ATATT3[A-Za-z0-9_\-=]{50,}|sntry[su]_[A-Za-z0-9_\-=+/]{40,}|fo1_[\w\-]{40,}"),
    ("token", r"fm(?:2|1[ar])_[A-Za-z0-9+/]{90,}={0,3}"),
    ("api_key", r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}"),
    ("token", r"pul-[0-9a-f]{40}|sbp_[0-9a-f]{40}|sq[apu]_[0-9a-f]{40}(?![0-9A-Za-z])"),
    ("api_key", r"NRAK-[A-Z0-9]{27}|phc_[A-Za-z0-9]{30,}|r8_[A-Za-z0-9]{30,}|gsk_[A-Za-z0-9]{40,}"),
    ("api_key", r"ntn_[A-Za-z0-9]{40,}|pplx-[A-Za-z0-9]{40,}"),
    ("api_key", r"CFPAT-[A-Za-z0-9_\-]{40,}|HRKU-[A-Za-z0-9_\-]{36,}|EZ[AT]K[A-Za-z0-9]{54}|GOCSPX-[A-Za-z0-9_\-]{28}"),
    ("api_key", r"xai-[A-Za-z0-9]{70,}|nvapi-[A-Za-z0-9_\-]{60,}|tskey-[a-z]+-[A-Za-z0-9\-]{20,}|sgp_[0-9a-f_]{40,}"),
    ("api_key", r"rdme_[a-z0-9]{60,}|p8e-[a-z0-9]{32}|LTAI[A-Za-z0-9]{16,26}|FLWSECK(?:_TEST)?-[0-9a-z]{32}-X"),
    ("api_key", r"ico-[A-Za-z0-9]{32}"),
    ("api_key", r"AKCp[A-Za-z0-9]{60,73}|AQVN[A-Za-z0-9_\-]{35,38}|oy2[a-z0-9]{43}|API-[A-Z0-9]{26}"),
    ("api_key", r"NRI[IQS]-[A-Za-z0-9_\-]{32}"),
    ("api_key", rf"sdk-{_UUID}|pcsk_[A-Za-z0-9]{{5,8}}_[A-Za-z0-9]{{50,}}|sk_[0-9a-f]{{48}}|aio_[A-Za-z0-9]{{28}}"),
    ("api_key", r"phx_[A-Za-z0-9]{40,}"),
    ("api_key", r"sk\.eyJ[A-Za-z0-9_\-]{20,}\.[A-Za-z0-9_\-]{20,}|mka_[A-Za-z0-9]{30,}|live_[A-Za-z0-9]{30}"),
    ("api_key", r"lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}"),
    ("api_key", r"v1\.0-[0-9a-f]{24}-[0-9a-f]{146}|AAAA[A-Za-z0-9_\-]{7}:APA91b[A-Za-z0-9_\-]{100,}"),
    ("api_key", r"[A-Za-z0-9_~.]{3}[78]Q~[A-Za-z0-9_~.\-]{31,34}"),
    ("token", r"[A-Za-z0-9_\-]{20,}:APA91b[A-Za-z0-9_\-]{100,}|ATBB[A-Za-z0-9]{28,}|CLOJARS_[0-9a-z]{60}"),
    ("token", r"sl\.[A-Za-z0-9_\-]{130,}"),
    ("token", rf"glc_[A-Za-z0-9+/]{{32,}}={{0,2}}|pat-(?:na|eu)\d-{_UUID}|ops_eyJ[A-Za-z0-9+/]{{150,}}={{0,3}}"),
    ("token", rf"access-(?:production|development)-{_UUID}"),
    ("token", r"tfp_[A-Za-z0-9_\-.]{40,}|nfp_[A-Za-z0-9]{36,}|vcp_[A-Za-z0-9]{40,}|sha256~[A-Za-z0-9_\-]{43}"),
    ("token", r"pnu_[a-z0-9]{36}|fio-u-[A-Za-z0-9_\-=]{64}"),
    ("token", r"CCIPAT_[A-Za-z0-9]{20,24}_[0-9a-f]{40}|bkua_[0-9a-f]{40}|tk-(?:us|eu)-[A-Za-z0-9_\-]{40,}"),
    ("token", r"4/0A[A-Za-z0-9_\-]{40,}"),
    ("token", r"pat\.[A-Za-z0-9_\-]{22}\.[0-9a-f]{24}\.[A-Za-z0-9]{20}"),
    ("token", rf"(?<=webhook\.office\.com/webhookb2/){_UUID}@{_UUID}/[A-Za-z]+/[0-9a-f]{{32}}(?:/{_UUID})?"),
    ("api_key", r"(?!pk_)[a-z]{2,20}_(?:live|test|secret|api)_[A-Za-z0-9_\-]{24,}"),
    ("token", r"[a-z]{2,20}_(?:tkn|token|pat|oauth)_[A-Za-z0-9_\-]{24,}"),
    ("token", r"pat[A-Za-z0-9]{14}\.[0-9a-f]{64}"),
    ("private_key", r"AGE-SECRET-KEY-1[A-Z0-9]{58}"),
    ("api_key", r"secret_[A-Za-z0-9]{43}|xkeysib-[0-9a-f]{60,}[\w\-]*"),
    ("token", r"eyJ[A-Za-z0-9_\-]{8,}\.eyJ[A-Za-z0-9_\-]{4,}\.[A-Za-z0-9_\-]*"),
    ("token", r"eyJ[A-Za-z0-9_\-]{8,}(?:\.[A-Za-z0-9_\-]*){4}"),
    ("session_cookie", r"(?:eyJ|\.eJ)[\w\-]{8,4000}\.[\w\-]{6}\.[\w\-]{27}(?:[\w\-]{16})?(?![A-Za-z0-9_\-.])"),
    ("token", r"(?<=\d\|)(?=[A-Z\d]*[a-z])(?=[a-z\d]*[A-Z])[A-Za-z0-9]{40}(?:[0-9a-f]{8})?(?![A-Za-z0-9])"),
    ("token", r"(?<=hooks\.slack\.com/services/)T[A-Z0-9]{6,}/B[A-Z0-9]{6,}/[A-Za-z0-9]{20,}"),
    ("token", r"(?<=discord\.com/api/webhooks/)\d{15,}/[A-Za-z0-9_\-]{50,}"),
)  # fmt: skip
VENDOR = re.compile(
    r"(?<![A-Za-z0-9_\-])(?:" + "|".join(f"(?P<f{index}>{form})" for index, (_, form) in enumerate(_FORMS)) + ")"
)
_IN_RUN = string.ascii_letters + string.digits + "_-"
# Latin-1 letters count as such in some of the forms.
_TO_PIECES = bytes(
    ord("a" if chr(code) in _IN_RUN else "b" if chr(code) in "./+=:~@" or not chr(code).isascii() else " ")
    for code in range(256)
)
_RUN = b"a" * 15
"""Every one of these forms has such a run, or begins with `eyJ`."""
_HEXADECIMAL = re.compile(r"(?![0-9a-f]{32}(?:-[0-9a-f]{8}){2}$)[0-9a-f\-]*")
_PEM = re.compile(r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_ENDS = r"\\+[rn]|\s|%0[AaDd]|%5[Cc][nr]|&#(?:1[03]|[xX]0?[AaDd]);|\\+x(?:5[Cc][nr]|0[AaDd])|\\+u000[AaDd]|<br ?/?>"
"""How the end of a line is written where a text has to be one line."""
_PEM_BODY = re.compile(
    rf"(?:{_ENDS})*(?:(?:Proc-Type|DEK-Info|Version|Comment)[^\n]*?(?:\\n|\s))*(?:{_ENDS})*[A-Za-z0-9+/=]{{16,}}"
)
_PUTTY = re.compile(r"Private-Lines: \d+(?:\\+[rn]|\s)+[A-Za-z0-9+/=]{16,}")
_PEM_END = re.compile(r"-----END (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_JWK = re.compile(r"[\"']kty[\"']\s{0,2}:\s{0,2}[\"'](?:EC|RSA|OKP|oct)[\"']")
_JWK_PRIVATE = re.compile(r"[\"'][dk][\"']\s{0,2}:\s{0,2}[\"']([\w\-]{16,1024})[\"']")
_EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+\-*•/])[A-Za-z0-9_][A-Za-z0-9._%+'\-]{0,63}(?:@|"
    r"%40)(?:[A-Za-z0-9](?:[A-Za-z0-9\-]{0,62})\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9_\-]|\.[A-Za-z0-9]|"
    r"@|\*|(?::|%3[Aa])[A-Za-z~/])"
)
_EMAIL_IN_PATH = re.compile(
    r"(?<=/)[A-Za-z0-9][A-Za-z0-9._+\-]{0,63}(?:@|"
    r"%40)(?:[A-Za-z0-9\-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9_\-:]|\.[A-Za-z0-9])"
)
_FILES_AND_UNITS = """
    local internal lan localdomain localhost intranet corp home service socket slice scope timer target mount
    path device automount swap png jpg jpeg gif svg webp ico css js mjs cjs ts tsx jsx map json yaml yml tgz gz
    zip jar war whl lock txt log conf cfg html htm php java class kt py rb go rs exe dll so bin invalidlocal
    cluster svc node arpa pdf xml
"""
NO_DOMAIN_END = frozenset(_FILES_AND_UNITS.split())
_FEWEST, _LONGEST_LOCAL = 5, 64
_GENERATED = re.compile(
    r"(?i:(?=[a-f.]{0,24}\d)[0-9a-f]{12,64}(?:[.\-][\w.\-]{1,80})?)|\d{8,}\.[\w.\-]{4,}|[\d.]{14,}|[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
)
"""What stands before the `@` of a message's own id (RFC 5322 section 3.6.4), whatever names it: an instant, a UUID."""
_OF_MESSAGE = re.compile(r"(?i)(?:message|msg|mail)[-_.]?id(?:'\])?$|in[-_]?reply[-_]?to(?:'\])?$")
_SERVICES = frozenset({"git", "hg", "svn", "gitea", "gitlab", "aur", "%2f"})


def forms(text: str) -> Iterator[re.Match[str]]:
    """What `VENDOR` finds: it is asked only of pieces that have a run as all its forms have, and are no mere ids."""
    pieces = text.encode("latin-1", "replace").translate(_TO_PIECES)
    token = text.find("eyJ")
    end = 0
    while True:
        place = pieces.find(_RUN, end)
        if 0 <= token < end:
            token = text.find("eyJ", end)
        if token >= 0 and (place < 0 or token < place):
            place = token
        if place < 0:
            return
        start = pieces.rfind(b" ", 0, place) + 1
        end = pieces.find(b" ", place)
        end = len(text) if end < 0 else end
        if not _HEXADECIMAL.fullmatch(text, start, end):
            yield from VENDOR.finditer(text, start, end)


def vendors(text: str) -> Iterator[Hit]:
    """Credentials whose prefix and length a vendor documents, and JWTs whose header names an algorithm."""
    for match in forms(text):
        value = match.group()
        kind = _FORMS[int((match.lastgroup or "f0")[1:])][0]
        if (
            is_masked(value)
            or (value.startswith("eyJ") and kind == "token" and not is_jwt(value))
            or not _random(value)
        ):
            continue
        if value.startswith(("AKIA", "ASIA")) and text[: match.start()].endswith(("Credential=", "Credential%3D")):
            continue
        # The path of Telegram's requests has `bot` before the token.
        begin = match.start() + (len("bot") if value.startswith("bot") and ":AA" in value else 0)
        yield Hit(kind, begin, match.end(), text[begin : match.end()], by_value=True)


def _random(value: str) -> bool:
    """Not one character over and over, and not a name in words: all of these forms carry digits or mixed case."""
    tail = value[4:]
    return len(set(tail)) > _FEWEST and (any(c.isdigit() for c in tail) or tail != tail.lower())


def is_jwt(value: str) -> bool:
    """Whether the first part decodes to a JOSE header with an algorithm (RFC 7515 section 4.1.1)."""
    head = value.split(".", 1)[0]
    try:
        header = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return False
    return isinstance(header, dict) and isinstance(header.get("alg"), str)


def pem(text: str) -> Iterator[Hit]:
    """
    Private keys of PuTTY and in PEM (RFC 7468), also with escaped line ends or cut off by the end of the line.

    A header in the midst of a sentence, with no body behind it, is an error message and no key.
    """
    for match in _PUTTY.finditer(text) if "Private-Lines" in text else ():
        yield Hit("private_key", match.start(), match.end(), match.group(), by_value=True)
    for match in _PEM.finditer(text):
        body = _PEM_BODY.match(text, match.end())
        if body or (
            not text[match.end() :].strip("\r\n\"', \\n") and not text[: match.start()].rstrip().endswith("expecting:")
        ):
            end = _PEM_END.search(text, match.end())
            stop = end.end() if end else body.end() if body else match.end()
            yield Hit("private_key", match.start(), stop, text[match.start() : stop], by_value=True)


def jwk(text: str) -> Iterator[Hit]:
    """The private member of a key in JSON (RFC 7517, RFC 7518 section 6): `d`, or `k` of a symmetric one."""
    kind = _JWK.search(text)
    for match in _JWK_PRIVATE.finditer(text) if kind else ():
        yield Hit("private_key", match.start(1), match.end(1), match.group(1), by_value=True)


def emails(text: str) -> Iterator[Hit]:
    """Addresses of persons and mailboxes; not `git@host:`, unit names, package versions, message ids or file names."""
    for match in (*_addresses(text), *_in_paths(text)):
        local, _, domain = match.group().replace("%40", "@").partition("@")
        if _is_mailbox(local, domain) and not _elsewhere(text, match):
            yield Hit("email", match.start(), match.end(), f"{local}@{domain}".lower())


def _addresses(text: str) -> Iterator[re.Match[str]]:
    """What `finditer` gives, without looking where no mark is near: at most 64 characters stand before it."""
    place, mark_from = 0, _marks(text)
    while (mark := mark_from(place)) >= 0:
        # No local part has one of these, so it begins behind them.
        end = max(text.rfind(" ", place, mark), text.rfind('"', place, mark), text.rfind("=", place, mark)) + 1
        match = _EMAIL.search(text, max(place, end, mark - _LONGEST_LOCAL))
        if not match:
            return
        yield match
        place = match.end()


def _in_paths(text: str) -> Iterator[re.Match[str]]:
    """Addresses that are a step of a path: they begin behind the last slash before their mark."""
    place = begun = 0
    mark_from = _marks(text)
    while (mark := mark_from(place)) >= 0:
        slash = text.rfind("/", max(0, mark - _LONGEST_LOCAL - 1), mark) + 1
        if slash > begun and (match := _EMAIL_IN_PATH.match(text, slash)):
            yield match
        place, begun = mark + 1, max(begun, slash)


def _marks(text: str) -> Callable[[int], int]:
    """What gives the place of the next mark from a place on, or -1; a mark that the text has not is not looked for."""
    if "%40" not in text:
        return lambda place: text.find("@", place)
    if "@" not in text:
        return lambda place: text.find("%40", place)
    return lambda place: match.start() if (match := _MARK.search(text, place)) else -1


_MARK = re.compile("@|%40")


@lru_cache(4096)
def _is_mailbox(local: str, domain: str) -> bool:
    if "%" in local:
        local = unquote(local)
    if ("/" in local and domain.isupper()) or "://" in local or local.lower() in _SERVICES or "x" * 3 in local.lower():
        return False
    return not is_masked(local) and not _GENERATED.fullmatch(local) and _is_domain(domain)


@lru_cache(4096)
def _is_domain(domain: str) -> bool:
    ending = domain.rsplit(".", 1)[-1].lower()
    return ending not in NO_DOMAIN_END and not is_masked(domain) and not re.match(r"v?\d+(?:x|\.\d)", domain)


def _elsewhere(text: str, match: re.Match[str]) -> bool:
    """Parts of something that is no address: user of a URL, message id, version of a module, ssh target."""
    before = text[max(0, match.start() - 40) : match.start()]
    return (
        before.endswith("://")
        or text.startswith(": Permission denied (", match.end())  # what ssh says
        or _ALGORITHM.fullmatch(match.group()) is not None
        or _is_of_robot(text, match.start())
        or _is_extension(before, match.group())
        or _is_after_word(before)
        or _is_principal(before, match.group())
        or (text.startswith("/", match.end()) and bool(re.search(r"[\w.]$|//$", before)))
    )


_ALGORITHM = re.compile(
    r"[a-z][a-z0-9\-]{2,60}[0-9\-][a-z0-9\-]*@(?:openssh\.com|libssh\.org|lysator\.liu\.se|ssh\.com)|"
    r"(?:zlib|eow|hostkeys)@openssh\.com"
)
"""Algorithms and messages of SSH that somebody else than the IETF named (RFC 4251 section 6)."""
_ROBOT = "(compatible;"


def _is_of_robot(text: str, place: int) -> bool:
    """Whether it is what a robot says of its operator in its name: `(compatible; Ezooms/1.0; help@moz.com)`."""
    opened = text.rfind("(", max(0, place - 200), place)
    return text.startswith(_ROBOT, opened) and ")" not in text[opened:place] if opened >= 0 else False


_OF_PRINCIPAL = re.compile(r"(?<![\w./\-])[A-Za-z][\w\-]{1,30}(?:/|%2[Ff])$")


def _is_principal(before: str, address: str) -> bool:
    """Whether it is a service at its realm, which is in capitals (RFC 4120 section 6.1): `HTTP/web.acme.io@ACME.IO`."""
    return (
        before.endswith(("/", "F", "f"))
        and address.isascii()
        and _realm(address)
        and bool(_OF_PRINCIPAL.search(before))
    )


def _realm(address: str) -> bool:
    return address.replace("%40", "@").partition("@")[2].isupper()


def names_message(name: str) -> bool:
    """Whether a name, or the end of a path, is that of a message's own id (RFC 5322), which looks like a mailbox."""
    return _OF_MESSAGE.search(name) is not None


def _is_extension(before: str, address: str) -> bool:
    """Whether it is a telephone's number at its exchange (RFC 3261 section 19.1): `sip:1001@pbx.acme.io`."""
    return before.lower().endswith(("sip:", "sips:")) and address.partition("@")[0].isdigit()


def _is_after_word(before: str) -> bool:
    low = before.lower()
    for word in _WORDS_BEFORE:
        if word in low:
            return bool(_NOT_MAIL_BEFORE.search(before))
    return False


_WORDS_BEFORE = ("message", "in-reply-to", "references", "ssh", "scp", "rsync", "sftp")
_NOT_MAIL_BEFORE = re.compile(
    r"(?i)message-?_?id(?:[\"'`\]\\]|%2[27]){0,3}\s{0,2}(?:=>?|:|%3[ad])\s{0,2}(?:[\"'\[\\]|%2[27]){0,3}(?:<|%3c|&lt;)?$|"
    r"in-reply-to[:=] ?<?$|"
    r"references[:=] ?<?$|\bssh:?(?: -\w+(?: \S+)?)* $|\b(?:scp|rsync|sftp)(?: [-/.~]\S{0,30}){0,4} $|"
    r"\ba0=\"(?:\S{0,12}/)?(?:ssh|scp|rsync|sftp)\"(?: a\d=\"[^\" ]{0,16}\")* a\d=\"$"
)
