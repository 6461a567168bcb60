"""
Chains of CloudTrail digest files: whether the log files of a bucket's copy are those that were delivered.

As AWS documents it (CloudTrail user guide, "Custom implementations of CloudTrail log file integrity validation"): a
digest names the SHA-256 of each log file and of the digest before it; what is signed is its end time, its place, the
SHA-256 of its inflated text and the signature of the one before. Signatures are metadata of the objects, and metadata
does not travel with a copy: `<file>.meta.json` beside a digest (what `aws s3api head-object` prints), or `objects` in
the keys file, by key, gives them. The keys file is what `aws cloudtrail list-public-keys` prints.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from soc2ev.errors import ConfigError
from soc2ev.logs import rsa
from soc2ev.logs.instants import instant

_LARGEST = 256 << 20
_DIGEST = re.compile(r"_CloudTrail-Digest_|/CloudTrail-Digest/")
_LOG = re.compile(
    r"_CloudTrail(?:-[A-Za-z]+)?_[a-z0-9-]+_\d{8}T\d{4}Z_\w+\.json(?:\.gz)?$|/CloudTrail/.*\.json(?:\.gz)?$"
)
_WHEN = re.compile(r"/\d{4}/\d\d/\d\d/|_\d{8}T\d{6}Z")
_NAMED = re.compile(r"_CloudTrail-Digest_(?P<region>[a-z0-9-]+?)_(?P<trail>.+)_[a-z0-9-]+_\d{8}T\d{6}Z")
_META = ".meta.json"
_LATE = 2 * 3600
"""A digest comes within the hour behind the one it speaks of; seconds."""
_UNSURE = frozenset({"unsigned", "unlisted", "restarted", "gap"})
_BAD = frozenset({"altered", "missing", "broken"})
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Complaint:
    """One thing that does not hold, by the object's name."""

    kind: str
    """
    altered, missing, broken (signature or place), late (backfilled, or delivered late), unlisted, unsigned (could not
    be checked), restarted and gap (time that no digest speaks of), beyond (the digest before a chain's oldest one).
    """
    name: str
    says: str


@dataclass(frozen=True, slots=True)
class Key:
    """A public key, and between which instants CloudTrail signed with it (seconds since 1970)."""

    public: rsa.PublicKey
    since: float = float("-inf")
    until: float = float("inf")


@dataclass(frozen=True, slots=True)
class Keys:
    """Public keys by fingerprint, and the metadata of digests by key of the object."""

    public: Mapping[str, Key] = field(default_factory=dict)
    metadata: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trail:
    """The digests of one trail, account and region in one bucket; those of backfills are a chain of their own."""

    bucket: str
    account: str
    region: str
    name: str
    backfill: bool
    first: str
    last: str
    digests: int


