"""Words of logs, in small letters without digits: which of them promise that a secret stands by."""

from __future__ import annotations

import re

from soc2ev.logs.leaks import national
from soc2ev.logs.leaks.keys import kind_of
from soc2ev.logs.leaks.said import OWNERS

# Prefixes of vendors and words of the second stage's sentences, in lower case and without digits.
_BEGINNING = re.compile(
    r"^[-_]*(?:eyj|aiza|xox|xapp|ya$|hv[sbr]$|sg$|sk[a-f]?$|sk-|pypi-|gl(?:pat|dt|rt|cbt|ptt|ft|soat|agent|oas)-|key-|pul-|pmak|"
    r"nrak|cfdj$|bundle(?:$|_)|t?resp$|ftp$|expect$|keyname$|(?:x-goog-)?signature$|creds?$|logg(?:ed|ing)$|sign(?:ed|ing)$|authenticat(?:e|ing|ed)$|signin$|check$|reset$|recover$|activat(?:e|ion)$|verif(?:y|ication)$|confirm(?:ation)?$|invit(?:e|ation)s?$|magic(?:[_-]?link)?$|unlock$|figd_|ntn_|sbp_|pplx-|cfpat-|hrku-|ez[at]k|gocspx-|xai-|nvapi-|tskey-|sgp_|rdme_|phc_|clojars_|flwseck|bkua_|pnu_|lsv$|sk_|sdk-|pat-(?:na|eu)$|access-(?:production|development)-|webhookb$|gsk_|r_|atatt|dapi|xkeysib|bearer|basic$|ssws|geniekey|negotiate$|zoho-oauth|keys?$|digest$|sess(?:ion(?:[_-]id)?)?$|sig$|x-amz|identified$|crypt$|"
    r"ipmitool$|mosquitto_[ps]ub$|unzip$|zip$|zipcloak$|(?:[xw]|wl)?freerdp$|cmdkey$|schtasks$|openssl$|snmp[a-z]{2,8}$|sqlplus$|sqlldr$|expdp$|impdp$|rman$|(?:un)?rar$|hdbsql$|isql$|tsql$|bcp$|ssh-keygen$|plink$|pscp$|psftp$|putty$|lftp$|"
    r"execve$|proctitle$|cmd$|snmp-server$|community$|key-string$|(?:tacacs|radius)-server$|isakmp$|message-digest-key$|"
    r"authentication-key$|ascii-text$|psksecret$|wpa-psk$|neighbor$|ppp$|pdo-?$|__construct$|getconnection$|mongo|rabbitmqctl$|smbclient$|echo$|"
    r"sshpass|mysql|curl$|dp$|dt$|aspnetcore$|sq$|sid$|(?:docker|podman|nerdctl|buildah|skopeo)$|ldap(?:search|modify|add|delete|passwd|whoami|compare)$|redis-cli$|setuser$|sqlcmd$|convertto-securestring$|net$|psexec$|az$|login$|requirepass$|masterauth$|auth$|kty$|-us$|-u$|--user$|re_)"
)
_WITHIN = (
    r"gh[pousr]_|sq[apu]_|github_pat|[sr]k_(?:live|test)|whsec_|npm_|rubygems_|dckr_|do[opr]_v|shp(?:at|ca|pa|ss)_|hf_|glsa_|lin_api|"
    r"sntry|fo_|[a-z]_(?:live|test|tkn|token|pat|oauth|secret|api)_|age-secret-key|private-lines|secret_|atlasv|password|passwd|passphrase|passcode|pwd|-begin|hmac-sha|sessid|sessionid|accountkey|accesskey|secretid$|[a-z]_pass$|login$|authenticate$|attempt$|(?<=.)connect$|(?<=.)bind$|(?<=.)check$|(?:password[_-]?)?reset(?:[_-]?password)?$"
)
_TELLING = re.compile(f"{_BEGINNING.pattern}|{_WITHIN}")
_PARTED = ("_", "-", "sntry", "atlasv")
"""What a word has to have, or a stem of a key, to tell by what is within it."""
# Words that only count as a key: they are frequent in user agents and messages.
_SPOKEN = re.compile(
    r"^[-_]*(?:phone|telephone|tel|cell|sms|msisdn|whatsapp|dob|born|birth|birthday|birthdate|passport)$"
)
_OWNERS = OWNERS - {"passport"}
"""Passports are spoken of without another word, too."""
_KNOWN_LIMIT = 300_000
# A cheap superset of the names of keys, so that the thousands of fragments of ids cost little; no name is hexadecimal.
_NO_HEX = re.compile(r"[^ ]*[g-z][^ ]*")
_PARTING = ("", "-", "_")
_STEMS = (
    r"login$|authenticate$|attempt$|connect$|bind$|check$|reset$|auth$|pass|pin$|pincode|masterauth|primaryauth|pwd|pw|psw|wachtwoord|kennwort|contrase|motdepasse|senha|mdp$|psk$|jeton$|xauth$|"
    r"nacimiento|nascimento|naissance|nascita|prenom|famille|nombre|apellido|cognome|nomecompleto|"
    r"sobrenome|key|secret|cred|token|jwt|bearer|pat$|signature|author|"
    r"authheader|cookie|sess|sid|cfid|aspx|aspnet|symfony|cakephp|wordpress|pem|identity|pan$|card|ccn|tarjeta|kartennum|carte$|cartao$|account|ssn|sin|"
    r"nif$|nir$|imie$|nazwisko|social|taxpayer|dob|birth|born|geburt|passport|national|nino|tax|licen|personnummer|nhs|aadhaar|cpf|curp|medicare|"
    r"steuer|dni|bsn|pesel|codice|phone|mobile|tel|cell|msisdn|contact|sms|whatsapp|fax|name|holder|street|addr|iban"
)


