"""
Which names of fields, parameters and headers promise a secret.

A name is squashed to its letters (`X-Api-Key`, `apiKey` and `api_key` are `apikey`), so that the same question can be
asked of the words of a whole block of text and of one key. The end of a name decides: `password` is one,
`password_reset_requested` and `token_type` are not.
"""

from __future__ import annotations

import re
from functools import lru_cache

from soc2ev.logs.leaks.kinds import Kind

_LONGEST_NAME = 80
WORD = re.compile(r"[a-z_-]+")
_NOT_LETTERS = re.compile(r"[^a-z]+")
_BRACKETED = re.compile(r".*\[([\w.\-]+)\]$")

_HARMLESS_END = re.compile(
    r"(?:requested|reset|changed?|changes|length|len|counts?|types?|expires?|expir(?:y|ation|ed|esin|esat|edat)|exp|"
    r"age|policy|ur[li]|path|ttl|valid|enabled|disabled|required|ids?|names?|hash|hashed|algorithm|"
    r"alg|used|usage|limit|"
    r"version|status|strength|hint|method|field|header|present|provided|supplied|masked|redacted|"
    r"fingerprint|kid|prefix|"
    r"lastfour|last|endpoint|issued(?:at)?|source|provider|scheme|scopes?|rotation|rotated(?:at)?|"
    r"manager|store|ref|arn|"
    r"file(?:name)?|dir|created(?:at)?|updated(?:at)?|digest|encryption|attempts?|score|verified|domain|days|seconds|"
    r"ms|bytes|size|index|checksum|sha|state|result|error|failed|failures?|success|refreshed|revoked(?:at)?|label|"
    r"service|server|bucket|budget|consumed|remaining|generated|total|in|at|by|mode|format|kind|matches|brand|network|validators?|hashers?|encoders?|patterns?|regex|templates?|rules?|"
    r"metadata|settings|config|options|validation|check|event|action|reason|(?<!pass)codes?|lifetime|duration|window|title|"
    r"notification|confirmed|timeouts?|periods?|intervals?|delay|retry|retries|authenticator|match|is|set|cost|rate|per)$"
)
_HARMLESS_START = re.compile(
    r"^checksum|^(?:is|has|have|num|number|total|max|min|remaining|prompt|completion|cached|input|output|"
    r"reasoning|csrf|xcsrf|xsrf|"
    r"xxsrf|authenticity|next|nextpage|page|continuation|sync|nextsync|delta|cursor|idempotency|clientrequest|client|"
    r"cancellation|paging|pagination|start|upload|stop|eos|bos|pad|unk|requestverification|antiforgery|expired|invalid|"
    r"missing|resume|public|previous|prevpage|needs?|require|new(?=tokens))(?=[a-z]*tokens?$)"
)

