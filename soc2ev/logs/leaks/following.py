"""
The first stage for words that tell: what has to stand by one, and what says that it tells of nothing.

Whoever adds a rule by which a word is passed over has to show of every rule of the second stage that it finds nothing
by that word there; the tests of `near` hold both stages against each other.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from soc2ev.logs.leaks import national
from soc2ev.logs.leaks.said import OWNERS
from soc2ev.logs.leaks.signers import is_signed
from soc2ev.logs.leaks.walk import NAMERS

Follows = Callable[[bytes, int, bytes], bool]
"""Whether the word (what tells of it) at that place of a block may give something away there."""

_AS_KEY = re.compile(
    rb"[\w.\-]{0,30}(?:[\"'\\\])`]|%2[27]|%5[CD]|x22|&quot;|&#34;){0,9}(?:\s|%20|\+){0,48}"
    rb"(?:=|:|[vV](?:alue|ALUE)=|[vV](?:alues|ALUES)\s{0,3}\(|[cC]ontent=|\" \"|a\d{1,3}=|%3|,|%2C|\(|>|\\+r?\\*n)"
)
# A key whose whole value is masked says nothing, and in well-kept logs it stands in every line; nor does one with none.
_MASKED = re.compile(
    rb"\":\s{0,3}null\s{0,3}[,}]|=\"-\"(?:[ \r\n]|$)|"
    rb"(?:[\"']?\s{0,3}(?:=>|[:=])\s{0,3}|\s)[\"']?(?:(?:[Bb]earer|[Bb]asic|[Tt]oken) )?"
    rb"(?:\*{3,40}|[xX]{5,40}|REDACTED|\[[A-Za-z_ ]{4,20}\]|<[a-z_ ]{4,20}>)(?:[\"',;}&)\]\r\n]| HTTP/|$)(?! ?[\-=]>)|"
    # Without a quote a mask of these forms is the whole value, also of a header, which may have blanks.
    rb"[:=](?:\*{3,40}|\[(?:[A-Z_ ]{4,20}|[a-z_ ]{4,20})\]|<[a-z_ ]{4,20}>)(?= )(?! [\-=]>)"
)
_MEMBER_BEFORE, _MEMBER_END, _NEAR_MEMBER = re.compile(rb'[\w}\]]":\s?"$'), re.compile(rb'"\s?[,}]'), 8
_BLANKS = (b" ", b"+", b"0", b".")  # before the last word of a name; the last one is that of `%20`
_VALUE = re.compile(
    rb"(?:\\*[\"'`])?(?:[\s+]|%20|%3[AD]|=>|[:=]){1,5}(?:(?:for|of) (?:[\w.@+\-]{1,60} ){1,3})?"
    rb"(?:(?:is|was|to|value|given|provided|received)[ +:%203A]{1,7})?"
    rb"(?:\\*[\"'`]|%2[27]|%5B|[\[(<])?[A-Za-z0-9+][\w+/.~%\-]{15}"
)
_OF_QUERY, _LONG_VALUE = (b"?", b"&"), re.compile(rb"=[\w\-]{24}")
_COLUMN = re.compile(rb"=[^\s\";\\]{8,4000}[\";\\]")
_LONG_RUN, _NEAR_KEY = re.compile(rb"[\w\-+/.=%]{24,}"), 160
_BEHIND_PATH = re.compile(rb"\?| HTTP/\d|\"\s{0,3}[,}\]]| -> \d| [a-z_]{2,20}=[^=>]")
_FACT = rb"(?:'?s|%27s)?(?:[\s.+]|%20)(?i:name|number|no|id|licen[cs]e)(?![A-Za-z])"
_CALLED = rb"\((?:\s|%20|\+)?(?:\\*[\"']|%2[27]|x22)"
_OF_TOMCAT = re.compile(rb"=?[0-9A-F]{32}(?:\.[\w\-]{1,40})?")
_ARN_BEFORE = re.compile(rb"\barn:aws[\w\-]*:secretsmanager:[\w\-]*:\d*:$")
_PATH_BEHIND = re.compile(rb"/[\w.\-/]{1,200}(?:\"\s?[,}\]]|[ \r\n])")
_CALL = rb"\([^()\"'\n]{0,60}(?:\([^()\n]{0,60}\),?)?(?:\s|%20|\+){0,3}(?:\\*[\"']|%2[27]|x22)"
"""A function to which a string is given, first or behind a handle: `login('kim', ...)`, `ldap_bind(Resource, ...)`."""
_PAIR = (
    rb"(?:(?: |%20|\+)in)?(?:(?: |%20|\+)(?:as|with|user|for)){0,2}:?(?: |%20|\+)(?:[\"'(\[\\]|%2[27]){0,3}"
    rb"[A-Za-z0-9][\w.@+\-]{0,63}(?: ?(?:/|%2[Ff]) ?|:|%3[Aa])[^\s/]{6}"
)
"""A name and a password in one: `login app/x`."""
_LOGGED_IN = re.compile(rb"%s|%s" % (_CALL, _PAIR))
_ANSWERED = re.compile(rb"Login(?: |%20|\+)(?:incorrect|OK)\b")
_AGENT = re.compile(rb"/\d{1,3}[.\" )]")
_OF_CURL = re.compile(rb"-u|--user|-b|--cookie|\\|%")


def is_key(block: bytes, end: int) -> bool:
    """Whether what ends there may be the key of a value."""
    return _AS_KEY.match(block, end) is not None


def is_masked(block: bytes, end: int) -> bool:
    """Whether a mask, or nothing, is all that the key which ends there has."""
    return _MASKED.match(block, end) is not None


def is_value(block: bytes, place: int, end: int) -> bool:
    """Whether the word there is all that a member of JSON has: `"resource": "secrets"`."""
    return (
        block.startswith(b'"', end)
        and _MEMBER_END.match(block, end) is not None
        and _MEMBER_BEFORE.search(block, max(0, place - _NEAR_MEMBER), place) is not None
        and not _may_name(block, place)
    )


def may_tell(word: bytes, block: bytes, folded: bytes) -> bool:
    """Whether a frequent word may give something away anywhere in that block, of which the other one has the words."""
    asked = _IN_BLOCK.get(word)
    return asked is None or asked(block, folded)


def _followed(pattern: bytes) -> Follows:
    form = re.compile(pattern)
    return lambda block, place, word: form.match(block, place + len(word)) is not None


def _commands(block: bytes, place: int, _: bytes) -> bool:
    """Whether curl is called in this line with a name or a cookie, and not named by its own agent."""
    if _AGENT.match(block, place + len(b"curl")):
        return False
    start = block.rfind(b"\n", 0, place) + 1
    end = block.find(b"\n", place)
    return _OF_CURL.search(block, start, len(block) if end < 0 else end) is not None


def _tagged(block: bytes, place: int, _: bytes) -> bool:
    """Whether it is IMAP's command, behind a tag, a call, or what says of one who logs in what the password is."""
    if block.startswith(b"LOGIN ", place) and (block[place - 2 : place - 1].isdigit() or block[place - 2] == ord("*")):
        return True
    return _ANSWERED.match(block, place) is not None or _LOGGED_IN.match(block, place + len(b"login")) is not None