def _by_letter(words: str) -> str:
    """The same alternatives, those with the same first letter together: fewer have to be tried at each place."""
    grouped: dict[str, list[str]] = {}
    for word in words.split("|"):
        grouped.setdefault(word[0], []).append(word[1:])
    return "|".join(f"{first}(?:{'|'.join(rest)})" for first, rest in grouped.items())


_STEM = re.compile(_by_letter(_STEMS))
_STEM_WITHIN = re.compile(_by_letter(f"{_STEMS.replace('$', '(?![a-z])')}|atlasv"))
# What `_BEGINNING` and the words of owners begin with; a superset is enough.
_HEADS_OF_BEGINNING = """
    eyj aiz xox xap ya hvs hvb hvr sg sk ska skb skc skd ske skf pma nra eza ezt ata dap xke bea bas ssw gen neg
    key dig ses sig ide cry ssh mys cur dp sq sid doc pod ner bui sko lda red set sql con net pse az log req mas aut kty
    ipm mos unz mon rab smb ech zip xfr wfr wlf fre cmd sch ope snm pli psc psf put lft
    exe pro com tac rad isa mes asc psk wpa nei ppp sql exp imp rma rar unr hdb isq tsq bcp ssh pdo __c get dt asp
    clo flw bku pnu lsv sk_ sdk pat acc web
    cfd bun res tre ftp cre che rec act ver inv mag unl x-g
"""
_HEADS = frozenset(head[:3] for head in (*_HEADS_OF_BEGINNING.split(), *_OWNERS, *national.WORDS))
_DUTCH = "nl"

Part = tuple[int, bytes]
"""What of a word tells, and where in it."""


class Words:
    """Remembers the words that were seen, those that promise something for good."""

    def __init__(self) -> None:
        self.known: set[bytes] = set()
        self.strong: dict[bytes, tuple[Part, ...]] = {}
        """Words that tell wherever they stand, and by what."""
        self.weak: set[bytes] = set()
        """Words that tell as the key of a value."""
        self.dutch: set[bytes] = set()
        """Words that end as the beginning of a Dutch account number may."""
        self.flagged: set[bytes] = set()
        """Words that may be a flag with its value, `-phunter`, of a program without a name of letters."""

    def learn(self, fresh: set[bytes]) -> None:
        """Look at words, in small letters, `_` and `-`, that were not seen before or are forgotten."""
        if len(self.known) > _KNOWN_LIMIT:
            self.known = self.strong.keys() | self.weak | self.dutch | self.flagged
        self.known |= fresh
        for text in _promising(fresh):
            self._learn(text)

    def _learn(self, text: str) -> None:
        word = text.encode()
        if text[-2:] == _DUTCH and text[-3:-2] in _PARTING:
            self.dutch.add(word)
        elif text[:2] == "-p" and len(text) > len("-p"):
            self.flagged.add(word)
        kind = None
        stem = _STEM.search(text.replace("_", "").replace("-", "") if "_" in text or "-" in text else text)
        if stem:
            kind = kind_of(text)
            if text[0] in "nrt":  # `\nCookie:`
                kind = kind or kind_of(text[1:])
        telling = _TELLING.finditer(text) if stem or _is_parted(text) else filter(None, (_BEGINNING.match(text),))
        if text in _OWNERS or text in national.WORDS:
            self.strong[word] = ((0, word),)
        elif parts := tuple((one.start(), one.group().encode()) for one in telling):
            self.strong[word] = parts
        elif (stem and _SPOKEN.match(text)) or kind not in (None, "personal_data", "card_number"):
            self.strong[word] = ((0, word),)
        elif kind:
            self.weak.add(word)


def _promising(fresh: set[bytes]) -> set[str]:
    """
    Of these words those that may tell: that have a stem of a key, begin like a telling one, or have a sign within.

    Most words of a log are fragments of ids, so that one search for all of them together is worth its while.
    """
    text = b" ".join(fresh).decode("ascii")
    odd = [
        word
        for word in text.split()
        if word[:3] in _HEADS or "-" in word or "_" in word or word[-2:] == _DUTCH or "sntry" in word
    ]
    found = set(_NO_HEX.findall(" ".join(odd)))
    for stem in _STEM_WITHIN.finditer(text):
        start = text.rfind(" ", 0, stem.start()) + 1
        end = text.find(" ", start)
        found.add(text[start:] if end < 0 else text[start:end])
    return found


def _is_parted(word: str) -> bool:
    for sign in _PARTED:  # noqa: SIM110  asked of every word, and any() takes three times as long
        if sign in word:
            return True
    return False