_AUTH = re.compile(r"^xauth$|(?:authorization|authheader|authorizationheader|wwwauthorization|authorisation)s?$")
_COOKIE = re.compile(
    r"(?:^|http|request|response|header|req|res|raw|client|cs|sc|session|auth|x|h|hdr|set)cookies?(?:header)?$"
)
_SESSION_NAME = re.compile(
    r"^(?:jsessionid|phpsessid|connectsid|aspnetsessionid|aspsessionid[a-z]*|laravelsession|cfid|cftoken|sessioncookie|"
    r"sesscookie|beakersessionid|aspnetcore(?:cookies|session)|aspxauth|symfony|cakephp|cisession|koasess|playsession|"
    r"nextauthsessiontoken|securenextauthsessiontoken|hostnextauthsessiontoken|railssession|djangosession|netsessionid|authsession|usersession|ssid|"
    r"wordpressloggedin[a-z]*|remember(?:user|admin)token)$"
)
# Django's cookie and PHP's own short name; `session_id` and `sessionId` name identifiers as well.
_WRITTEN_SESSION = frozenset({"sessionid", "SESSIONID", "sessid", "SESSID"})
_SESSION_ID = re.compile(r"^x?(?:user|login|http|web|auth|app|php)?session(?:id|key)$")
_FRAMEWORKS = {"cakephp": "CAKEPHP", "symfony": "symfony"}
"""Cookies that are named like the framework itself: in another spelling it is the framework."""
_OF_ENVIRONMENT = re.compile(r"[A-Z][A-Z0-9_]{1,60}_PASS")
"""A variable that ends so in capitals, `NEXUS_PASS`; in small letters it may be a pass of anything, `render_pass`."""
_RAILS_SESSION = re.compile(r"^_[\w-]*session$")
_PASSWORD = re.compile(
    r"password|passwd|passphrase|requirepass$|masterauth$|primaryauth$|passwort|kennwort|contrase(?:n|ny|uf)?a?$|motdepasse|passcode|"
    r"^(?:senha|mdp|psk|wpapsk|pwd|pass|pw|"
    r"passw|psw|wachtwoord)$|"
    r"(?:user|db|old|new|admin|root|mysql|login|sa)pwd$|"
    r"^(?:db|user|smtp|ftp|admin|root|login|redis|mysql|ldap|mail|api|my|auth|http|proxy|pg|rabbitmq|basicauth|dbuser|"
    r"store|key|keystore|truststore|srcstore|deststore|"
    r"postgres|sftp|imap|vpn|wifi)pass$|(?:become|default|sudo|bind|broker|service|registry|proxy|client|wallet|ssh|winrm|enable|ipmi|bmc|mqtt)pass$"
)
_PIN = re.compile(r"(?:^|user|card|atm|debit|login|customer|old|new|confirm)pin(?:code)?$")
_LOGIN = re.compile(r"^(?:basic|http|proxy|db|smtp|ftp|registry|user)?auth$|authuserinfo$")
_PRIVATE = re.compile(r"(?:private|priv|rsa|ssh|deploy|hostprivate)key(?:pem)?$|^(?:privatepem|sshidentity)$")
_API_KEY = re.compile(
    r"(?:api|secret|access|secretaccess|signing|encryption|decryption|master|subscription|account|sharedaccess|app|"
    r"application|auth|functions|function|hmac|shared|service|server|consumer|integration|storage|"
    r"write|ingest|sendgrid|"
    r"stripe|openai|anthropic|twilio|datadog|mailgun|license|admin|merchant|webhook|dd|"
    r"algolia|maps|aes|root|"
    r"azure|aws|gcp|google|newrelic|pagerduty|cron|tran|transaction|fernet|firebase|fcm|hook|smtp|mail|sms|payment|gateway|routing|client|security|live|test|bot|vendor|partner|credential)keys?$|"
    r"secret$|secrets$|secretstring$|secretkeybase$|clientsecretvalue$|secretvalue$|^apikeys?$|xapikey$|^credentials?$"
)
_TOKEN = re.compile(
    r"tokens?$|^jeton$|jwt$|^bearer$|accesstokensecret$|tokensecret$|tokenvalue$|^sastoken$|^pat$|xamzsignature$"
)
_CARD = re.compile(
    r"^(?:pan|card|ccn|ccnum|cardnum)$|cardnumber$|cardno$|ccnumber$|creditcard$|debitcard$|primaryaccountnumber$|"
    r"(?:card|holder|customer|payment|full|primary|account)pan$|paymentcard$|accountnumber$|creditcardnum$|"
    r"^(?:kartennummer|kreditkartennummer|numero(?:de)?(?:la)?(?:tarjeta|carte|cartao|carta)|numcarte)$"
)
_PEOPLE = {
    "ssn": "ssn|socialsecurity(?:number|no)?|usssn|sin|ssnnumber|ssnfull|taxpayerid",
    "birth": "dob|dateofbirth|birthdate|birthday|bornon|birthdt|geburtsdatum|geburtstag|"
    "fecha(?:de)?nacimiento|data(?:de)?nascimento|date(?:de)?naissance|data(?:di)?nascita",
    "number": "passport(?:no|number|num|id)?|nationalid(?:number|no)?|nationalinsurance(?:number|"
    "no)?|nino|taxid(?:number)?|"
    "driver(?:s)?licen[sc]e(?:number|no|id)?|driving(?:licence|license)(?:number|no)?|personnummer|"
    "nhsnumber|aadhaar(?:number)?|"
    "cpf|curp|medicare(?:number|id)?|idcard(?:number|no)?|identitynumber|steuerid|licen[sc]enumber|"
    "dni|bsn|pesel|codicefiscale|nif|pan(?:card)?number|ninumber|sinnumber",
    "nir": "nir|numeronir|numero(?:de)?securitesociale",
    "account": "bankaccount(?:number|no|num)",
    "phone": "phones?|phone(?:no|number|num)|mobile(?:no|number|phone|num)?|telephone(?:number|no)?|"
    "tel|cell(?:phone)?(?:number)?|"
    "msisdn|homephone|workphone|contactnumber|contactphone|customerphone|userphone|smsto|whatsapp|"
    "phonehome|phonemobile|telefon|telefono|telefone|telefonnummer|numero(?:de)?telefon[eo]?|"
    "recipientphone|tophone|billingphone|shippingphone|emergencycontactphone|fax",
    "name": "first_?name|last_?name|fullname|givenname|familyname|surname|middlename|maidenname|firstname|lastname|"
    "(?:customer|patient|cardholder|accountholder|holder|employee|applicant|person|recipient|beneficiary|client|guest|"
    "passenger|contact|subscriber|member|student|tenantcontact|billing|shipping|legal)(?:full|first|last)?name|"
    "nameoncard|fname|lname|cardholder|accountholder|mothersmaidenname|"
    # The same in German, French, Spanish, Italian and Portuguese.
    "vorname|nachname|prenom|nazwisko|imie|nom(?:de)?famille|nombrecompleto|primernombre|apellidos?|cognome|nomecompleto|sobrenome",
    "address": "(?:street|home|postal|billing|shipping|mailing|residential|delivery|customer|work|user|patient)"
    "(?:street)?address(?:line)?|(?:bill|ship|billing|shipping|mail|home)addr|address(?:line)?|street|streetname|addr(?:line)|homeaddr|postaladdr",
    "iban": "[a-z]*iban(?:number|no)?|bankaccount(?:iban)?|payeeiban|debtoriban|creditoriban|customeriban|accountiban",
}
_PERSONAL = {name: re.compile(f"^(?:{body})$") for name, body in _PEOPLE.items()}
_OWNED = re.compile(
    r"^(?:user|customer|patient|employee|applicant|client|person|contact|member|beneficiary|sender|guest)(?=[a-z])"
)


