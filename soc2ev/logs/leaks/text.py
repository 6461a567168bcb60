"""Secrets in running text: after a key, in a header or cookie, on a command line, in SQL, or by their own form."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from soc2ev.logs.leaks import (
    argued,
    calls,
    commands,
    connections,
    cookies,
    filled,
    links,
    markup,
    masks,
    national,
    networks,
    numbers,
    pairs,
    persons,
    said,
    tags,
    values,
)
from soc2ev.logs.leaks.extents import extent, is_prose
from soc2ev.logs.leaks.keys import is_pin, is_session_cookie, kind_of, names_login, personal_of, squash
from soc2ev.logs.leaks.kinds import Hit, Kind

# What follows a key begins like no part of one, so that nothing is gained by giving characters back.
_KEYED = re.compile(
    r"(?<![\w.\-])(?P<key>[A-Za-z_\-][\w.\-\xb1]{1,60}+(?:(?:\[|%5B)[\w.\-]{1,40}+(?:\]|%5D))*+)(?:\\*[\"'`])?\]?\)?"
    r"(?P<sep>\s{0,48}(?:=>|:=|::(?= )|==|[:=]|%3D|%3A)(?:[ \t]{4,24}+|\s{0,3}+)"
    r"(?:(?:Some|Just|Ok|Optional|SecretStr|Secret|"
    r"[Ss]tring|str|bytes)?(?:\(\d{1,4}\) |[(\[](?!.?\()|<<|[NEb](?=[\"']))(?=[\"']))?|\\\":\s?)(?P<q>\\*[\"'`])?",
    re.IGNORECASE,
)
_SCHEME = re.compile(
    r"(?i)(?<![\w])(?P<scheme>bearer|basic|token|digest|negotiate|ntlm|apikey|api-key|"
    r"aws4-hmac-sha256|oauth|hawk|ssws|geniekey|"
    r"sharedkey|sharedaccesssignature|splunk|key|bot|zoho-oauthtoken|dpop|gnap)(?:\s+|%20|"
    r"\+)(?:token=\"?)?(?P<cred>(?:\d{1,9}\|)?[^\s\"'`<>\\,;)\]}|]+)"
)
_SASL = re.compile(r"\bAUTH(?:ENTICATE)? (?:PLAIN|LOGIN) (?P<cred>[A-Za-z0-9+/]{8,400}={0,2})(?![A-Za-z0-9+/])")
"""SMTP and IMAP give name and password in base64: RFC 4954 section 4, RFC 4616."""
_SASL_OF_DOVECOT = re.compile(r"\bAUTH(?:\t|\\t)\d.{0,200}?(?:\t|\\t)resp=(?P<cred>[A-Za-z0-9+/]{8,4000}={0,2})")
_JOINED = re.compile(r"[A-Za-z][a-z]+(?:[\-/_][A-Za-z]?[a-z]+)+")
"""Words with hyphens: `Basic security-oriented protocols`."""
_NO_CREDENTIAL = ("realm", "error", "scope", "http/")
_LOOSE = frozenset({"bearer", "basic", "aws4-hmac-sha256", "negotiate", "ssws", "geniekey", "zoho-oauthtoken"})
_FILLED = re.compile(r"[\"'][^\s\"',;:)}\]]")
_CHANGED = re.compile(r"\\*\"\s?[-=]>\s?\\*\"(?P<to>[^\"\\\n]{3,200})")
"""What Terraform and its like print of a change: `password = "old" -> "new"`."""
_CHANGING = ("password", "token", "api_key", "private_key")
_DIGEST = re.compile(r"(?i)\b(?:response|credential|signature|oauth_signature|sig|mac)\s?=\s?\"?([\w+/=%\-./]{8,})")
_PUBLIC = re.compile(r"(?:ssh|ecdsa|sk)-[\w@.\-]+(?: |%20|\+)")
_CARD_DIGITS = re.compile(r"\d{12,19}")
_SHORTEST_NUMBER, _SHORTEST_KEY, _SHORTEST = 4, 32, 8
_SPOKEN = re.compile(
    r"(?i)(?<![\w\-/=.#+])(?:(?P<given>temporary |temp |initial |default |generated |new )|admin |root |user |the |"
    r"with )?(?:password|passphrase|passcode|passwd|pwd)"
    r"(?: (?:for|of) (?:[\w.@+\-]{1,40} ){0,3}[^\s|:]{1,40}"
    r"(?= (?:is|was|to|set|changed|reset|updated)[ :]|(?(given):|(?!))))?"
    r"(?: (?:is|was|to|from|set to|"
    r"(?:changed|reset|updated|rotated) (?:to|from)|as):?|(?(given):?|))\s{1,2}(?P<q>[\"'`])?(?P<v>[^\s\"'`,;)|]{3,64})"
)
_SPOKEN_OF = re.compile(r"(?:pass(?:word|phrase|code|wd)|pwd):?\s")
"""What every sentence of a password has, in small letters; it is asked first, being much cheaper."""
_TO = re.compile(r"[\"'`] to [\"'`](?P<to>[^\s\"'`]{3,64})[\"'`]")
_BARE_TO = re.compile(r" to (?P<to>[^\s\"'`,;)]{6,64})")
"""The second one of `changed password from 'a' to 'b'`."""
_CALL = re.compile(r"[A-Za-z_]\w*\(")
"""A type of a column, or a function: `password varchar(255)`."""
_NO_SPOKEN = re.compile(
    r"[A-Za-z][A-Za-z_.\-]*=(?:[\w\[{(]|$)|[A-Za-z]\w*[_.\-][\w.\-]*:$|--|[})\]]|HTTP/\d|\{[\w.\-]{0,40}(?:[=:}]|$)"
)
_DIGEST_BEFORE = re.compile(r"[A-Za-z0-9+/]{20}")
_LABEL = re.compile(r"\b((?:cs|cn|deviceCustomString|flexString)\d)Label=([\w .\-]{2,40}?)(?= \w+=|\||$)")
_ENTRY = re.compile(
    r"""[(\[]\s?b?["'](?P<key>[A-Za-z][\w\-]{2,60})["'],\s{0,2}b?["'](?P<value>[^"'\n]{3,4000})["']\s?[)\]]"""
)
_NOTHING = re.compile(r"[a-z][A-Za-z_.\-]*=(?:[\w{\[(\"']|$)|[a-z]+(?:[A-Z_.\-][a-z]+)+:$|HTTP/\d")
_ROUTING = re.compile(r"[0-9A-Za-z]{32}")
# What every form of `connections` has.
_SERVICES = ("@tcp(", "@unix(", "%3a%2f%2f", "jdbc:", "password", "pwd", "accountkey", "accesskey")
_USER_OF = re.compile(r"://[^\s\"'<>]*@")


def hits(text: str, key: str = "") -> Iterator[Hit]:
    """
    Everything that stands open in a text; overlapping hits are the caller's to settle.

    `key` is the name under which the text stood, if any; it helps to tell cards from order numbers.
    """
    # What each search needs at the least is asked first: most texts have nothing of it.
    low = text.lower()
    if is_simple(text):
        yield from values.vendors(text)
        yield from numbers.cards(text, key)
        yield from numbers.people(text, low)
        if "/" in text:
            yield from links.of_path(text)
        return
    paired = "=" in text or ":" in text or "%3" in text
    yield from values.vendors(text)
    if "BEGIN" in text or "Private-Lines" in text:
        yield from values.pem(text)
    if "kty" in text:
        yield from values.jwk(text)
    if paired:
        yield from connections.hits(text)
        yield from _keyed(text)
    yield from _headers(text, low, paired=paired)
    if "/" in text or "=" in text:
        yield from links.hits(text)
    if '"' in text or "x22" in text:
        yield from filled.hits(text, low)
    if markup.has_names(text):
        for one in markup.named(text):
            yield from _placed(by_key(one.key, one.value), one.start, one.key)
    yield from _spoken(text, low)
    if "@" in text or "%40" in text:
        yield from values.emails(text)
    yield from numbers.cards(text, key)
    yield from numbers.people(text, low)
    yield from national.hits(text, low)


def is_simple(text: str) -> bool:
    """Whether a text has nothing but letters, digits and `._~/-`: no pair, quote, blank or code."""
    return _SIMPLE.fullmatch(text) is not None


_SIMPLE = re.compile(r"[\w.~/\-]*")


def marked(text: str) -> Iterator[Hit]:
    """Of all that, what an `@` gives away: addresses of persons, and of services with a password."""
    low = text.lower()
    if _is_of_service(low) or ("://" in text and _USER_OF.search(text)):
        yield from connections.hits(text)
    yield from values.emails(text)


def _is_of_service(low: str) -> bool:
    for sign in _SERVICES:  # noqa: SIM110  asked of every line, and any() takes three times as long
        if sign in low:
            return True
    return False


def by_key(key: str, value: str, *, quoted: bool = True, prose: bool = False, within: str = "") -> Iterator[Hit]:
    """What a value holds because of the key that it stands under; `within` is the key above, such as `cookies`."""
    if value[:1] in _QUOTES and value[-1:] == value[:1] and len(value) > _SHORTEST_QUOTED:
        # How Python shows a text: `"vars": {"password": "'hunter2'"}`.
        bare = value.lstrip("'\"")
        for hit in by_key(key, bare.rstrip("'\""), prose=prose, within=within):
            yield hit.at(len(value) - len(bare), hit.path)
        return
    kind = kind_of(key)
    if squash(within) in cookies.JARS and is_session_cookie(key) and cookies.is_value(value):
        yield Hit("session_cookie", 0, len(value), value)
    elif kind == "session_cookie":
        yield from cookies.of_header(key, value)
    elif kind == "auth_header":
        yield from _authorization(value)
    elif kind == "personal_data":
        yield from persons.of_key(key, value, quoted=quoted)
    elif kind == "card_number":
        yield from _card(value)
    elif kind and names_login(key):
        yield from pairs.of_value(value)
    elif kind and _open(kind, key, value, quoted=quoted, prose=prose):
        yield Hit(kind, 0, len(value), value)


_QUOTES, _SHORTEST_QUOTED = ("'", '"'), 4
_PIN, _PIN_CODE = re.compile(r"\d{4,8}"), re.compile(r"\d{4}")
"""The digits of a PIN (ISO 9564-1: 4 to 12, what is issued has 4 to 8); chips' have fewer, codes of places six."""


def _open(kind: Kind, key: str, value: str, *, quoted: bool, prose: bool) -> bool:
    if value[:1] in "{[" and value[-1:] in "}]":
        return False
    if is_pin(key):
        form = _PIN_CODE if squash(key).endswith("code") else _PIN
        return bool(form.fullmatch(value)) and not masks.is_masked(value)
    if kind == "password":
        if value[:1] == "/" and squash(key) in ("pwd", "oldpwd"):
            return False  # the working directory
        strong = squash(key) not in ("pass", "pw", "pwd") or quoted
        return masks.is_password(value, prose=prose, numeric=strong and len(value) >= _SHORTEST_NUMBER)
    if squash(key).endswith("routingkey"):
        return bool(_ROUTING.fullmatch(value))  # PagerDuty's: those of queues are names
    if kind == "private_key":
        return len(value) >= _SHORTEST_KEY and masks.is_token(value) and not _PUBLIC.match(value)
    return masks.is_token(value)


_MANY_KEYED = 100
"""So many values of one text are looked for in whatever was found before; that takes the square of its length."""


def _keyed(text: str) -> Iterator[Hit]:
    count = reached = 0
    for match in _KEYED.finditer(text):
        if count > _MANY_KEYED and match.start() < reached:
            continue
        key = match["key"]
        if "%" in key:
            key = key.replace("%5B", "[").replace("%5D", "]").replace("%5b", "[").replace("%5d", "]")
        kind = kind_of(key)
        if kind is None and key[0] in "nrt" and text[match.start() - 1 : match.start()] == "\\":
            key = key[1:]  # `\nCookie:` of a request that was written in one line
            kind = kind_of(key)
        if kind is None or tags.names_otherwise(text, match):
            continue
        if _is_searched(text, match) or _ends_digest(text, match.start()):
            continue
        start, end = extent(text, match, wide=_is_wide(kind, key))
        count, reached = count + 1, max(reached, end)
        if _is_none(kind, match) and (_NOTHING.match(text, start, end) or _is_next_field(text, match)):
            continue  # `password= user=kim`, `?password= HTTP/1.1`: nothing stands behind the key
        if match["q"] == "`" and " " in text[start:end]:
            continue  # what a command gives, not what it is
        prose = is_prose(text, match, end)
        found = list(by_key(key, text[start:end], quoted=bool(match["q"]), prose=prose))
        if not found and kind == "personal_data" and not match["q"]:
            start, end = extent(text, match, wide=False)
            found = list(by_key(key, text[start:end], prose=prose))
        yield from _placed(found, start, key)
        if match["q"] and kind in _CHANGING and (changed := _CHANGED.match(text, end)):
            yield from _placed(by_key(key, changed["to"]), changed.start("to"), key)


def _is_none(kind: Kind, match: re.Match[str]) -> bool:
    """Whether a pair that follows would be another one: what is open after a blank, but in headers it is the value."""
    spaced = match["sep"] == "= " if kind in ("session_cookie", "auth_header") else match["sep"][-1:] == " "
    return spaced and not match["q"]


def _is_next_field(text: str, match: re.Match[str]) -> bool:
    """Whether a structure of Go's follows, in which this field is empty: `{Password: Username:ann}`."""
    if match["sep"] != ": " or not _FIELD.match(text, match.end()):
        return False
    return _FIELD_BEFORE.search(text, max(0, match.start() - _FAR), match.start()) is not None


_FIELD = re.compile(r"[A-Za-z_]\w*:[^\s/]")
_FIELD_BEFORE = re.compile(r"(?:[{\[]|[{\[ ][A-Za-z_]\w*:\S* )$")
_FAR = 300


def _ends_digest(text: str, place: int) -> bool:
    """Whether it is the end of a digest in base64: `sha512-...Bu/pw==`."""
    return text[place - 1 : place] in "/+" and _DIGEST_BEFORE.match(text, max(0, place - 20), place) is not None


def _is_searched(text: str, match: re.Match[str]) -> bool:
    """Whether it is part of a sentence that somebody searched for, `?q=token%3A+expired`: `wrapped` decodes it."""
    if match["q"] or match["sep"][-1:] == " " or not text.startswith(("%20", "+"), match.end()):
        return False
    before = text[max(0, match.start() - _LONGEST_SEARCH) : match.start()]
    start = max(before.rfind("?"), before.rfind("&"), before.rfind(" "), before.rfind("\t"))
    return start >= 0 and _SEARCHED.match(before, start) is not None


_LONGEST_SEARCH = 400
_SEARCHED = re.compile(r"[?&\s][\w.\-\[\]%]{1,60}=[^&\s\"'<>]*$")


def _placed(found: Iterable[Hit], start: int, key: str) -> Iterator[Hit]:
    for hit in found:
        yield Hit(hit.kind, start + hit.start, start + hit.end, hit.secret, key, hit.by_value)


def _is_wide(kind: Kind, key: str) -> bool:
    """Whether the value may have spaces: headers, and names, addresses and telephone numbers of persons."""
    return kind in ("auth_header", "session_cookie") or personal_of(key) in ("name", "address", "phone", "birth")


def _headers(text: str, low: str, *, paired: bool) -> Iterator[Hit]:
    """Credentials after a scheme where the header's name is missing; session ids in paths; signatures in queries."""
    for match in _SCHEME.finditer(text) if any(scheme in low for scheme in _LOOSE) else ():
        cred = match["cred"]
        if text[match.start("cred") - 1] == "+":
            cred = cred.partition("+")[0]  # a plus sign of its own would be encoded
        elif "%20" in cred:
            cred = cred.partition("%20")[0]
        if text[match.start() - 1 : match.start()] == ":" and _FIELD.match(cred):
            continue  # `{TokenType:Bearer ExpiresIn:3600}`
        if cred.endswith("=") and _FILLED.match(text, match.end()):
            continue  # `token_type=Bearer reset_token="x"`
        if match["scheme"].lower() in _LOOSE and _credential(match["scheme"], cred):
            yield Hit("auth_header", match.start(), match.start("cred") + len(cred), cred)
    for match in said.headers(text, low):
        yield from _placed(_authorization(match["v"]), match.start("v"), "")
    for match in _SASL.finditer(text) if "AUTH " in text else ():
        yield Hit("auth_header", match.start(), match.end(), match["cred"])
    if not paired:
        return
    yield from cookies.hits(text, low)


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
    elif first.lower() in masks.STATES or rest[:1] in ("{", "[", "("):
        return  # `Authorization: none {order=7}`
    elif re.match(r"^[A-Za-z][A-Za-z\d-]{2,24}$", first) and not masks.is_masked(first) and masks.is_token(rest):
        yield Hit("auth_header", 0, len(value), value)


def _credential(scheme: str, value: str) -> bool:
    value = value.strip(".,:")
    low = scheme.lower()
    if low == "aws4-hmac-sha256":
        return value.lower().startswith("credential=") and not masks.is_masked(value)
    if not re.match(r"^(?:\d{1,9}\|)?[\w.~+/:%\-]+=*$", value):
        return False
    if masks.is_masked(value) or value.lower() in masks.STATES or value.lower().startswith(_NO_CREDENTIAL):
        return False
    if low == "basic":
        return (
            len(value) >= _SHORTEST
            and bool(re.match(r"^[A-Za-z0-9+/_-]+(?:=|%3D){0,2}$", value))
            and (not value.isalpha() or (len(value) % 4 == 0 and value != value.lower() and not value.istitle()))
            and not _JOINED.fullmatch(value)
        )
    return masks.is_token(value)


def _card(value: str) -> Iterator[Hit]:
    digits = re.sub(r"[ \-.]", "", value)
    if _CARD_DIGITS.fullmatch(digits) and numbers.luhn(digits) and len(set(digits)) > 1:
        yield Hit("card_number", 0, len(value), digits)


def _spoken(text: str, low: str) -> Iterator[Hit]:
    spoken = ("pass" in low or "pwd" in low) and _SPOKEN_OF.search(low)
    for match in _SPOKEN.finditer(text) if spoken else ():
        value = match["v"].partition("</")[0]
        pair = (
            not match["q"]
            and (
                _NO_SPOKEN.match(match["v"])  # `auth_method=password next_key=...`
                or (text[match.start() - 1 : match.start()] == ":" and _FIELD.match(match["v"]))
            )
        )
        if not pair and not _CALL.match(match["v"]) and masks.is_password(value, prose=not match["q"], numeric=False):
            yield Hit("password", match.start("v"), match.start("v") + len(value), value.rstrip("."), "")
            changed = (_TO if match["q"] else _BARE_TO).match(text, match.end())
            if changed and (match["q"] or masks.is_strong(changed["to"])):
                yield Hit("password", changed.start("to"), changed.end("to"), changed["to"])
    yield from commands.hits(text, low)
    yield from argued.hits(text)
    yield from calls.hits(text, low)
    yield from networks.hits(text)
    yield from said.hits(text, low)
    yield from pairs.hits(text, low)
    for name, start, value in (*commands.arguments(text), *said.facts(text, low)):
        yield from _placed(by_key(name, value), start, name)
    for match in _ENTRY.finditer(text) if "'" in text or '"' in text else ():
        yield from _placed(by_key(match["key"], match["value"]), match.start("value"), match["key"])
    for match in _LABEL.finditer(text) if "Label=" in text else ():
        yield from _labelled(text, match)
    for match in _SASL_OF_DOVECOT.finditer(text) if "resp=" in text else ():
        yield Hit("auth_header", match.start("cred"), match.end("cred"), match["cred"])


def _labelled(text: str, label: re.Match[str]) -> Iterator[Hit]:
    """CEF names a custom string by a label of its own: `cs1Label=password cs1=...`."""
    value = re.search(rf"(?<![\w]){label.group(1)}=(.*?)(?= \w+=|\||$)", text)
    if value:
        found = by_key(label.group(2).replace(" ", "_"), value.group(1).strip())
        yield from _placed(found, value.start(1), label.group(2))
