"""
What git prints, as values. Pure; everything here is bytes from outside.

Nothing raises on odd content: an undecodable letter becomes U+FFFD, a date that no calendar holds becomes
None. TamperedError means that bytes are not what git prints or do not hash to the id that they stand under.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from soc2ev.errors import TamperedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST_TIME = 12  # digits; the year 9999 needs 12, and int() refuses thousands of them
# Only plain character sets: other codecs of Python compress, execute nothing but run for ever, or warn.
_CHARACTER_SETS = re.compile(
    r"us-?ascii|iso-?8859-?\d{1,2}|latin-?\d{1,2}|(windows|cp)-?\d{3,4}|koi8-?[rut]|euc-?(jp|kr|cn)|gb(k|2312|18030)"
    r"|big5|shift[-_]?jis|sjis|iso-2022-(jp|kr)",
    re.IGNORECASE,
)
_SIGNATURES = {
    "-----BEGIN PGP SIGNATURE-----": "openpgp",
    "-----BEGIN PGP MESSAGE-----": "openpgp",
    "-----BEGIN SSH SIGNATURE-----": "ssh",
    "-----BEGIN SIGNED MESSAGE-----": "x509",
}
_BLANK = " \t\r\n"


@dataclass(frozen=True, slots=True)
class Person:
    """
    Who and when, as one header of a commit states it; None where the header is missing, doubled or
    unreadable.
    """

    name: str | None
    email: str | None
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit object whose bytes hash to `sha`."""

    sha: str
    tree: str | None
    parents: tuple[str, ...]
    author: Person
    committer: Person
    message: str
    signature: str | None
    """openpgp, ssh, x509 or unknown: there is a signature of that kind; nobody has checked it."""
    encoding: str | None
    """The character set that the commit declares, as written."""

    @property
    def subject(self) -> str:
        """The first paragraph on one line, as git's %s has it."""
        lines = self.message.split("\n")
        while lines and not lines[0].strip(_BLANK):
            lines.pop(0)
        kept = []
        for line in lines:
            if not line.strip(_BLANK):
                break
            kept.append(line.rstrip(_BLANK))
        return " ".join(kept)