_CUSTOM = re.compile(r"^(?:[\w-]{0,40}[-_])?[xX][-_]")
"""What headers of one's own begin with, whatever stands before: `X-Customer-Name`, `HTTP_X_CUSTOMER_NAME`."""

_RECORDED = re.compile(r"^(?:request|origin|downstream|(?i:tf_var))_(?=[A-Za-z])")
"""What Traefik puts before the names of headers, `request_Authorization`, and Terraform before those of variables."""

DOTTED = re.compile(
    r"(?i)(?:^|\.)((?:(?:first|last|full|given|family|middle|maiden)\.name|birth\.date|(?:account|card)\.holder|"
    r"(?:passport|card|account|phone|mobile|telephone|licen[cs]e)\.(?:number|no)|auth\.user\.info|security\.credentials|(?:national|tax)\.id|address\.line[12]?|"
    r"(?:api|secret|access|auth|signing|encryption|subscription)\.key))$"
)
"""Names whose words stand apart as settings have them, `aws.secret.key`: the last word alone says too little."""


def squash(name: str) -> str:
    """The letters of a name, in lower case; of `user[password]` those of the innermost bracket."""
    inner = _BRACKETED.match(name)
    return _NOT_LETTERS.sub("", (inner.group(1) if inner else name).lower())


@lru_cache(maxsize=20_000)
def kind_of(name: str) -> Kind | None:
    """
    The kind of secret that a key of this name holds; None for a harmless name.

    Only the last dotted part counts (`spring.datasource.password`), and one of its words must promise something by
    itself: the sieve sees words, so the two can never disagree.
    """
    if len(name) > _LONGEST_NAME:
        return None
    name = _RECORDED.sub("", last_part(name))
    if _FRAMEWORKS.get(name.lower(), name) != name:
        return None
    if name in _WRITTEN_SESSION or _SESSION_ID.match(squash(name)):
        return "session_cookie"
    if _OF_ENVIRONMENT.fullmatch(name):
        return "password"
    found = _promised(squash(name), name.lower())
    return found if found and any(_promised(squash(word), word) for word in WORD.findall(name.lower())) else None


