"""Chains: CloudTrail's digest files and hashes in JSON lines, with every change named."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from dataclasses import dataclass
from functools import cache

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from soc2ev.errors import ConfigError
from soc2ev.logs import digests
from soc2ev.logs.rsa import PublicKey, public_key, verifies

from .samples import cloudtrail, line

BUCKET = "acme-trail"
PREFIX = "AWSLogs/123456789012"


@cache
def private(number: int = 0) -> rsa.RSAPrivateKey:
    """A key for the tests; making one takes a tenth of a second."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def spelled(key: rsa.RSAPrivateKey) -> str:
    """The public key as CloudTrail gives it: PKCS#1 in DER in base64."""
    der = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
    return base64.b64encode(der).decode()


def public_keys(key: rsa.RSAPrivateKey, **further) -> bytes:
    return json.dumps({"PublicKeyList": [{"Value": spelled(key), "Fingerprint": "f1"}], **further}).encode()


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@dataclass
class Trail:
    """A copy of a bucket with a digest for every hour, made as CloudTrail makes it."""

    folder: object
    previous: tuple[str, str, str] | None = None

    def hour(self, at: int, *, backfill: bool = False) -> str:
        """Two log files and their digest; the digest's key."""
        listed = [self.log(at, part) for part in range(2)]
        key = f"{PREFIX}/CloudTrail-Digest/us-east-1/2026/10/05/123456789012_CloudTrail-Digest_us-east-1_main_us-east-1_20261005T{at:02}0000Z{'_backfill' if backfill else ''}.json.gz"
        before = self.previous or (None, None, None)
        data = {
            "awsAccountId": "123456789012",
            "digestStartTime": f"2026-10-05T{at:02}:00:00Z",
            "digestEndTime": f"2026-10-05T{at + 1:02}:00:00Z",
            "digestS3Bucket": BUCKET,
            "digestS3Object": key,
            "digestPublicKeyFingerprint": "f1",
            "digestSignatureAlgorithm": "SHA256withRSA",
            "previousDigestS3Bucket": BUCKET if before[0] else None,
            "previousDigestS3Object": before[0],
            "previousDigestHashValue": before[1],
            "previousDigestHashAlgorithm": "SHA-256",
            "previousDigestSignature": before[2],
            "logFiles": listed,
        }
        text = json.dumps(data).encode()
        signed = f"{data['digestEndTime']}\n{BUCKET}/{key}\n{sha(text)}\n{before[2] or 'null'}".encode()
        signature = private().sign(signed, padding.PKCS1v15(), hashes.SHA256()).hex()
        self.put(key, gzip.compress(text))
        meta = {"Metadata": {"signature": signature, "signature-algorithm": "SHA256withRSA"}}
        self.put(f"{key}.meta.json", json.dumps(meta).encode())
        self.previous = (key, sha(text), signature)
        return key

    def log(self, at: int, part: int) -> dict[str, str]:
        key = f"{PREFIX}/CloudTrail/us-east-1/2026/10/05/123456789012_CloudTrail_us-east-1_20261005T{at:02}{part * 5 + 5:02}Z_Abcdefgh1234567{part}.json.gz"
        text = line({"Records": [cloudtrail("CreateUser", at=f"2026-10-05T{at:02}:0{part}:00Z")]})
        self.put(key, gzip.compress(text))
        return {"s3Bucket": BUCKET, "s3Object": key, "hashValue": sha(text), "hashAlgorithm": "SHA-256"}

    def put(self, key: str, data: bytes) -> None:
        file = self.folder / key
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)


@pytest.fixture
def trail(tmp_path):
    """Four hours of a trail."""
    made = Trail(tmp_path / "copy")
    for at in range(4):
        made.hour(at)
    return made


def verified(trail: Trail, given: bytes | None = None):
    found = digests.verify_digests(trail.folder, digests.keys(given or public_keys(private())))
    return found, {(one.kind, one.name.rsplit("/", 1)[-1]) for one in found.complaints}


def logs_of(trail: Trail) -> list:
    return sorted(file for file in trail.folder.rglob("*.json.gz") if "_CloudTrail_" in file.name)


def digests_of(trail: Trail) -> list:
    return sorted(file for file in trail.folder.rglob("*Digest_*.json.gz"))


def test_a_whole_chain_is_proven(trail):
    """Signatures, links and hashes hold from the first hour to the last."""
    found, complaints = verified(trail)
    assert (True, True, 4, 4, 8, set()) == (found.ok, found.proven, found.digests, found.signed, found.logs, complaints)
    assert ("2026-10-05T00:00:00Z", "2026-10-05T04:00:00Z") == (found.first, found.last)