def is_id(value: object) -> bool:
    """Whether that is a full object id: forty or sixty-four lower-case hexadecimal digits."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def full_id(answer: bytes) -> str:
    """The one full object id in that output; TamperedError for anything else."""
    found = answer.decode("ascii", "replace").strip()
    if not _ID.fullmatch(found):
        raise TamperedError(f"expected one full object id from git, got {found[:80]!r}")
    return found


def ids(body: bytes) -> list[str]:
    """The full object ids of a list with one a line, in its order; TamperedError for any other line."""
    return [full_id(line) for line in body.splitlines()]


def number(body: bytes) -> int:
    """The count that `rev-list --count` printed; TamperedError for anything else."""
    digits = body.strip()
    if not re.fullmatch(rb"[0-9]{1,15}", digits):
        raise TamperedError(f"expected a number from git, got {digits[:80]!r}")
    return int(digits)


def instant(digits: str) -> datetime | None:
    """Seconds since 1970 as an aware instant; None for no such number, or one beyond the year 9999."""
    if not re.fullmatch(rf"[0-9]{{1,{_LONGEST_TIME}}}", digits):
        return None
    try:
        return _EPOCH + timedelta(seconds=int(digits))
    except OverflowError:
        return None


def text(raw: bytes, encoding: str | None = None) -> str:
    """
    Text in the declared character set where Python has it, else UTF-8; NUL and what does not decode is
    U+FFFD.
    """
    if encoding is not None and _CHARACTER_SETS.fullmatch(encoding):
        try:
            return raw.decode(encoding, "replace").replace("\0", "\ufffd")
        except (LookupError, UnicodeError):
            return raw.decode("utf-8", "replace").replace("\0", "\ufffd")
    return raw.decode("utf-8", "replace").replace("\0", "\ufffd")


def name(raw: bytes) -> str:
    r"""The name of a ref or file: UTF-8, with `\xNN` for bytes that are not, so that two names stay two."""
    return raw.decode("utf-8", "backslashreplace")


def fields(body: bytes, width: int) -> Iterator[list[bytes]]:
    """
    Records of `width` fields, each field ended by NUL and each record by a line feed after its last NUL.

    TamperedError when the last record is cut short.
    """
    parts = body.split(b"\0")
    if len(parts) % width != 1 or parts[-1].strip(b"\n"):
        raise TamperedError("git's answer ends inside a record")
    for at in range(0, len(parts) - 1, width):
        yield [parts[at].removeprefix(b"\n"), *parts[at + 1 : at + width]]


def objects(batch: bytes) -> Iterator[tuple[str, bytes]]:
    """
    (id, content) of each commit that `cat-file --batch` printed; ids that it reported missing are passed
    over.

    TamperedError when an object is cut short, is no commit, or does not hash to its id.
    """
    for sha, kind, content in _batch(batch):
        if content is None or kind != "commit":
            raise TamperedError(f"git's answer for {sha} is {'cut short' if content is None else 'no commit'}")
        digest = hashlib.new("sha1" if len(sha) == 40 else "sha256", usedforsecurity=False)  # noqa: PLR2004 - hex digits of SHA-1
        digest.update(b"commit %d\0" % len(content) + content)
        if digest.hexdigest() != sha:
            raise TamperedError(f"the bytes that git gave for commit {sha} hash to {digest.hexdigest()}")
        yield sha, content


def count_objects(batch: bytes) -> int:
    """How many whole objects that output holds, whatever they are; never raises."""
    return sum(content is not None for _sha, _kind, content in _batch(batch))


def commit(sha: str, content: bytes) -> Commit:
    """
    The commit object with that content. A header that may stand once and stands twice is not believed:
    None.
    """
    head, _blank, message = content.partition(b"\n\n")
    headers = _headers(head)
    encoding = _only(headers, b"encoding")
    charset = None if encoding is None else encoding.decode("ascii", "replace")
    tree = _only(headers, b"tree")
    return Commit(
        sha=sha,
        tree=None if tree is None else text(tree),
        parents=_parents(headers),
        author=_person(_only(headers, b"author"), charset),
        committer=_person(_only(headers, b"committer"), charset),
        message=text(message, charset),
        signature=_signature(headers),
        encoding=charset,
    )


def changed(body: bytes) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """
    (commit id, its (status letter, path) pairs) from `diff-tree --stdin --always --name-status -z`.

    TamperedError when the output is not of that form or is cut short.
    """
    parts = body.split(b"\0")
    if parts.pop():
        raise TamperedError("git's list of changed paths is cut short")
    current: tuple[str, list[tuple[str, str]]] | None = None
    at = 0
    while at < len(parts):
        if len(parts[at]) == 1 and current is not None and at + 1 < len(parts):
            current[1].append((parts[at].decode("ascii", "replace"), name(parts[at + 1])))
            at += 2
            continue
        if current is not None:
            yield current
        current = (full_id(parts[at]), [])
        at += 1
    if current is not None:
        yield current


def shortlog(body: bytes) -> dict[tuple[str, str], int]:
    """
    Commits by (name, address) from `shortlog -s -n -e`; a line of another form counts for a nameless
    person.
    """
    found: dict[tuple[str, str], int] = {}
    for line in body.split(b"\n"):
        tally, _tab, who = line.partition(b"\t")
        if not re.fullmatch(rb" *[0-9]{1,15}", tally):
            continue
        named, _open, address = text(who).rpartition("<")
        key = (named.rstrip(), address.removesuffix(">"))
        found[key] = found.get(key, 0) + int(tally)
    return found


def trailers(block: bytes) -> Iterator[tuple[str, str]]:
    """(key, value) of each line of `%(trailers:only,unfold)`, in order."""
    for line in block.split(b"\n"):
        key, colon, value = text(line).partition(":")
        if colon:
            yield key.strip(), value.strip()


def _batch(batch: bytes) -> Iterator[tuple[str, str, bytes | None]]:
    """
    (id, kind, content) of each object; content None and the end when the output does not go on as it
    should.
    """
    at = 0
    while at < len(batch):
        end = batch.find(b"\n", at)
        words = batch[at : len(batch) if end < 0 else end].decode("ascii", "replace").split(" ")
        at = end + 1
        if end > 0 and len(words) == 2 and words[1] == "missing":  # noqa: PLR2004 - "<id> missing"
            continue
        size = int(words[2]) if end > 0 and len(words) == 3 and re.fullmatch(r"\d{1,12}", words[2]) else -1  # noqa: PLR2004 - "<id> <kind> <size>"
        if size < 0 or not _ID.fullmatch(words[0]) or batch[at + size : at + size + 1] != b"\n":
            yield words[0][:80], "", None
            return
        yield words[0], words[1], batch[at : at + size]
        at += size + 1


def _headers(head: bytes) -> list[tuple[bytes, bytes]]:
    """(key, value) in order; lines that begin with a space continue the value above."""
    found: list[tuple[bytes, bytes]] = []
    for line in head.split(b"\n"):
        if line.startswith(b" ") and found:
            key, value = found[-1]
            found[-1] = (key, value + b"\n" + line[1:])
        else:
            key, _space, value = line.partition(b" ")
            found.append((key, value))
    return found


def _only(headers: Sequence[tuple[bytes, bytes]], key: bytes) -> bytes | None:
    values = [value for name_, value in headers if name_ == key]
    return values[0] if len(values) == 1 else None


def _parents(headers: Sequence[tuple[bytes, bytes]]) -> tuple[str, ...]:
    """
    Parents are the run of `parent` headers after the tree: git follows no others (commit.c,
    parse_commit_buffer).
    """
    found = []
    for key, value in headers[1:]:
        if key != b"parent":
            break
        found.append(text(value))
    return tuple(found)


def _person(value: bytes | None, encoding: str | None) -> Person:
    """
    `Name <address> seconds zone`: git takes the first `<`, the first `>` after it, and the date after the
    last `>`.
    """
    if value is None:
        return Person(None, None, None)
    named, opened, rest = value.partition(b"<")
    address, closed, _more = rest.partition(b">")
    if not opened or not closed:
        return Person(None, None, None)
    seconds = value.rpartition(b">")[2].split()
    at = instant(seconds[0].decode("ascii", "replace")) if seconds else None
    return Person(text(named, encoding).strip(), text(address, encoding).strip(), at)


def _signature(headers: Sequence[tuple[bytes, bytes]]) -> str | None:
    """
    The kind by the armour's first line (git: gpg-interface.c); gpgsig-sha256 signs the same commit's other
    hash.
    """
    for key, value in headers:
        if key in (b"gpgsig", b"gpgsig-sha256"):
            return _SIGNATURES.get(text(value).partition("\n")[0].strip(), "unknown")
    return None
