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

_LARGEST = 256 << 20
_DIGEST = re.compile(r"_CloudTrail-Digest_|/CloudTrail-Digest/")
_LOG = re.compile(r"_CloudTrail_[a-z0-9-]+_\d{8}T\d{4}Z_\w+\.json(?:\.gz)?$")
_META = ".meta.json"
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Complaint:
    """One thing that does not hold, by the object's name."""

    kind: str
    """
    altered, missing, broken (signature or place), late (backfilled), unlisted, unsigned (could not be checked), beyond
    (the digest before the oldest one given).
    """
    name: str
    says: str


@dataclass(frozen=True, slots=True)
class Keys:
    """Public keys by fingerprint, and the metadata of digests by key of the object."""

    public: Mapping[str, rsa.PublicKey] = field(default_factory=dict)
    metadata: Mapping[str, Json] = field(default_factory=dict)


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
    complaints: list[Complaint] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Everything is there, unaltered, and in an unbroken chain; says nothing about signatures."""
        return self.digests > 0 and not any(one.kind in ("altered", "missing", "broken") for one in self.complaints)

    @property
    def proven(self) -> bool:
        """And every digest is signed by a given key."""
        return self.ok and self.signed == self.digests


def keys(text: bytes) -> Keys:
    """The keys in a file as `aws cloudtrail list-public-keys` prints it, and its `objects`; ConfigError otherwise."""
    try:
        data = json.loads(text)
        found = {str(one["Fingerprint"]): rsa.public_key(str(one["Value"])) for one in data["PublicKeyList"]}
        return Keys(found, dict(data.get("objects", {})))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as problem:
        raise ConfigError(
            f"the keys cannot be used: {problem}", hint="give the output of `aws cloudtrail list-public-keys`"
        ) from None


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
    for digest in digests:
        made.digests += 1
        made.first, made.last = made.first or digest.start, digest.end
        _check_signature(digest, given, copy, made)
        listed |= set(_check_logs(digest, copy, made))
    _check_chain(digests, copy, made)
    for name in copy.logs():
        if not any(name.endswith(key) or key.endswith(name) for key in _of_name(listed, name)):
            made.complaints.append(Complaint("unlisted", name, "no digest names this log file"))
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
    def backfill(self) -> bool:
        return "_backfill" in self.key


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

    def logs(self) -> list[str]:
        return [self.shown(file) for name, files in self._by_name.items() if _LOG.search(name) for file in files]

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
        fit = [file for file in files if key.endswith(self.shown(file)) or self.shown(file).endswith(key)]
        return max(fit, key=lambda file: len(self.shown(file)), default=None)


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
    metadata = _metadata(digest, given)
    signature = str(metadata.get("signature", ""))
    key = given.public.get(str(digest.data.get("digestPublicKeyFingerprint")))
    if not signature or key is None:
        missing = "its signature is not given" if not signature else "its public key is not given"
        made.complaints.append(Complaint("unsigned", digest.name, missing))
        return
    place = f"{digest.data.get('digestS3Bucket')}/{digest.key}"
    before = digest.data.get("previousDigestSignature") or "null"
    text = f"{digest.end}\n{place}\n{digest.sha256}\n{before}"
    try:
        good = rsa.verifies(key, bytes.fromhex(signature), text.encode())
    except ValueError:
        good = False
    if good and metadata.get("signature-algorithm", "SHA256withRSA") == "SHA256withRSA":
        made.signed += 1
    else:
        made.complaints.append(Complaint("broken", digest.name, "its signature does not hold"))


def _metadata(digest: _Digest, given: Keys) -> Json:
    sidecar = digest.file.with_name(digest.file.name + _META)
    try:
        data = json.loads(sidecar.read_bytes()) if sidecar.is_file() else given.metadata.get(digest.key, {})
    except (OSError, ValueError, RecursionError):
        return {}
    inner = data.get("Metadata", data) if isinstance(data, dict) else {}
    return inner if isinstance(inner, dict) else {}


def _check_logs(digest: _Digest, copy: _Copy, made: Verified) -> Iterator[str]:
    for entry in digest.data["logFiles"]:
        if not isinstance(entry, dict):
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
            made.logs += 1
            if digest.backfill:
                made.complaints.append(Complaint("late", key, f"delivered late: named by the backfill {digest.name}"))


def _check_chain(digests: list[_Digest], copy: _Copy, made: Verified) -> None:
    by_key = {digest.key: digest for digest in digests}
    for digest in digests:
        before = digest.data.get("previousDigestS3Object")
        if not before:
            continue
        previous = by_key.get(str(before))
        if previous is None:
            there = copy.find(str(before)) is not None
            beyond = not there and digest is digests[0]
            kind = "altered" if there else "beyond" if beyond else "missing"
            says = f"the digest before {digest.name}, {'the oldest one given' if beyond else 'needed for the chain'}"
            made.complaints.append(Complaint(kind, str(before), says))
        elif previous.sha256 != digest.data.get("previousDigestHashValue"):
            made.complaints.append(Complaint("altered", previous.key, f"not the digest that {digest.name} follows"))


def _of_name(listed: set[str], name: str) -> Iterator[str]:
    last = name.rsplit("/", 1)[-1]
    return (key for key in listed if key.endswith("/" + last) or key == last)
