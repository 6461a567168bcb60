"""Which values are no secrets: masked, hashed, placeholders, states and ordinary words."""

from __future__ import annotations

import html
import re
from urllib.parse import unquote

_MASK = re.compile(
    r"\*{3,}|•{2,}|\\u2022|\\u25cf|\xe2\x97\x8f|\xe2\x80\xa2|\xe2\x80\xa6|…|\.{3}|#{4,}|x{4,}|X{4,}|\?{3,}|_{5,}|-{5,}$|EXAMPLE(?:KEY)?$"
)
_TWO_STARS = re.compile(r"(?=[^a-z]*[a-z])(?=[^A-Z\d]*[A-Z\d])[^\s*]*\*\*[^\s*]*(?<=.{10})")
"""A password with two stars within: of what is masked so little is left that it has not characters of all kinds."""
_MASK_WORDS = (
    "filtered", "redact", "masked", "hidden", "scrubb", "sanitiz", "sanitis", "omitted", "removed", "censored",
    "obfuscat", "suppress", "withheld", "[secret]", "<secret>", "(secret)", "not shown", "not_shown", "not-shown",
    "truncated]", "placeholder", "no_log_", "anonymized", "anonymised", "protected]", "encrypted]",
)  # fmt: skip
_HASHED = re.compile(
    r"(?i)^(?:hmac|sha\d*|sha-?(?:1|256|384|512)|md5|blake\w*|hash|digest|fp|fingerprint|tok_hash|"
    r"bcrypt|argon2\w*)[-_:]?"
    r"(?:sha\d*)?[:=$]|^\{(?:s?sha|s?md5|crypt|bcrypt|noop|cipher|argon2|pbkdf2|scrypt)|^\$(?:2[abxy]|argon2\w*|[15-7yPHS]|gy|apr1|md5|sha\w*|scrypt|bcrypt[\w-]*|pbkdf2[\w-]*)\$|^pbkdf2[_:]|"
    r"^scram-sha-256\$|^(?:vault:v\d+|enc|encrypted|kms|cipher)[:(\[]|^sha(?:1|256|512)-"
)
_POINTER = re.compile(
    r"(?i)^(?:arn:aws|projects/|vault:|ssm:|secretsmanager:|(?:op|vault|awssm|gcpsm|azkv|sops|bws|doppler|infisical|akv|"
    r"secret|secrets|kms|ref\+[a-z]+)://|env[:.(]|file:|ref:|ref\+|aws-sm:|gcp-sm:|sm://|keyvault:|@microsoft\.keyvault|"
    r"secret/|secret-?_?(?:key-?_?)?ref[:.]|@?/(?:run|etc|var|opt|home|usr|tmp|root|srv)\b|~/|\./|azurekv:|k8s:|https?://|"
    r"(?:settings|config|conf|cfg|self|this|env|process|os|props|properties|request|req|params|options|opts|args|app|ctx|"
    r"secrets|vault|var|local|data|module|system|environment|rails|credentials)[.\[][a-z_]\w*(?:[.(\[].*)?$)"
)
_PLACEHOLDER = re.compile(
    r"^[A-Za-z_][\w.]*\($|^Optional\.empty|^(?:os\.(?:environ|getenv)|process\.env|System\.getenv|ENV\[|getenv\(|%!\w\()|"
    r"^(?:<.*>|\[.*\]|\(.*\)|\{.*\}|\$(?:\d{1,3}|[A-Z_][A-Z0-9_]*(?:[/:.\-].*)?|[a-z_]+(?:[A-Z][a-z]+)*\d?|env:.*|[({:.!@].*)|#\{.*|%[sdvqr](?:\W.*)?|%\(.*|\[?%\{.*|%\w+%|%%\w+%%|__[A-Z][A-Z0-9_]*__|@[A-Z][A-Z0-9_]+@|<%.*%>|"
    r":[a-z_]+\d?|:[A-Z][A-Za-z]+|@[a-z_]{1,20}\d{0,2}|@[A-Z][A-Za-z]{1,20}|\?+|[-*•.x#_]+|\W{1,3}|.)$|"
    r"^\$\{|\{\{|^<[a-zA-Z _-]+>?$|"
    # What a command of PowerShell gives, not what it is: `$pw = ConvertTo-SecureString ...`.
    r"^(?:Get|New|Read|Convert(?:To|From)|Import|Invoke)-[A-Z][A-Za-z]+$|"
    r"^(?i:WPA[23]?(?:-(?:PSK|EAP|SAE|Personal|Enterprise))?)$|"
    r"^(?i:(?:not|never|none|nothing)[-_ +](?:yet[-_ ])?(?:set|given|provided|specified|supplied|configured|defined|"
    r"available|present|found|shown|stored|logged|loaded|needed|required|used|applicable))$|"
    # Texts of samples that were never filled in: `YOUR_PASSWORD`, `your-api-key-here`, `INSERT_TOKEN_HERE`.
    r"^(?i:(?:your|insert|enter|replace|put|paste|provide|add|fill)[-_ ]?(?:[a-z]+[-_ ]?){0,4}?"
    r"(?:password|passwd|pwd|passphrase|pass|secret|token|key|credentials?|value|cookie|here|this|me|with|in)[.!]*)$|"
    r"^(?i:(?:[a-z]+[-_ ])+(?:goes[-_ ])?here)$",
    re.DOTALL,
)
_HEX_HASH = re.compile(
    r"^(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{128}|[0-9A-F]{32}|[0-9A-F]{40}|[0-9A-F]{64})$"
)
_WORDS_OF_A_PHRASE = 4
_SHORTEST_PASSWORD, _LONGEST_PASSWORD, _MANY_WORDS, _SHORTEST_TOKEN, _MIXED_FROM = 3, 200, 6, 8, 16
_STATE_WORDS = """
    null none nil true false undefined empty missing invalid required changed expired present yes no unset
    unknown incorrect wrong ok set not must cannot is was for reset failed failure success n/a na blank string
    str secret password token key value bearer basic digest accepted rejected denied error valid updated update
    refreshed revoked created issued generated rotated disabled enabled optional default on off and or the a an
    in to of with from has have will should does did do can mismatch mismatched matches match too request
    requests grant plain plaintext bool boolean int integer object array text varchar char jwt opaque oauth
    oauth2 saml hidden private public internal external authentication authorization auth login verification
    validation prompt input field check policy header cookie session provided supplied found absent exceeded
    expires expiring used reused unauthorized forbidden lookup verified bcrypt argon2 argon2id scrypt pbkdf2
    sha256 hs256 rs256 access refresh id short weak strong long pending sent ready done active inactive rotate
    rotation store manager vault env file kubernetes configured undefined. undefined, nan never always any all
    on_create chauthtok granted allowed permitted
"""
STATES = frozenset(_STATE_WORDS.split())
"""Values that tell of a state rather than of a secret."""