def _foreign(block: bytes, place: int, _: bytes) -> bool:
    """Whether it is anything but what CloudTrail says of who signed a request, which is no leak."""
    return not is_signed(block, place)


def _no_address(block: bytes, place: int, word: bytes) -> bool:
    """Whether it is more than a step of a path, `secret/data/x`, or of a name of AWS's, `arn:...:1234:secret:db-x`."""
    if _PATH_BEHIND.match(block, place + len(word)) and not _may_name(block, place):
        return False
    return block[place - 1 : place] != b":" or not _ARN_BEFORE.search(block, max(0, place - _NEAR_KEY), place)


def _is_spoken(block: bytes, place: int, word: bytes) -> bool:
    """Whether it is the last word of a name in a sentence and a long value follows: `API key: x`, `api key x`."""
    if block[place - 1 : place] in _OF_QUERY:
        return _LONG_VALUE.match(block, place + len(word)) is not None
    return block[place - 1 : place] in _BLANKS and _VALUE.match(block, place + len(word)) is not None


def _fills_column(block: bytes, place: int, word: bytes) -> bool:
    """Whether it is a cookie in a column of its own, `"session=x; lang=de"`, or named like those of Rails."""
    end = place + len(word)
    return word[:1] == b"_" or _COLUMN.match(block, end) is not None or _is_session_id(block, end)