@dataclass
class Verified:
    """What was verified, and what did not hold."""

    digests: int = 0
    signed: int = 0
    """Digests whose signature was checked and holds."""
    logs: int = 0
    """Log files that are what was delivered."""
    first: str | None = None
    last: str | None = None
    trails: list[Trail] = field(default_factory=list)
    """Whose digests these are, and to where each chain reaches: a chain whose end was removed merely ends sooner."""
    complaints: list[Complaint] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Everything is there, unaltered, and in an unbroken chain; says nothing about signatures."""
        return self.digests > 0 and not any(one.kind in _BAD for one in self.complaints)

    @property
    def proven(self) -> bool:
        """And every digest is signed by a given key, every log file is named by one, no time is left out."""
        unsure = any(one.kind in _UNSURE for one in self.complaints)
        return self.ok and self.signed == self.digests and not unsure


def keys(text: bytes) -> Keys:
    """The keys in a file as `aws cloudtrail list-public-keys` prints it, and its `objects`; ConfigError otherwise."""
    try:
        data = json.loads(text)
        found = {str(one["Fingerprint"]): _key(one) for one in data["PublicKeyList"]}
        return Keys(found, dict(data.get("objects", {})))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as problem:
        raise ConfigError(
            f"the keys cannot be used: {problem}", hint="give the output of `aws cloudtrail list-public-keys`"
        ) from None


def _key(one: Json) -> Key:
    """Without a validity it is valid; with one that cannot be read never."""
    said = [(one.get(f"Validity{end}Time"), never) for end, never in (("Start", float("inf")), ("End", float("-inf")))]
    since, until = (None if text is None else _at(text, never) for text, never in said)
    return Key(
        rsa.public_key(str(one["Value"])),
        float("-inf") if since is None else since,
        float("inf") if until is None else until,
    )


def _at(text: Any, otherwise: float) -> float:
    found = instant(text, 0.0)
    return otherwise if found is None else found.at


def verify_digests(folder: Path, given: Keys) -> Verified:
    """
    Verify the digests below a folder that holds a copy of the bucket, and the log files that they name.

    Nothing is fetched. Without a key or metadata a digest is `unsigned`: its hashes alone hold, and whoever changed a
    log could have changed them too.
    """
    copy = _Copy(folder)
    made = Verified()
    digests = sorted(copy.digests(made), key=lambda one: (one.end, one.key))
    listed: set[str] = set()
    made.first = min((digest.start for digest in digests), default=None)
    for digest in digests:
        made.digests += 1
        made.last = digest.end
        _check_signature(digest, given, copy, made)
        listed |= set(_check_logs(digest, listed, copy, made))
    _check_chains(digests, copy, made)
    known = {file for key in listed if (file := copy.find(key))}
    for file in copy.logs():
        if file not in known:
            made.complaints.append(Complaint("unlisted", copy.shown(file), "no digest names this log file"))
    return made


@dataclass(frozen=True, slots=True)
class _Digest:
    name: str
    file: Path
    sha256: str
    data: Json

    @property
    def key(self) -> str:
        return str(self.data.get("digestS3Object"))

    @property
    def start(self) -> str:
        return str(self.data.get("digestStartTime"))

    @property
    def end(self) -> str:
        return str(self.data.get("digestEndTime"))

    @property
    def bucket(self) -> str:
        return str(self.data.get("digestS3Bucket"))

    @property
    def backfill(self) -> bool:
        return "_backfill" in self.key

    @property
    def chain(self) -> tuple[str, str]:
        """What the digests of one chain have in common: the bucket, and the key without its times."""
        return self.bucket, _WHEN.sub("/", self.key)

    @property
    def before(self) -> tuple[str, str] | None:
        """Bucket and key of the digest before; None when it says that it is the first."""
        key = self.data.get("previousDigestS3Object")
        return (str(self.data.get("previousDigestS3Bucket") or self.bucket), str(key)) if key else None


class _Copy:
    """A folder with objects of a bucket, found by the end of their keys."""

    def __init__(self, folder: Path) -> None:
        self._root = folder
        self._by_name: dict[str, list[Path]] = {}
        for file in sorted(folder.rglob("*")):
            if file.is_file() and not file.is_symlink() and not file.name.endswith(_META):
                self._by_name.setdefault(file.name, []).append(file)

    def shown(self, file: Path) -> str:
        return file.relative_to(self._root).as_posix()

    def logs(self) -> Iterator[Path]:
        for files in self._by_name.values():
            for file in files:
                shown = "/" + self.shown(file)
                if _LOG.search(shown) and not _DIGEST.search(shown):
                    yield file

    def digests(self, made: Verified) -> Iterator[_Digest]:
        for files in self._by_name.values():
            for file in files:
                if _DIGEST.search("/" + self.shown(file)):
                    digest = self._digest(file)
                    if digest is None:
                        made.complaints.append(Complaint("altered", self.shown(file), "no digest can be read from it"))
                    else:
                        yield digest

    def _digest(self, file: Path) -> _Digest | None:
        text = inflated(file)
        try:
            data = json.loads(text) if text is not None else None
        except (ValueError, RecursionError):
            return None
        if text is None or not isinstance(data, dict) or not isinstance(data.get("logFiles"), list):
            return None
        return _Digest(self.shown(file), file, hashlib.sha256(text).hexdigest(), data)

    def find(self, key: str) -> Path | None:
        """The object's file: the one below the folder that shares the longest end with its key."""
        files = self._by_name.get(key.rsplit("/", 1)[-1], [])
        fit = [file for file in files if _ends(key, self.shown(file)) or _ends(self.shown(file), key)]
        return max(fit, key=lambda file: len(self.shown(file)), default=None)


def _ends(path: str, end: str) -> bool:
    return f"/{path}".endswith(f"/{end}")


def inflated(file: Path) -> bytes | None:
    """The text of an object, at most 256 MiB; None when it cannot be read or inflated."""
    try:
        data = file.read_bytes()
        if data[:2] != b"\x1f\x8b":
            return data if len(data) <= _LARGEST else None
        with gzip.open(file) as stream:
            text = stream.read(_LARGEST + 1)
    except (OSError, EOFError, zlib.error):
        return None
    return text if len(text) <= _LARGEST else None