def is_masked(value: str) -> bool:
    """Whether the value shows a mask, a keyed or plain hash, a reference to a store or a placeholder."""
    plain = _meant(value)
    return bool(
        not plain
        or ("%" in value and (_PLACEHOLDER.match(value) or _PLACEHOLDER.match(value.replace("%25", "%"))))
        or _PLACEHOLDER.match(plain)
        or _MASK.search(plain)
        or ("**" in plain and not _TWO_STARS.fullmatch(plain))
        or _says_mask(plain.lower())
        or _HASHED.match(plain)
        or len(set(plain)) == 1
    )


def _meant(value: str) -> str:
    """The value without quotes, percent-encoding (twice, too) and entities, as masks and references are written."""
    plain = value
    for _ in range(2):
        if "%" in plain:
            plain = unquote(plain)
    if "&" in plain:
        plain = html.unescape(plain)
    return plain.strip().strip("'\"")


def _says_mask(low: str) -> bool:
    for word in _MASK_WORDS:  # noqa: SIM110  asked of every value; one pattern for all takes ten times as long
        if word in low:
            return True
    return False


def is_password(value: str, *, prose: bool, numeric: bool) -> bool:
    """Whether a value under a password's name is one; in prose it has to look unlike a word."""
    value = value.strip()
    if (
        is_masked(value)
        or _POINTER.match(_meant(value))
        or value.lower().strip(".,:;!=>") in STATES
        or (" " in value and _COMPLAINT.match(value))
        or len(value) < _SHORTEST_PASSWORD
    ):
        return False
    if _HEX_HASH.match(value) or _STAMP.match(value) or (not numeric and _COUNT.match(value)):
        return False
    if len(value) > _LONGEST_PASSWORD or (" " in value and (prose or value.count(" ") > _MANY_WORDS)):
        return False
    return not prose or (value[0] != "(" and _unlike_a_word(value))