def last_part(name: str) -> str:
    """What of a name counts, `password` of `spring.datasource.password` and of `user[password]`."""
    if name.lower().endswith("connect.sid"):
        return "connectsid"
    if name.lower().endswith(_OF_AUTHJS):
        return "nextauthsessiontoken"
    if "." in name and (dotted := DOTTED.search(name)):
        return dotted.group(1).replace(".", "_")
    return name.rstrip("]").rsplit(".", 1)[-1].rsplit("[", 1)[-1]


_OF_AUTHJS = ("next-auth.session-token", "authjs.session-token")


def _promised(letters: str, name: str) -> Kind | None:
    secret = _credential(letters, name)
    if secret:
        return secret
    if personal_of(name):
        return "personal_data"
    return "card_number" if _CARD.search(letters) else None


def _credential(letters: str, name: str) -> Kind | None:
    if _SESSION_NAME.match(letters) or _RAILS_SESSION.match(name):
        return "session_cookie"
    if _PRIVATE.search(letters):
        return "private_key"
    if _AUTH.search(letters) and name != "xauth":  # a package of programs, and no header without a hyphen
        return "auth_header"
    if _PIN.search(letters) or _LOGIN.search(letters) or letters == "securitycredentials":
        return "password"
    if _HARMLESS_END.search(letters) or _HARMLESS_START.match(letters):
        return None
    ends: tuple[tuple[re.Pattern[str], Kind], ...] = (
        (_COOKIE, "session_cookie"),
        (_API_KEY, "api_key"),
        (_TOKEN, "token"),  # the end decides: `password_reset_token` is one
        (_PASSWORD, "password"),
    )
    return next((kind for pattern, kind in ends if pattern.search(letters)), None)


@lru_cache(maxsize=20_000)
def personal_of(name: str) -> str | None:
    """Which fact of a person a key holds: `ssn` `birth` `number` `phone` `name` `address` `iban`, or None."""
    letters = squash(_CUSTOM.sub("", _RECORDED.sub("", _last_word(name))))
    for form in (letters, _OWNED.sub("", letters)):
        for fact, pattern in _PERSONAL.items():
            if pattern.match(form):
                return fact
    return None


def _last_word(name: str) -> str:
    dotted = DOTTED.search(name) if "." in name else None
    return dotted.group(1).replace(".", "_") if dotted else name.rsplit(".", 1)[-1]


_SESSIONISH = re.compile(
    r"sess|sid$|^sid|aspnetcore\.(?:cookies|identity)|aspxauth|auth|token|remember|jwt|login|logged|identity|credential|sso|access|user_?id$"
)
_NOT_SESSION = re.compile(
    r"csrf|xsrf|^_g|consent|theme|lang|locale|^_?utm|awsalb|analytics|tracking|antiforgery|verification|author(?!i)"
)


def is_session_cookie(name: str) -> bool:
    """Whether a cookie of this name carries a session or log-in."""
    low = name.lower()
    return bool(_SESSIONISH.search(low)) and not _NOT_SESSION.search(low)


@lru_cache(maxsize=4_096)
def names_session_id(name: str) -> bool:
    """Whether it names a session's secret or its identifier, as `session_id` does: the value has to tell."""
    last = last_part(name)
    return last not in _WRITTEN_SESSION and _SESSION_ID.match(squash(last)) is not None


@lru_cache(maxsize=4_096)
def names_login(name: str) -> bool:
    """Whether its value may be a name and a password in one, `app:hunter2X`; of anything else it says nothing."""
    return _LOGIN.search(squash(last_part(name))) is not None


@lru_cache(maxsize=4_096)
def is_pin(name: str) -> bool:
    """Whether it names a PIN, which is a password of digits only."""
    return _PIN.search(squash(last_part(name))) is not None


def names_identifier(name: str) -> bool:
    """Whether the name says order, trace, time and the like, so that its digits are no card number."""
    return bool(_IDENTIFIER.search(squash(name)))


_IDENTIFIER = re.compile(
    r"(?:id|ids|uuid|guid|ts|time|timestamp|nanos?|micros?|millis|seq|sequence|offset|number|no|ref|reference|serial|"
    r"invoice|order|trace|span|tracking|key|hash|cursor|version|lsn|xid|epoch|at|date|barcode|sku|imei|isbn|ns|us|ms|"
    r"bytes|size|(?<!ac)count|index|nonce|etag|checksum|code|build|revision|batch|correlation|request|session|job|task|event)$"
)