def _is_session_id(block: bytes, end: int) -> bool:
    """Whether what stands next behind the name of a session is long and of small and capital letters, or encoded."""
    run = _LONG_RUN.search(block, end, end + _NEAR_KEY) if is_key(block, end) else None
    if run is not None and _OF_TOMCAT.fullmatch(run.group()):
        return True
    return run is not None and (b"%" in run.group() or run.group() not in (run.group().lower(), run.group().upper()))


def _no_step(block: bytes, place: int, word: bytes) -> bool:
    """Whether the word is more than a step of a path in a request: `"GET /password/edit HTTP/1.1"`."""
    return block[place - 1 : place] != b"/" or not _is_step(block, place, place + len(word))


def _is_told(block: bytes, place: int, word: bytes) -> bool:
    """The same, and more than what MySQL says of a user that it refused, sshd of a login, and a program of an event."""
    end = place + len(word)
    return _no_step(block, place, word) and not _is_refusal(block, place, end) and not _is_event(block, place, end)


def _tells(block: bytes, place: int, word: bytes) -> bool:
    """The same, and more than a part of a sentence: `authorization granted by`, `token bucket refilled`."""
    if block[place - 1 : place] in _OPENINGS and word[:1].isalpha():
        return not _is_prose(block, place, place + len(word))
    return _no_step(block, place, word)


def _no_path(block: bytes, place: int, word: bytes) -> bool:
    """The same of a word that a path may end with: `/oauth/token?page=2`, `/oauth/token HTTP/1.1`."""
    if block[place - 1 : place] == b"/" and _BEHIND_PATH.match(block, place + len(word)):
        return False
    return _tells(block, place, word)


