"""What records of authentication say: when, who, from where, with which outcome, and by which method."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from soc2ev.logs.formats import Record
    from soc2ev.logs.formats.record import Value

EVENTS = frozenset({"auth.success", "auth.failure"})
ASKED = ("when", "who", "where", "outcome", "how")
_VENDORS = frozenset({"cloudtrail", "okta", "github", "ocsf", "ecs"})
"""Formats whose names for such events are documented, so that each of them tells how it ended."""
_LOGIN = re.compile(
    r"log[ ._-]?[io]n|sign[ ._-]?[io]n|auth(?!or)|session|credential|mfa|passw|token|sso|saml|oidc|two.?factor",
    re.IGNORECASE,
)
"""In an action or a path: a request that was answered 401 is otherwise one of the many that need no such details."""
_ENDED = re.compile(
    r"succe|fail|den(?:y|ied)|reject|refus|invalid|incorrect|error|lock|accept|grant|mismatch|complete|\bok\b"
    r"|ed[ ._-]?in\b",
    re.IGNORECASE,
)
# sshd(8) of OpenSSH, auth_log(): "Accepted publickey for bob from 10.0.0.1 port 22 ssh2".
_SSH = re.compile(r"^(?:Accepted|Failed) \S+ for ")
# The same, "Invalid user bob from ...", what auth2.c says of too many attempts, and pam_unix(8) of a failure. A name
# that is not there ("Invalid user  from 10.0.0.1") is none.
_SENTENCE = re.compile(
    r"^(?:message repeated \d+ times: \[ )?(?:error: )?"
    r"(?:(?:Accepted|Failed|Postponed) \S+ for|(?:Invalid|Illegal) user|maximum authentication attempts exceeded for)"
    r"(?: (?:invalid|illegal) user)? (?P<who>\S*) from (?P<where>[\w.:%\-]+)|"
    r"\bauthentication failure; logname=\S* uid=\d+ euid=\d+ tty=\S* ruser=\S* rhost=(?P<rhost>\S*)"
    r"(?:\s+user=(?P<user>\S+))?"
)
_SPELLINGS = """
    authmethod authmethods authenticationmethod authenticationmethods loginmethod signinmethod logonmethod
    authtype authenticationtype logintype logontype signintype authprotocol authprotocolid authenticationprotocol
    authmechanism mechanism saslmechanism mfa ismfa mfaused mfamethod mfatype multifactor twofactor 2fa factor
    factors factortype credentialtype credentialprovider authenticationprovider authprovider provider idp
    identityprovider idpname ssoprovider sso granttype amr acr strategy strategytype connection
    authenticationrequirement authscheme authsource authenticationpackagename logonprocessname
    programmaticaccesstype hashedtoken authbackend method
"""
_HOW = frozenset(_SPELLINGS.split())
"""Last parts of the names of fields, without what joins their words, that say by which method somebody logged in."""
_IDENTITY = "useridentity.type"
"""CloudTrail user guide, "userIdentity element": IAMUser, Root, SAMLUser, WebIdentityUser, AssumedRole ..."""
_VERBS = frozenset({"get", "head", "post", "put", "patch", "delete", "options", "connect", "trace"})
_NOTHING = frozenset({"", "-", "unknown", "null", "n/a"})
_NOISE = re.compile(r"\[\d+\]|[_\- ]")


class Logins:
    """Counts records of authentication and what each of them says."""

    __slots__ = ("present", "records")

    def __init__(self) -> None:
        self.records = 0
        self.present: Counter[str] = Counter()

    def add(self, said: Iterable[str], count: int = 1) -> None:
        """Count records each of which says so much of `ASKED`."""
        self.records += count
        for one in said:
            self.present[one] += count

    def merge(self, other: Logins) -> None:
        """Add what was counted elsewhere."""
        self.records += other.records
        self.present.update(other.present)

    def shares(self) -> dict[str, float | None]:
        """The share of these records with each of `ASKED`; None without records."""
        return {asked: self.present[asked] / self.records if self.records else None for asked in ASKED}


def said(record: Record) -> tuple[str, ...] | None:
    """What a record of `EVENTS` says, of `ASKED`; None for one that tells of a refused request and of no login."""
    if not is_login(record.shape, record.action, record.path, record.message):
        return None
    told = {
        "when": record.at is not None,
        "who": record.actor is not None or says_who(record.message),
        "where": record.ip is not None or says_where(record.message),
        "outcome": ended(record) or says_end(record.message),
        "how": says_how(record.message) or any(tells(record.fields[path]) for path in hows(tuple(record.fields))),
    }
    return tuple(asked for asked, there in told.items() if there)


def is_login(shape: str, action: str | None, path: str | None, message: str | None) -> bool:
    """Whether a record of `EVENTS` is of an authentication, and not merely of a request that was not let in."""
    texts = (action, path, message if action is None and path is None else None)
    named = any(text is not None and _LOGIN.search(text) for text in texts)
    return shape in _VENDORS or shape == "syslog" or named or says_how(texts[-1])


def ended(record: Record) -> bool:
    """Whether anything but the message says how it ended."""
    known = record.shape in _VENDORS or record.outcome is not None or record.status is not None
    return known or (record.action is not None and _ENDED.search(record.action) is not None)


def says_end(message: str | None) -> bool:
    """Whether the message says how it ended."""
    return message is not None and _ENDED.search(message) is not None


def says_how(message: str | None) -> bool:
    """Whether the message names the method, as that of sshd does."""
    return message is not None and _SSH.match(message) is not None


def says_who(message: str | None) -> bool:
    """Whether the message names the person, as those of sshd and PAM do."""
    found = message is not None and _SENTENCE.search(message)
    return bool(found and (found["who"] or found["user"]))


def says_where(message: str | None) -> bool:
    """Whether the message names the address, as those of sshd and PAM do."""
    found = message is not None and _SENTENCE.search(message)
    return bool(found and (found["where"] or found["rhost"]))


@lru_cache(500)
def hows(paths: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the fields that may name a method."""
    return tuple(path for path in paths if _names_how(path))


def tells(value: Value) -> bool:
    """Whether a field that may name a method does; the method of a request is another one."""
    return value is not None and (text := str(value).strip().lower()) not in _NOTHING and text not in _VERBS


@lru_cache(20_000)
def _names_how(path: str) -> bool:
    bare = _NOISE.sub("", path).lower()
    return bare.rpartition(".")[2] in _HOW or bare.endswith(_IDENTITY)