def _check_signature(digest: _Digest, given: Keys, copy: _Copy, made: Verified) -> None:
    if copy.find(digest.key) != digest.file:
        says = f"it says that it is {digest.key}: it was moved, or another one was put in its place"
        made.complaints.append(Complaint("broken", digest.name, says))
    head, metadata = _metadata(digest, given)
    _check_delivery(digest, head, made)
    signature = str(metadata.get("signature", ""))
    key = given.public.get(str(digest.data.get("digestPublicKeyFingerprint")))
    end = _at(digest.end, float("nan"))
    if not signature or key is None or not key.since <= end <= key.until:
        missing = "its signature is not given" if not signature else "its public key is not given"
        says = missing if not signature or key is None else "its public key was not valid at its time"
        made.complaints.append(Complaint("unsigned", digest.name, says))
        return
    place = f"{digest.bucket}/{digest.key}"
    before = digest.data.get("previousDigestSignature") or "null"
    text = f"{digest.end}\n{place}\n{digest.sha256}\n{before}"
    try:
        good = rsa.verifies(key.public, bytes.fromhex(signature), text.encode())
    except ValueError:
        good = False
    if good and metadata.get("signature-algorithm", "SHA256withRSA") == "SHA256withRSA":
        made.signed += 1
    else:
        made.complaints.append(Complaint("broken", digest.name, "its signature does not hold"))


def _check_delivery(digest: _Digest, head: Json, made: Verified) -> None:
    delivered, end = _at(head.get("LastModified"), float("nan")), _at(digest.end, float("nan"))
    if delivered - end > _LATE and not digest.backfill:
        says = f"delivered {(delivered - end) / 3600:.0f} hours after the time that it speaks of"
        made.complaints.append(Complaint("late", digest.name, says))


def _metadata(digest: _Digest, given: Keys) -> tuple[Json, Json]:
    """What is known of its object, and the part that CloudTrail wrote."""
    sidecar = digest.file.with_name(digest.file.name + _META)
    try:
        data = json.loads(sidecar.read_bytes()) if sidecar.is_file() else given.metadata.get(digest.key, {})
    except (OSError, ValueError, RecursionError):
        return {}, {}
    if not isinstance(data, dict):
        return {}, {}
    inner = data.get("Metadata", data)
    return data, inner if isinstance(inner, dict) else {}


def _check_logs(digest: _Digest, before: set[str], copy: _Copy, made: Verified) -> Iterator[str]:
    for entry in digest.data["logFiles"]:
        if not isinstance(entry, dict):
            made.complaints.append(Complaint("broken", digest.name, "an entry of its list names no log file"))
            continue
        key = str(entry.get("s3Object"))
        yield key
        file = copy.find(key)
        text = inflated(file) if file else None
        if file is None:
            made.complaints.append(Complaint("missing", key, f"named by {digest.name}, and not there"))
        elif text is None or hashlib.sha256(text).hexdigest() != entry.get("hashValue"):
            made.complaints.append(Complaint("altered", key, f"not what {digest.name} says was delivered"))
        else:
            made.logs += key not in before
            if digest.backfill:
                made.complaints.append(Complaint("late", key, f"delivered late: named by the backfill {digest.name}"))


def _check_chains(digests: list[_Digest], copy: _Copy, made: Verified) -> None:
    by_place = {(digest.bucket, digest.key): digest for digest in digests}
    chains: dict[tuple[str, str], list[_Digest]] = {}
    for digest in digests:
        chains.setdefault(digest.chain, []).append(digest)
    for _, chain in sorted(chains.items()):
        made.trails.append(_trail(chain))
        for at, digest in enumerate(chain):
            made.complaints += _link(digest, chain[at - 1] if at else None, by_place, copy)


def _trail(chain: list[_Digest]) -> Trail:
    one, match = chain[0], _NAMED.search(chain[0].key)
    region, name = (match["region"], match["trail"]) if match else ("", "")
    account = str(one.data.get("awsAccountId"))
    return Trail(one.bucket, account, region, name, one.backfill, one.start, chain[-1].end, len(chain))


def _link(
    digest: _Digest, older: _Digest | None, by_place: Mapping[tuple[str, str], _Digest], copy: _Copy
) -> Iterator[Complaint]:
    """What is wrong between a digest and the one it follows; `older` is the one before it by time in its chain."""
    if digest.before is None:
        if older is not None and not digest.backfill:
            says = f"its chain begins again here; what was logged from {older.end} to {digest.start} is in no digest"
            yield Complaint("restarted", digest.name, says)
        return
    previous, key = by_place.get(digest.before), digest.before[1]
    if previous is None:
        there, beyond = copy.find(key) is not None, older is None
        kind = "altered" if there else "beyond" if beyond else "missing"
        says = f"the digest before {digest.name}, {'the oldest one given' if beyond else 'needed for the chain'}"
        yield Complaint(kind, key, says)
    elif previous.sha256 != digest.data.get("previousDigestHashValue"):
        yield Complaint("altered", previous.key, f"not the digest that {digest.name} follows")
    elif _at(digest.start, 0.0) > _at(previous.end, 0.0) and not digest.backfill:
        yield Complaint("gap", digest.name, f"no digest speaks of the time from {previous.end} to {digest.start}")