_OPENINGS = (b" ", b'"', b"\n", b"")
# What stands behind a name of a member: the text before it may be that name.
_NO_MEMBER = rb"(?![^\"\n]{0,640}?(?:\"{1,2}|\\x22)\s{0,3}[:=])"
# The rest of a path, and what ends it: nothing that makes it the name of what follows.
_STEP = re.compile(
    rb"(?:/[\w.~\-]{1,100}){0,8}(?:\?[\w.~\-/=&]{0,400})?"
    rb"(?:(?: HTTP/\d(?:\.\d)?| (?:\d{3}|-))?"
    rb"(?:(?P<escapes>\\{0,3})\"(?:,|\}|\r?\n|\\n|$|(?P<blank> )(?=[A-Za-z\d\[(\-]))|\r?\n|\\n|$)|"
    rb"(?: HTTP/\d(?:\.\d)?| (?:\d{3}|-)|(?P<cell>[\t,;])(?:\d{3}|-)(?=(?P=cell))|'(?=,| {1,24}[A-Za-z\d\[({]|\r?\n|$))"
    rb"(?:[ \t,;]|$)" + _NO_MEMBER + rb"| [a-z_]{1,20}=(?![=>])" + _NO_MEMBER + rb")"
)
_DOCUMENT = re.compile(rb'[{\[](?:\s|\\[nrt]){0,40}["{\[]')
_ESCAPED_DOCUMENT = re.compile(rb'[{\[](?:\s|\\+[nrt]){0,40}(?:\\+"|[{\[])')
_REFUSED_BEFORE = re.compile(rb"'@'[^'\s]{1,255}' \(using $")
_REFUSED = re.compile(rb": (?:YES|NO)\)(?:\r?\n|$|\\{0,3}\"[,}]|\\n)")
"""How MySQL says that it refused a user: `'app'@'10.0.0.4' (using password: YES)`."""
# Small letters alone are no secret, whatever gives a name before them.
_PROSE = re.compile(
    rb" (?!(?:is|was|to|value|given|provided|received)\W|(?:for|of) (?:[\w.@+\-]{1,60} ){1,3}(?:is|was)\W|"
    rb"header (?:value |is |was |sent |of |received )?[\\\"'`iwvsor])[a-z]{2,20} " + _NO_MEMBER
)
# What became of a password; each of the words is a state to the second stage, so that none of them is a value.
_EVENT = re.compile(
    rb" (?:(?:reset|changed|updated|expired|required|failed|invalid|incorrect|mismatch|accepted|rejected|verified|"
    rb"authentication|policy)(?=[ .,;\"\r\n])(?! (?:to|from|is|was|as)\W)|"
    rb"for (?:invalid user )?[\w.\-]{1,32} from [\da-fA-F.:]{3,45} port \d{1,5}(?: ssh2)?(?=[\"\r\n\\]))" + _NO_MEMBER
)
_NAMING = re.compile(
    rb'(?:"|x22)(?:' + "|".join(sorted(NAMERS)).encode() + rb')(?:\\*"{1,2}|\\+x22)\s{0,3}:\s{0,3}'
    rb'(?P<opening>\\*"{1,2}|\\+x22)'
)
_PLAIN_QUOTE, _ESCAPED_QUOTE = re.compile(rb'(?<!\\)"'), re.compile(rb'(?<!\\)\\?"')
_CLOSINGS = {b'"': _PLAIN_QUOTE, b'""': _PLAIN_QUOTE, b'\\"': _ESCAPED_QUOTE}
"""What ends a string that begins with such a quote; there may be deeper ones within."""
_LISTING = (b"HSET", b"HMSET", b"INTO ", b"into ", b"Into ")
"""Commands that list names without a sign behind each."""
_FAR, _LONGEST_NAMING = 4_096, 640


def _is_step(block: bytes, place: int, end: int) -> bool:
    step = _STEP.match(block, end)
    if not step or _may_name(block, place):
        return False
    if not step["blank"]:
        return True
    # In a document that is broken a string may be the name of whatever follows it.
    document = _ESCAPED_DOCUMENT if step["escapes"] else _DOCUMENT
    return not document.search(block, _line_start(block, place), place)


def _is_refusal(block: bytes, place: int, end: int) -> bool:
    return (
        block.startswith(b": ", end)
        and _REFUSED.match(block, end) is not None
        and _REFUSED_BEFORE.search(block, max(0, place - 300), place) is not None
        and not _may_name(block, place)
    )


def _is_event(block: bytes, place: int, end: int) -> bool:
    return _EVENT.match(block, end) is not None and not _may_name(block, place)


def _is_prose(block: bytes, place: int, end: int) -> bool:
    return _PROSE.match(block, end) is not None and not _may_name(block, place)


def _line_start(block: bytes, place: int) -> int:
    """Where its line begins, but no farther back than is looked."""
    return block.rfind(b"\n", max(0, place - _FAR), place) + 1


def _may_name(block: bytes, place: int) -> bool:
    """Whether the text there may be a name by which something else in the line has its value; far behind it may be."""
    start = _line_start(block, place)
    if not start and place > _FAR:
        return True
    for sign in _LISTING:
        if block.find(sign, start, place) >= 0:
            return True
    for naming in _NAMING.finditer(block, max(start, place - _LONGEST_NAMING), place):
        closing = _CLOSINGS.get(naming["opening"])
        if closing is None or not closing.search(block, naming.end(), place):
            return True
    return False