def test_an_altered_and_a_missing_log_are_named(trail):
    """By the names of the objects; everything else still verifies."""
    altered, missing = logs_of(trail)[1], logs_of(trail)[4]
    altered.write_bytes(gzip.compress(gzip.decompress(altered.read_bytes()).replace(b"Mary", b"Carl")))
    missing.unlink()
    found, complaints = verified(trail)
    assert {("altered", altered.name), ("missing", missing.name)} == complaints
    assert (False, 6, 4) == (found.ok, found.logs, found.signed)


def test_a_digest_that_was_altered_does_not_verify(trail):
    """Neither its own signature nor the hash in the digest after it hold."""
    second = digests_of(trail)[1]
    second.write_bytes(gzip.compress(gzip.decompress(second.read_bytes()).replace(b"SHA-256", b"SHA-255", 1)))
    found, complaints = verified(trail)
    assert {("broken", second.name), ("altered", second.name)} == complaints
    assert not found.ok


def test_a_digest_that_is_missing_breaks_the_chain(trail):
    """The one after it names it; its logs are no longer named by anything."""
    second = digests_of(trail)[1]
    second.unlink()
    found, complaints = verified(trail)
    assert ("missing", second.name) in complaints
    assert {("unlisted", log.name) for log in logs_of(trail)[2:4]} == complaints - {("missing", second.name)}
    assert not found.ok


def test_the_beginning_of_a_copy_is_no_gap(trail):
    """The digest before the oldest one given lies beyond the copy; that is said, and is no failure."""
    oldest = digests_of(trail)[0]
    oldest.unlink()
    for log in logs_of(trail)[:2]:
        log.unlink()
    found, complaints = verified(trail)
    assert {("beyond", oldest.name)} == complaints
    assert found.proven


def test_a_forged_chain_with_another_key_is_not_proven(trail):
    """Whoever makes all hashes anew has no signature."""
    found, complaints = verified(trail, public_keys(private(1)))
    assert {"broken"} == {kind for kind, _ in complaints}
    assert (False, 0) == (found.ok, found.signed)


def test_without_keys_only_the_hashes_hold(trail):
    """Said for every digest, and never proven."""
    found, complaints = verified(trail, json.dumps({"PublicKeyList": []}).encode())
    assert {"unsigned"} == {kind for kind, _ in complaints}
    assert (True, False) == (found.ok, found.proven)


def test_signatures_may_come_in_the_keys_file(trail):
    """`objects` gives the metadata by the object's key."""
    objects = {}
    for file in trail.folder.rglob("*.meta.json"):
        objects[file.relative_to(trail.folder).as_posix().removesuffix(".meta.json")] = json.loads(file.read_bytes())
        file.unlink()
    assert not verified(trail)[0].proven
    assert verified(trail, public_keys(private(), objects=objects))[0].proven


def test_logs_of_a_backfill_are_late(trail):
    """They verify, and are named as delivered late."""
    trail.hour(5, backfill=True)
    found, complaints = verified(trail)
    assert {"late"} == {kind for kind, _ in complaints}
    assert (2, True) == (len(complaints), found.proven)


def test_a_log_that_no_digest_names_is_told(trail):
    """It may have been put there."""
    trail.log(9, 0)
    assert {"unlisted"} == {kind for kind, _ in verified(trail)[1]}


def test_a_digest_in_anothers_place_is_broken(trail):
    """What a digest says of its own place is part of what was signed."""
    first, second = digests_of(trail)[:2]
    second.write_bytes(first.read_bytes())
    assert ("broken", second.name) in verified(trail)[1]


def test_the_command_tells_and_ends_with_6(soc2ev, trail, tmp_path):
    """0 when proven, 5 without keys, 6 when altered, 2 for keys that are none."""
    (tmp_path / "keys.json").write_bytes(public_keys(private()))
    words = ("logs", "verify", "copy", "--format", "json")
    done = soc2ev(*words, "--keys", "keys.json", cwd=tmp_path)
    assert (0, True, 8) == (done.code, json.loads(done.out)["proven"], json.loads(done.out)["logs"])
    assert 5 == soc2ev(*words, cwd=tmp_path).code
    logs_of(trail)[0].unlink()
    done = soc2ev(*words, "--keys", "keys.json", cwd=tmp_path)
    assert (6, "missing") == (done.code, json.loads(done.out)["problems"][0]["kind"])
    (tmp_path / "keys.json").write_text('{"PublicKeyList": [{"Value": "AAAA", "Fingerprint": "x"}]}')
    assert 2 == soc2ev(*words, "--keys", "keys.json", cwd=tmp_path).code
    (tmp_path / "empty").mkdir()
    assert 5 == soc2ev("logs", "verify", "empty", cwd=tmp_path).code