def _unlike_a_word(value: str) -> bool:
    core = value.strip(".,:;()")
    words = core.split("-")
    if len(words) >= _WORDS_OF_A_PHRASE and all(word.isalpha() and word.lower() not in STATES for word in words):
        return True
    return (
        any(c.isdigit() for c in core)
        or any(c in "!@#$%^&*+=~?" for c in core)
        or not (core.islower() or core.isupper() or core.istitle())
    )


def is_strong(value: str) -> bool:
    """Whether a value looks like a password by itself, of three kinds of characters and no name of a thing."""
    if not is_password(value, prose=True, numeric=False) or len(value) < _SHORTEST_STRONG or _NAMED.fullmatch(value):
        return False
    return sum(bool(kind.search(value)) for kind in _CHARACTERS) >= _KINDS and any(char.isalpha() for char in value)


_SHORTEST_STRONG, _KINDS = 6, 3
_CHARACTERS = tuple(re.compile(kind) for kind in (r"[a-z]", r"[A-Z]", r"\d", r"[^\w\s]|_"))
_NAMED = re.compile(
    r"(?i:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})|v?\d+(?:\.\d+)+[\w.\-]*|[\w.\-]+[=:].*|\d{4}-\d\d-\d\d.*|"
    r"[\w\-]+(?:\.[a-z][a-z\d_\-]*)+|[a-z]+(?:[._\-]?[a-z]+){0,2}[._\-]?\d{0,4}"
)
"""Ids, versions, pairs, instants, names of files and hosts, and words with a number: `orders-db-01`."""


def is_token(value: str) -> bool:
    """Whether a value under the name of a key or token is one: eight or more characters, no word, date or number."""
    value = value.strip()
    if len(value) < _SHORTEST_TOKEN or is_masked(value) or value.lower() in STATES or _POINTER.match(_meant(value)):
        return False
    if re.search(r"\s", value) or value.isdigit() or _NUMBER.match(value) or _DATED.match(value):
        return False
    if _TEST_WORDS.match(value) or _OBJECT.match(value) or _SHOWN.match(value):
        return False
    return any(c.isdigit() for c in value) or mixed(value)


# What a validation says of a field: `{"errors": {"password": ["is too short"]}}`.
_COMPLAINT = re.compile(
    r"(?i)(?:(?:the |your |this |new |current |old )?(?:password|passphrase|field|value|input)s? (?:\w+ )?)?"
    r"(?:is|are|was|were|has|have|had|must|should|may|might|can|could|cannot|can'?t|can\u2019t|can\xe2\x80\x99t|does|doesn'?t|did|"
    r"didn'?t|don'?t|needs?|requires?|contains?|too|at least|at most|minimum|maximum|invalid|incorrect|"
    r"wrong|missing|please|expected|ensure|make sure|confirmation) "
)
_COUNT = re.compile(r"^[\d/.,:%]+$")
_NUMBER = re.compile(r"^[-+]?[\d.,]+(?:ms|s|m|h|%|k|kb|mb)?$", re.IGNORECASE)
_STAMP = re.compile(r"^\d{4}-\d\d-\d\d(?:$|[T ]\d\d:\d\d)")
_DATED = re.compile(r"^\d{4}-\d\d-\d\d(?:$|T)")
_TEST_WORDS = re.compile(
    r"^(?:[a-z]+[_-])*[a-z]+[0-9]{0,2}$|^(?:[A-Z]+[_-])*[A-Z]+$|^(?:[a-z]+[./:])+[a-z]+$|"
    r"^[A-Z][a-z]+(?:[A-Z][a-z]+)+$|^v?\d+(?:\.\d+)+$"
)


# Ids of things at a payment provider: they stand for a card or a customer and open nothing by themselves, and the
# publishable key is made to be seen.
_OBJECT = re.compile(
    r"^(?:tok|pay|pm|src|card|cus|pi|seti|ch|py|ba|sub|in|evt|acct|prod|price|txn|re|dp|po|tr|btok)_[A-Za-z0-9]{8,40}$|^pk_(?:live|test)_\w+$"
)


_SHOWN = re.compile(
    r"^(?:[A-Za-z_$][\w$]*\.)*[A-Z][\w$]*(?:\{|@[0-9a-f]{4,16}$)|^(?:com|org|net|io|de)\.[a-z]\w*\.[\w.\-]+(?:[/:@]\S*)?$"
)
"""An object as Java shows it, `Token{78af589`, `BinderProxy@2bd79ce`, and a name that begins with a domain."""


def mixed(value: str) -> bool:
    """Long, of small and capital letters: no word of a sentence, even without a digit."""
    return len(value) >= _MIXED_FROM and value != value.lower() and value != value.upper()