_LINKS = (
    *(b"reset", b"recover", b"activate", b"activation", b"verify", b"verification", b"confirm", b"confirmation"),
    *(b"invite", b"invites", b"invitation", b"invitations", b"magic", b"magiclink", b"magic-link", b"unlock"),
)
"""Steps of paths before the token of a link."""
_ENTERED = (b"logged", b"logging", b"signed", b"signing")
# Short words that begin a credential only with what has to follow; random ids are full of such words.
FOLLOWED: dict[bytes, Follows] = {
    **dict.fromkeys((b"sg", b"dp", b"hvs", b"hvb", b"hvr"), _followed(rb"[.\\%]")),
    b"dt": _followed(rb"0[a-z]\d\d\."),
    **dict.fromkeys((b"sk", b"ska", b"skb", b"skc", b"skd", b"ske", b"skf"), _followed(rb"[0-9\\%]")),
    b"ya": _followed(rb"29"),
    b"sq": _followed(rb"0"),
    b"-us": _followed(rb"\d{1,2}(?![0-9A-Za-z])"),
    **dict.fromkeys(
        (b"docker", b"podman", b"nerdctl", b"buildah", b"skopeo"),
        _followed(rb"(?: |%20|\+| *\\|[\"'], ?[\"'])login"),
    ),
    b"curl": _commands,
    **dict.fromkeys((b"-u", b"--user"), _followed(rb"[ =][\\'\"]{0,3}[\w.@\-%]{1,64}(?::|%3[Aa])|[%+\\]")),
    b"auth": _followed(
        rb"=\(|[\\\"]{1,8} [\\\"]| (?:PLAIN|LOGIN) [A-Za-z0-9+/]{8}|%|\.user\.info[:= ]|"
        rb"[\\\"'`\])]{0,8}\s{0,3}(?:=>|[:=])\s{0,3}(?:[\\\"'`]|x22){0,8}(?:[\w.@+\-]{1,64}:[^\s:/@]|[A-Za-z0-9+/]{12})"
    ),
    **dict.fromkeys(
        (b"ipmitool", b"mosquitto_pub", b"mosquitto_sub", b"unzip", b"zip", b"zipcloak"),
        _followed(rb"[^\n]{0,480}[ 0+\"']-P"),
    ),
    **dict.fromkeys(
        (b"freerdp", b"xfreerdp", b"wfreerdp", b"wlfreerdp"), _followed(rb"[^\n]{0,480}(?:/|%2[Ff])p(?::|%3[Aa])")
    ),
    **dict.fromkeys((b"rar", b"unrar"), _followed(rb"[^\n]{0,480}[ 0+\"']-h?p")),
    b"rman": _followed(rb"(?: |%20|\+)target"),
    b"ssh-keygen": _followed(rb"[^\n]{0,480}[ 0+\"']-N"),
    b"openssl": _followed(rb"[^\n]{0,480}[ 0+\"']-"),
    b"execve": _followed(rb"[^\n]{0,80} argc=\d+ a0="),
    **dict.fromkeys((b"proctitle", b"cmd"), _followed(rb"=[0-9A-F]{12}")),
    b"community": _followed(rb" (?!public|private)\S"),
    **dict.fromkeys((b"pdo", b"__construct", b"getconnection"), _followed(_CALLED)),
    b"neighbor": _followed(rb" \S{1,64} password "),
    b"ppp": _followed(rb" (?:chap|pap) "),
    b"mongo": _followed(rb"[^\n]{0,480}[ 0+\"']-p"),
    b"rabbitmqctl": _followed(rb"(?: |%20|\+)(?:add|change|authenticate)_"),
    b"smbclient": _followed(rb"[^\n]{0,480}[ 0+\"']-U"),
    b"echo": _followed(
        rb"(?: |%20|\+)[^\n|]{3,540}(?:\||%7[Cc])(?: |%20|\+)?"
        rb"(?:sudo|chpasswd|[a-z/]{2,30}[ %+][^\n|]{0,240}password-stdin)"
    ),
    b"net": _followed(rb"1?(?: |%20|\+)[uU][sS][eE][rR]?[ %+]"),
    **dict.fromkeys((b"key", b"keys"), _is_spoken),
    **dict.fromkeys((word.encode() for word in OWNERS - {"passport"}), _followed(_FACT)),
    **dict.fromkeys(
        (word.encode() for word in national.WORDS),
        _followed(b"|".join((_FACT, _AS_KEY.pattern, national.BEHIND.pattern))),
    ),
    b"aspnetcore": _followed(rb"(?:\.|%2[Ee])(?:Identity|Cookies|Session)"),
    **dict.fromkeys((b"authenticate", b"signin"), _followed(_CALL + b"|" + _PAIR)),
    **dict.fromkeys((b"attempt", b"check", b"connect", b"bind", b"bind_s"), _followed(_CALL)),
    **dict.fromkeys((*_ENTERED, b"authenticating", b"authenticated"), _followed(_PAIR)),
    **dict.fromkeys((b"cred", b"creds"), _followed(rb":(?: |%20|\+)")),
    b"cfdj": _followed(rb"8[\w%+/=\-]{20}"),
    **dict.fromkeys((b"resp", b"tresp"), _followed(rb"=[A-Za-z0-9+/]{8}")),
    b"ftp": _followed(rb"> ?(?:quote )?(?i:user|pass) "),
    b"expect": _followed(rb"[^\n]{0,400}send "),
    b"keyname": _followed(rb"[\\\"']{1,8}\s?:"),
    **dict.fromkeys((b"signature", b"x-goog-signature"), _followed(rb"(?:=|%3[Dd])[\w~%+/\-]{20}")),
    b"bundle": _followed(rb"(?: |%20|\+)config"),
    **dict.fromkeys(_LINKS, _followed(rb"(?:(?:/|%2[Ff])[\w\-]{1,12})?(?:/|%2[Ff])[\w\-]{20}")),
    b"pin": _followed(_AS_KEY.pattern),
    **dict.fromkeys((b"cardholder", b"holder"), _followed(_FACT + b"|" + _AS_KEY.pattern)),
    b"digest": _followed(rb"(?: |\+|%20)username(?:=|%3[Dd])"),
    **dict.fromkeys((b"sess", b"session", b"session_id", b"session-id"), _fills_column),
    b"az": _followed(rb" login "),
    b"login": _tagged,
    b"token": _no_path,
    **dict.fromkeys((b"tokens", b"authorization"), _tells),
    b"password": _is_told,
    **dict.fromkeys((b"secret", b"secrets"), _no_address),
    b"hmac-sha": _followed(rb"(?!\d{1,3}:[0-9a-f]{40,128}(?:[\" ,}\r\n]|$))"),
    b"accesskey": _foreign,
    b"x-amz": _followed(rb"(?![Nn]-[Tt]race-[Ii]d)"),
    **dict.fromkeys((b"begin", b"n-----begin", b"r-----begin"), _followed(rb"(?!(?: (?!PRIVATE)[A-Z0-9]+){1,4}-----)")),
}
"""What the part of a word that tells has to have by it."""


def _owns(word: str) -> Callable[[bytes, bytes], bool]:
    form = re.compile(rb" " + word.encode() + rb" +(?:s +)?(?:name|number|no|id|licen[cs]e)(?![a-z])")
    return lambda _, folded: form.search(folded) is not None


def _has(*signs: bytes) -> Callable[[bytes, bytes], bool]:
    return lambda block, _: any(sign in block for sign in signs)


def _calls(block: bytes, folded: bytes) -> bool:
    """Whether curl stands anywhere but in the name of an agent."""
    return folded.count(b"curl ") != len(_AGENTS.findall(block))


_AGENTS = re.compile(rb"(?<![\w\-])curl" + _AGENT.pattern)
_IN_BLOCK: dict[bytes, Callable[[bytes, bytes], bool]] = {
    b"login": _has(b"LOGIN ", b"Login", b"login(", b"login ", b"login:", b"login%", b"login+"),
    **{word: _has(*(b"in %s " % one for one in (b"as", b"with", b"user"))) for word in _ENTERED},
    b"curl": _calls,
    **{word.encode(): _owns(word) for word in OWNERS - {"passport", "cardholder", "holder", "nhs"}},
}
"""What words that stand in many lines need, wherever it is: asked once for a block, not once for each."""