def test_signatures_are_checked_as_another_library_makes_them():
    """Right ones hold; every changed byte, another message and another length do not."""
    key = public_key(spelled(private()))
    signature = private().sign(b"text", padding.PKCS1v15(), hashes.SHA256())
    assert verifies(key, signature, b"text")
    assert not verifies(key, signature, b"texT")
    assert not any(
        verifies(key, bytes([*signature[:at], signature[at] ^ 1, *signature[at + 1 :]]), b"text")
        for at in range(0, 256, 17)
    )
    assert not verifies(key, b"\0" + signature, b"text")
    assert not verifies(key, (int.from_bytes(signature) + key.n).to_bytes(257), b"text")
    assert not verifies(PublicKey(key.n, 3), signature, b"text")


@pytest.mark.parametrize(
    "text", [b"", b"[]", b'{"PublicKeyList": [1]}', b'{"PublicKeyList": [{"Value": "?", "Fingerprint": "a"}]}']
)
def test_keys_that_are_none_are_refused(text):
    """With a word on what to give."""
    with pytest.raises(ConfigError, match="keys cannot be used"):
        digests.keys(text)


def chain(size: int = 6, *, hashed: str = "json") -> list[bytes]:
    """Records that have the hash of the one before, and their own."""
    rows: list[bytes] = []
    previous = "0" * 64
    for at in range(size):
        record = {"seq": at, "event": "user.login", "name": "Zoë", "prev_hash": previous}
        text = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        row = json.dumps({**record, "hash": sha(text)}).encode() if hashed == "json" else json.dumps(record).encode()
        previous = sha(text) if hashed == "json" else sha(row)
        rows.append(row)
    return rows


@pytest.mark.parametrize("hashed", ["json", "line"])
def test_a_hash_chain_holds_until_something_changes(soc2ev, tmp_path, hashed):
    """An altered record, one taken out and two exchanged are named by line."""
    file = tmp_path / "audit.jsonl"

    def told(rows: list[bytes]) -> tuple[int, list[int]]:
        file.write_bytes(b"\n".join(rows) + b"\n")
        done = soc2ev("logs", "verify", "audit.jsonl", "--hashed", hashed, "--format", "json", cwd=tmp_path)
        return done.code, sorted({one["line"] for one in json.loads(done.out)["problems"]})

    rows = chain(hashed=hashed)
    assert (0, []) == told(rows)
    changed = rows[2].replace(b"user.login", b"user.logon")
    assert (6, [3, 4] if hashed == "json" else [4]) == told([*rows[:2], changed, *rows[3:]])
    assert (6, [4]) == told([*rows[:3], *rows[4:]])
    assert (6, [3, 4, 5]) == told([*rows[:2], rows[3], rows[2], *rows[4:]])
    assert (6, [1]) == told(rows[1:])
    assert 6 == told([*rows[:3], b"broken", *rows[3:]])[0]
    assert (6, []) == told([])


def test_nothing_can_be_slipped_into_a_record_beside_its_hash(soc2ev, tmp_path):
    """A name that stands there twice, and a record from which its own hash was taken so that it could be changed."""
    file = tmp_path / "audit.jsonl"

    def told(rows: list[bytes]) -> tuple[int, list[int]]:
        file.write_bytes(b"\n".join(rows) + b"\n")
        done = soc2ev("logs", "verify", "audit.jsonl", "--format", "json", cwd=tmp_path)
        return done.code, sorted({one["line"] for one in json.loads(done.out)["problems"]})

    rows = chain()
    assert (6, [3, 4]) == told([*rows[:2], rows[2].replace(b'{"seq"', b'{"event": "user.deleted", "seq"'), *rows[3:]])
    last = {**json.loads(rows[-1]), "event": "user.logout"}
    last.pop("hash")
    assert (6, [6]) == told([*rows[:-1], json.dumps(last).encode()])
    assert (6, [6]) == told([*rows[:-1], json.dumps({**last, "hash": None}).encode()])
    bare = [{**json.loads(row)} for row in rows]
    for row in bare:
        row.pop("hash")
    assert (0, []) == told([json.dumps(row).encode() for row in bare])
