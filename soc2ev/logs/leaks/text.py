"""Secrets in running text: after a key, in a header or cookie, on a command line, in SQL, or by their own form."""

from __future__ import annotations

import re
from collections.abc import Iterator

from soc2ev.logs.leaks import commands, masks, numbers, values
from soc2ev.logs.leaks.keys import is_session_cookie, kind_of, personal_of, squash
from soc2ev.logs.leaks.kinds import Hit, Kind

# What follows a key begins like no part of one, so that nothing is gained by giving characters back.
_KEYED = re.compile(
    r"(?<![\w.\-])(?P<key>[A-Za-z_\-][\w.\-]{1,60}+(?:(?:\[|%5B)[\w.\-]{1,40}+(?:\]|%5D))*+)(?:\\*[\"'`])?\]?\)?"
    r"(?P<sep>\s{0,3}(?:=>|:=|==|[:=]|%3D|%3A)\s{0,3}|\\\":\s?)(?P<q>\\*[\"'`])?",
    re.IGNORECASE,
)
_BARE = re.compile(r"[^\s,;&|\"'<>)}\]\\`]+")
_BRACKETED = re.compile(
    r"(?:<[^<>\"]{0,40}>|\[[A-Za-z _*.\-]{2,40}\]|\{\{?[^{}\"]{0,40}\}?\}|\*+|\([A-Za-z _]{2,40}\))"
)
_ROW_END = re.compile(
    r"[\"\n]|\\n|\\r| \| |' |'$|\\\"|, [A-Za-z][\w-]+[:=]|\}|"
    r"(?<=[A-Za-z0-9=]) [A-Za-z_][\w.]{1,30}=(?!=)|\|(?=\w+=)|(?<=\w)\)|&(?=[\w.\-%\[\]]+=)| HTTP/\d|"
    r"[\^;] ?(?=[a-z_]\w*=\S+\^)|\^(?=\w+=)|>(?!=)|\x27, \x27"
)
_MANY_PARTS = re.compile(r"(?i)(?:digest|oauth|hawk|aws4-hmac-sha256) \w+=")
_LINE_END = re.compile(r"[\n']|\\[nr]|\"$")
_SCHEME = re.compile(
    r"(?i)(?<![\w])(?P<scheme>bearer|basic|token|digest|negotiate|ntlm|apikey|api-key|"
    r"aws4-hmac-sha256|oauth|hawk|ssws|geniekey|"
    r"sharedkey|sharedaccesssignature|splunk|bot|zoho-oauthtoken|dpop|gnap)(?:\s+|%20|"
    r"\+)(?:token=\"?)?(?P<cred>[^\s\"'<>\\,;)\]}|]+)"
)
_NO_CREDENTIAL = ("realm", "error", "scope", "http/")
_LOOSE = frozenset({"bearer", "basic", "aws4-hmac-sha256", "negotiate", "ssws", "geniekey", "zoho-oauthtoken"})
_DIGEST = re.compile(r"(?i)\b(?:response|credential|signature|oauth_signature|sig|mac)\s?=\s?\"?([\w+/=%\-./]{8,})")
_FIRST = re.compile(r"[;,\s\"'&|]")
_PUBLIC = re.compile(r"(?:ssh|ecdsa|sk)-[\w@.\-]+(?: |%20|\+)")
_CARD_DIGITS = re.compile(r"\d{12,19}")
_SHORTEST_NUMBER, _SHORTEST_KEY, _SHORTEST, _SHORTEST_SESSION = 4, 32, 8, 20
_UUID = re.compile(r"(?i)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_COOKIE_PAIR = re.compile(r"([!#$%&'*+\-.^`|~\w]+)=([^;,\s\"\\'}|]*)")
_SPOKEN = re.compile(
    r"(?i)(?<![\w\-/=])(?:(?P<given>temporary |temp |initial |default |generated )|new |admin |root |user |the |"
    r"with )?(?:password|passphrase|passcode|passwd|pwd)"
    r"(?: (?:for|of) (?:[\w.@+\-]{1,40} ){0,3}[^\s|:]{1,40}(?= (?:is|was|to|set)[ :]|(?(given):|(?!))))?"
    r"(?: (?:is|was|to|from|set to|"
    r"changed to|reset to|as):?|(?(given):?|))\s{1,2}(?P<q>[\"'`])?(?P<v>[^\s\"'`,;)|]{3,64})"
)
_CALL = re.compile(r"[A-Za-z_]\w*\(")
"""A type of a column, or a function: `password varchar(255)`."""
_PAIR = re.compile(r"[A-Za-z][\w.\-]*=\w")
_LABEL = re.compile(r"\b((?:cs|cn|deviceCustomString|flexString)\d)Label=([\w .\-]{2,40}?)(?= \w+=|\||$)")
_SIGNATURE = re.compile(
    r"(?<=[?&])(?:sig=([A-Za-z0-9%+/=]{30,90})|X-Amz-Signature=([0-9a-f]{64}))|(?<=&amp;)sig=([A-Za-z0-9%+/=]{30,90})"
)
_AZURE_SAS = re.compile(r"(?i)[?&;](?:sv|se|sp|sr)=")
_JAR = re.compile(r"(?i)(?<![\w.\-])(?:sessionid|sessid|sid)=([\w.%\-]{8,})(?=; ?[\w.\-]+=)")
_ENTRY = re.compile(
    r"""[(\[]\s?b?["'](?P<key>[A-Za-z][\w\-]{2,60})["'],\s{0,2}b?["'](?P<value>[^"'\n]{3,4000})["']\s?[)\]]"""
)
_JARRED = re.compile(r"""(?i)\bcookies?["']?\s{0,2}(?:=>|[=:])\s{0,2}\{(?P<pairs>[^{}\n]{1,4000})\}""")
_JAR_PAIR = re.compile(
    r"""["']?(?P<key>[\w.\-]{2,60})["']?\s{0,2}(?:=>|[=:])\s{0,2}["'](?P<value>[^"'\n]{8,2000})["']"""
)
_CURL_JAR = re.compile(r"""(?:^|\s)(?:-b|--cookie)[ =]["']?(?P<pairs>[\w.\-]{2,60}=[^\s"']{8,2000})""")
_NOTHING = re.compile(r"[A-Za-z][\w.\-]*=\w|HTTP/\d")
_WITH_COOKIE = re.compile(r"(?i)(?<![\w\-])cookie (?P<key>[\w.\-]{2,60})=(?P<value>[^\s;,\"']{16,2000})")
_ROUTING = re.compile(r"[0-9A-Za-z]{32}")
_FORM_PART = re.compile(
    r"\bname=\\*\"(?P<key>[\w.\-\[\]]{1,60})\\*\"(?:\r?\n|(?:\\+r)?\\+n){2}(?P<value>[^\r\n\\]{1,4000})"
)
"""A part of a form that is sent as multipart/form-data (RFC 7578 section 4.2)."""
_ELEMENT = re.compile(r"<(?:\w+:)?(?P<key>[A-Za-z][\w.\-]{1,60})>(?P<value>[^<>]{3,200})</")
# What every form of `values.connections` has.
_SERVICES = ("@tcp(", "@unix(", "%3a%2f%2f", "jdbc:", "password", "pwd", "accountkey", "accesskey")
_USER_OF = re.compile(r"://[^\s\"'<>]*@")
_SESSION_WORD = re.compile(r"(?i)[;?&](?:jsessionid|phpsessid)=([\w.!\-]{8,})")


def hits(text: str, key: str = "") -> Iterator[Hit]:
    """
    Everything that stands open in a text; overlapping hits are the caller's to settle.

    `key` is the name under which the text stood, if any; it helps to tell cards from order numbers.
    """
    # What each search needs at the least is asked first: most texts have nothing of it.
    low = text.lower()
    paired = "=" in text or ":" in text or "%3" in text
    yield from values.vendors(text)
    if "BEGIN" in text or "Private-Lines" in text:
        yield from values.pem(text)
    if "kty" in text:
        yield from values.jwk(text)
    if paired:
        yield from values.connections(text)
        yield from _keyed(text)
    yield from _headers(text, low, paired=paired)
    if "form-data" in text or "</" in text:
        yield from _named(text)
    yield from _spoken(text, low)
    if "@" in text or "%40" in text:
        yield from values.emails(text)
    yield from numbers.cards(text, key)
    yield from numbers.people(text, low)


def marked(text: str) -> Iterator[Hit]:
    """Of all that, what an `@` gives away: addresses of persons, and of services with a password."""
    low = text.lower()
    if _is_of_service(low) or ("://" in text and _USER_OF.search(text)):
        yield from values.connections(text)
    yield from values.emails(text)


def _is_of_service(low: str) -> bool:
    for sign in _SERVICES:  # noqa: SIM110  asked of every line, and any() takes three times as long
        if sign in low:
            return True
    return False


def by_key(key: str, value: str, *, quoted: bool = True, prose: bool = False, within: str = "") -> Iterator[Hit]:
    """What a value holds because of the key that it stands under; `within` is the key above, such as `cookies`."""
    kind = kind_of(key)
    if squash(within) in JARS and is_session_cookie(key) and _cookie_value(value):
        yield Hit("session_cookie", 0, len(value), value)
    elif kind == "session_cookie":
        yield from _cookies(key, value)
    elif kind == "auth_header":
        yield from _authorization(value)
    elif kind == "personal_data":
        yield from _personal(key, value, quoted=quoted)
    elif kind == "card_number":
        yield from _card(value)
    elif kind and _open(kind, key, value, quoted=quoted, prose=prose):
        yield Hit(kind, 0, len(value), value)


def _open(kind: Kind, key: str, value: str, *, quoted: bool, prose: bool) -> bool:
    if value[:1] in "{[" and value[-1:] in "}]":
        return False
    if kind == "password":
        strong = squash(key) not in ("pass", "pw", "pwd") or quoted
        return masks.is_password(value, prose=prose, numeric=strong and len(value) >= _SHORTEST_NUMBER)
    if squash(key).endswith("routingkey"):
        return bool(_ROUTING.fullmatch(value))  # PagerDuty's: those of queues are names
    if kind == "private_key":
        return len(value) >= _SHORTEST_KEY and masks.is_token(value) and not _PUBLIC.match(value)
    return masks.is_token(value)


def _keyed(text: str) -> Iterator[Hit]:
    for match in _KEYED.finditer(text):
        key = match["key"]
        if "%" in key:
            key = key.replace("%5B", "[").replace("%5D", "]").replace("%5b", "[").replace("%5d", "]")
        kind = kind_of(key)
        if kind is None and key[0] in "nrt" and text[match.start() - 1 : match.start()] == "\\":
            key = key[1:]  # `\nCookie:` of a request that was written in one line
            kind = kind_of(key)
        if kind is None or (key == "secret" and text[match.start() - 1 : match.start()] == ":"):
            continue  # `arn:aws:secretsmanager:region:account:secret:name`
        start, end = _extent(text, match, wide=_is_wide(kind, key))
        if match["sep"] == "= " and not match["q"] and _NOTHING.match(text, start, end):
            continue  # `password= user=kim`, `?password= HTTP/1.1`: nothing stands behind the key
        prose = not match["q"] and match["sep"].strip() == ":" and match["sep"][-1:] == " " and squash(key) != key
        prose = prose or (not match["q"] and match["sep"].endswith(" "))
        found = list(by_key(key, text[start:end], quoted=bool(match["q"]), prose=prose))
        if not found and kind == "personal_data" and not match["q"]:
            start, end = _extent(text, match, wide=False)
            found = list(by_key(key, text[start:end], prose=prose))
        for hit in found:
            yield Hit(hit.kind, start + hit.start, start + hit.end, hit.secret, key, hit.by_value)


def _named(text: str) -> Iterator[Hit]:
    """Values of XML elements, and of forms that were sent in parts."""
    for pattern in (_ELEMENT, _FORM_PART):
        for match in pattern.finditer(text):
            for hit in by_key(match["key"], match["value"]):
                start = match.start("value")
                yield Hit(hit.kind, start + hit.start, start + hit.end, hit.secret, match["key"], hit.by_value)


def _is_wide(kind: Kind, key: str) -> bool:
    """Whether the value may have spaces: headers, and names, addresses and telephone numbers of persons."""
    return kind in ("auth_header", "session_cookie") or personal_of(key) in ("name", "address", "phone", "birth")


def _extent(text: str, match: re.Match[str], *, wide: bool) -> tuple[int, int]:
    """Where the value behind a key begins and ends: to its quote, its separator, or for headers the end of the row."""
    start, quote = match.end(), match["q"]
    if quote and text[match.start() - 1 : match.start()] == quote and text[match.end("key")] != quote:
        return start, start  # `"password="`: it closes what was opened before the key
    if quote:
        end = text.find(quote, start)
        while end > 0 and len(quote) == 1 and text[end - 1] == "\\" and text[end - 2] != "\\":
            end = text.find(quote, end + 1)
        return start, end if end >= 0 else len(text)
    bracketed = _BRACKETED.match(text, start)
    if bracketed:
        return start, bracketed.end()
    if wide and _MANY_PARTS.match(text, start):
        stop = _LINE_END.search(text, start)
        return start, stop.start() if stop else len(text)
    if wide:
        stop = _ROW_END.search(text, start)
        return start, stop.start() if stop else len(text)
    bare = _BARE.match(text, start)
    return start, bare.end() if bare else start


def _headers(text: str, low: str, *, paired: bool) -> Iterator[Hit]:
    """Credentials after a scheme where the header's name is missing; session ids in paths; signatures in queries."""
    for match in _SCHEME.finditer(text) if any(scheme in low for scheme in _LOOSE) else ():
        if match["scheme"].lower() in _LOOSE and _credential(match["scheme"], match["cred"]):
            yield Hit("auth_header", match.start(), match.end(), match["cred"])
    if not paired:
        return
    for match in _SESSION_WORD.finditer(text) if "sessionid=" in low or "phpsessid=" in low else ():
        if _cookie_value(match.group(1)):
            yield Hit("session_cookie", match.start(1), match.end(1), match.group(1))
    yield from _jars(text) if "cookie" in low or "-b" in text else ()
    for match in _JAR.finditer(text) if "sid=" in low or "sessionid=" in low or "sessid=" in low else ():
        if _cookie_value(match.group(1)):
            yield Hit("session_cookie", match.start(1), match.end(1), match.group(1))
    for match in _SIGNATURE.finditer(text) if "sig=" in text or "X-Amz-Signature=" in text else ():
        value = next(part for part in match.groups() if part)
        if (match.group(2) or _AZURE_SAS.search(text)) and not masks.is_masked(value):
            yield Hit("token", match.start(), match.end(), value)


def _jars(text: str) -> Iterator[Hit]:
    """Cookies in a dictionary of cookies, or given to curl."""
    found = [(pairs, _JAR_PAIR) for pairs in _JARRED.finditer(text)]
    found += [(pairs, _COOKIE_PAIR) for pairs in _CURL_JAR.finditer(text)]
    for told in _WITH_COOKIE.finditer(text):
        if is_session_cookie(told["key"]) and _cookie_value(told["value"]):
            yield Hit("session_cookie", told.start("value"), told.end("value"), told["value"], told["key"])
    for pairs, form in found:
        for pair in form.finditer(pairs["pairs"]):
            key, value = pair.groups()
            if is_session_cookie(key) and _cookie_value(value):
                start = pairs.start("pairs") + pair.start(2)
                yield Hit("session_cookie", start, start + len(value), value, key)


def _authorization(value: str) -> Iterator[Hit]:
    """The credential of an Authorization value (RFC 9110 section 11.6.2); schemes without one and masks are none."""
    match = _SCHEME.match(value.strip()) or _SCHEME.match(value)
    if match:
        scheme = match["scheme"].lower()
        if scheme in ("digest", "oauth", "aws4-hmac-sha256", "hawk"):
            proof = _DIGEST.search(value)
            if proof and not any(masks.is_masked(found) for found in _DIGEST.findall(value)):
                yield Hit("auth_header", 0, len(value), value)
        elif _credential(match["scheme"], match["cred"]):
            yield Hit("auth_header", match.start(), match.end(), match["cred"])
        return
    first, _, rest = value.partition(" ")
    if masks.is_token(first) and not first.isalpha():
        yield Hit("auth_header", 0, len(first), first)
    elif re.match(r"^[A-Za-z][A-Za-z\d-]{2,24}$", first) and not masks.is_masked(first) and masks.is_token(rest):
        yield Hit("auth_header", 0, len(value), value)


def _credential(scheme: str, value: str) -> bool:
    value = value.strip(".,:")
    low = scheme.lower()
    if low == "aws4-hmac-sha256":
        return value.lower().startswith("credential=") and not masks.is_masked(value)
    if not re.match(r"^[\w.~+/:%\-]+=*$", value):
        return False
    if masks.is_masked(value) or value.lower() in masks.STATES or value.lower().startswith(_NO_CREDENTIAL):
        return False
    if low == "basic":
        return (
            len(value) >= _SHORTEST
            and bool(re.match(r"^[A-Za-z0-9+/_-]+(?:=|%3D){0,2}$", value))
            and (not value.isalpha() or (len(value) % 4 == 0 and value != value.lower() and not value.istitle()))
        )
    return masks.is_token(value)


def _cookies(key: str, value: str) -> Iterator[Hit]:
    """The session values of a Cookie or Set-Cookie header, or the value itself when the key is the cookie's name."""
    named = squash(key)
    if "cookie" not in named or named in ("sessioncookie", "sesscookie", "authcookie"):
        pairs = list(_COOKIE_PAIR.finditer(value)) if "=" in value[:-2] else []
        own = _FIRST.split(value, maxsplit=1)[0]
        if named in ("sessionid", "sessid") and (len(own) < _SHORTEST_SESSION or _UUID.fullmatch(own)):
            return
        if (_cookie_value(own) and "cookie" not in named) or (not pairs and _cookie_value(own)):
            yield Hit("session_cookie", 0, len(own), own)
        if not pairs:
            return
    for pair in _COOKIE_PAIR.finditer(value):
        if is_session_cookie(pair.group(1)) and _cookie_value(pair.group(2)):
            yield Hit("session_cookie", pair.start(2), pair.end(2), pair.group(2))


def _cookie_value(value: str) -> bool:
    return (
        len(value) >= _SHORTEST
        and not masks.is_masked(value)
        and value.lower() not in masks.STATES
        and " " not in value
        and (not value.isalpha() or masks.mixed(value))
    )


def _card(value: str) -> Iterator[Hit]:
    digits = re.sub(r"[ \-.]", "", value)
    if _CARD_DIGITS.fullmatch(digits) and numbers.luhn(digits) and len(set(digits)) > 1:
        yield Hit("card_number", 0, len(value), digits)


JARS = frozenset({"cookies", "cookie", "cookieparams", "setcookies"})
"""Keys of objects that hold cookies, as `squash` gives them."""
_SHAPES = {
    "ssn": re.compile(r"^\d{3}[- ]?\d{2}[- ]?\d{4}$|^\d{3}[- ]\d{3}[- ]\d{3}$"),
    "birth": re.compile(
        r"^(?:19|20)\d\d[-/.]?\d\d[-/.]?\d\d(?:T[\d:.Z+]*)?$|^\d\d?[-/.]\d\d?[-/.](?:\d\d){1,2}$|"
        r"^\d\d? [A-Z][a-z]{2,8} \d{4}$|^[A-Z][a-z]{2,8} \d\d?, \d{4}$"),
    "number": re.compile(r"^(?=(?:[^\d]*\d){4})[A-Z0-9][A-Z0-9 \-./]{4,19}$", re.IGNORECASE),
    "phone": re.compile(r"^(?=(?:\D*\d){7,15}\D*$)[+(]?[\d][\d ().\-/+x]{6,24}$"),
    "name": re.compile(r"^(?=.{2,60}$)[A-Z\xc2-\xdf][^\W\d_\s]*[\w'.\-\x80-\xff]*(?: [\w'.\-\x80-\xff]+){0,4}$"),
    "address": re.compile(r"^(?=.{6,160}$)(?=.*\d)(?=.*[A-Za-z]{3}).* .*$"),
}  # fmt: skip
_NO_ADDRESS = re.compile(r"^[\d.:a-fx\[\]/]+$|\d+\.\d+\.\d+\.\d+|@|^0x|::|^https?:|\w:\d{2,5}$", re.IGNORECASE)


def _personal(key: str, value: str, *, quoted: bool) -> Iterator[Hit]:
    """A fact about a person under a key that names it; the value has to have the form of such a fact."""
    fact = personal_of(key) or ""
    value = value.rstrip(" ,;") if not quoted else value
    plain = value.replace("%20", " ").replace("+", " ") if fact in ("name", "address") else value.replace("%2B", "+")
    if masks.is_masked(plain) or plain.lower() in masks.STATES or set(plain) <= set("0-+ ()."):
        return
    if fact == "iban":
        found = numbers.is_iban(plain)
    else:
        found = bool(_SHAPES[fact].match(plain)) and not (fact == "address" and _NO_ADDRESS.search(plain))
    if found:
        yield Hit("personal_data", 0, len(value), value)


def _spoken(text: str, low: str) -> Iterator[Hit]:
    spoken = "pass" in low or "pwd" in low
    for match in _SPOKEN.finditer(text) if spoken else ():
        pair = _PAIR.match(match["v"])  # `auth_method=password next_key=...`
        if (
            not pair
            and not _CALL.match(match["v"])
            and masks.is_password(match["v"], prose=not match["q"], numeric=False)
        ):
            yield Hit("password", match.start("v"), match.end("v"), match["v"].rstrip("."), "")
    yield from commands.hits(text, low)
    for match in _ENTRY.finditer(text) if "'" in text or '"' in text else ():
        for hit in by_key(match["key"], match["value"]):
            start = match.start("value")
            yield Hit(hit.kind, start + hit.start, start + hit.end, hit.secret, match["key"], hit.by_value)
    for match in _LABEL.finditer(text) if "Label=" in text else ():
        yield from _labelled(text, match)


def _labelled(text: str, label: re.Match[str]) -> Iterator[Hit]:
    """CEF names a custom string by a label of its own: `cs1Label=password cs1=...`."""
    value = re.search(rf"(?<![\w]){label.group(1)}=(.*?)(?= \w+=|\||$)", text)
    if value:
        for hit in by_key(label.group(2).replace(" ", "_"), value.group(1).strip()):
            yield Hit(
                hit.kind, value.start(1) + hit.start, value.start(1) + hit.end, hit.secret, label.group(2), hit.by_value
            )
