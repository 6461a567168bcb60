"""CloudTrail's digests as whole buckets have them: several chains, restarts, keys that ended, things that were added."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from soc2ev.logs import digests

BEGIN = datetime(2026, 10, 5, tzinfo=UTC)


@cache
def private(number: int = 0) -> rsa.RSAPrivateKey:
    """A key for the tests; making one takes a tenth of a second."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def key_list(**further) -> dict:
    """As `aws cloudtrail list-public-keys` prints it."""
    der = private(0).public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
    return {"PublicKeyList": [{"Value": base64.b64encode(der).decode(), "Fingerprint": "ab12", **further}]}


def digest_of(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


@dataclass
class Chain:
    """One trail in one region, digest after digest, as the user guide says that CloudTrail writes them."""

    root: object
    region: str = "eu-west-1"
    account: str = "111122223333"
    trail: str = "org_main"
    bucket: str = "logs-b"
    prefix: str = "audit/AWSLogs/o-abc123/111122223333"
    previous: tuple | None = None
    keys: list = field(default_factory=list)

    def hour(self, number: int, logs: int = 2, *, backfill: bool = False, signer: int = 0, change=None, listed=None):
        """The digest of that hour with so many log files; the digest's path. `change` edits it before it is signed."""
        end = BEGIN + timedelta(hours=number + 1)
        tail = f"{end:%Y%m%dT%H%M%SZ}{'_backfill' if backfill else ''}.json.gz"
        name = f"{self.account}_CloudTrail-Digest_{self.region}_{self.trail}_eu-west-1_{tail}"
        key = f"{self.prefix}/CloudTrail-Digest/{self.region}/{end:%Y/%m/%d}/{name}"
        files = [self.log(number, at) for at in range(logs)] if listed is None else listed
        data = {
            "awsAccountId": self.account,
            "digestStartTime": f"{end - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}",
            "digestEndTime": f"{end:%Y-%m-%dT%H:%M:%SZ}",
            "digestS3Bucket": self.bucket,
            "digestS3Object": key,
            "digestPublicKeyFingerprint": "ab12",
            "digestSignatureAlgorithm": "SHA256withRSA",
            "newestEventTime": None,
            "oldestEventTime": None,
            "previousDigestS3Bucket": self.bucket if self.previous else None,
            "previousDigestS3Object": self.previous[0] if self.previous else None,
            "previousDigestHashValue": self.previous[1] if self.previous else None,
            "previousDigestHashAlgorithm": "SHA-256" if self.previous else None,
            "previousDigestSignature": self.previous[2] if self.previous else None,
            "logFiles": files,
        }
        if change:
            change(data)
        text = json.dumps(data).encode()
        signed = "\n".join(
            (data["digestEndTime"], f"{self.bucket}/{key}", digest_of(text), data["previousDigestSignature"] or "null")
        )
        signature = private(signer).sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()).hex()
        head = {
            "LastModified": f"{end + timedelta(minutes=20):%Y-%m-%dT%H:%M:%S+00:00}",
            "Metadata": {"signature": signature, "signature-algorithm": "SHA256withRSA"},
        }
        self.previous = (key, digest_of(text), signature)
        self.put(f"{key}.meta.json", json.dumps(head).encode())
        return self.put(key, gzip.compress(text))

    def log(self, number: int, at: int) -> dict:
        when = BEGIN + timedelta(hours=number, minutes=5 * at + 5)
        name = f"{self.account}_CloudTrail_{self.region}_{when:%Y%m%dT%H%MZ}_AbcdefGh{number:04}{at:04}.json.gz"
        key = f"{self.prefix}/CloudTrail/{self.region}/{when:%Y/%m/%d}/{name}"
        text = json.dumps({"Records": [{"eventName": f"Create{number}{at}", "awsRegion": self.region}]}).encode()
        self.put(key, gzip.compress(text))
        return {"s3Bucket": self.bucket, "s3Object": key, "hashValue": digest_of(text), "hashAlgorithm": "SHA-256"}

    def put(self, key: str, data: bytes):
        file = self.root / key
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        return file


@pytest.fixture
def chain(tmp_path):
    """Three hours of one trail, the second without events."""
    made = Chain(tmp_path / "copy")
    for number, logs in enumerate((2, 0, 2)):
        made.hour(number, logs)
    return made


def told(chain: Chain, keys: dict | None = None):
    found = digests.verify_digests(chain.root, digests.keys(json.dumps(keys or key_list()).encode()))
    return found, sorted(one.kind for one in found.complaints)


def logs_of(chain: Chain) -> list:
    return sorted(file for file in chain.root.rglob("*_CloudTrail_*.json.gz"))


def edit(file, change) -> None:
    file.write_bytes(gzip.compress(change(gzip.decompress(file.read_bytes()))))


def test_an_hour_without_events_belongs_to_the_chain(chain):
    """A digest that names no log file is one as the others."""
    found, kinds = told(chain)
    assert (True, 3, 4, []) == (found.proven, found.digests, found.logs, kinds)


@pytest.mark.parametrize(
    "other",
    [
        {"region": "us-east-1"},
        {"trail": "second"},
        {"account": "444455556666", "prefix": "audit/AWSLogs/o-abc123/444455556666"},
    ],
)
def test_chains_of_several_regions_trails_and_accounts_have_each_their_beginning(chain, other):
    """That the copy begins in the midst of two chains makes neither of them incomplete; each is shown with its end."""
    second = Chain(chain.root, **other)
    for number in range(5):
        second.hour(number, logs=0 if "trail" in other else 1)
    for one in (chain, second):
        first = min(one.root.rglob(f"{one.account}_CloudTrail-Digest_{one.region}_{one.trail}_*.json.gz"))
        for entry in json.loads(gzip.decompress(first.read_bytes()))["logFiles"]:
            (one.root / entry["s3Object"]).unlink()
        first.unlink()
    found, kinds = told(chain)
    assert (["beyond", "beyond"], True) == (kinds, found.proven)
    assert {("2026-10-05T03:00:00Z", 2), ("2026-10-05T05:00:00Z", 4)} == {(t.last, t.digests) for t in found.trails}
    assert {(chain.account, chain.region, "org_main"), (second.account, second.region, second.trail)} == {
        (one.account, one.region, one.name) for one in found.trails
    }


def test_a_chain_that_begins_again_leaves_time_unproven(chain):
    """A trail that was stopped begins with no digest before it: nothing was altered, and not everything is proven."""
    chain.previous = None
    chain.hour(5)
    found, kinds = told(chain)
    assert (["restarted"], True, False) == (kinds, found.ok, found.proven)
    assert "2026-10-05T03:00:00Z to 2026-10-05T05:00:00Z" in found.complaints[0].says


def test_a_digest_that_begins_after_the_one_before_ended_leaves_a_gap(chain):
    """Linked and signed, and yet no digest speaks of the hours between."""
    chain.hour(6)
    found, kinds = told(chain)
    assert (["gap"], True, False) == (kinds, found.ok, found.proven)


def test_a_log_file_that_was_added_is_never_proven(chain):
    """By the name of its place alone, too: the records in it are of nobody knows whom."""
    chain.log(1, 7)
    assert (["unlisted"], True, False) == (told(chain)[1], told(chain)[0].ok, told(chain)[0].proven)
    file = chain.put(f"{chain.prefix}/CloudTrail/eu-west-1/2026/10/05/anything.json.gz", gzip.compress(b"{}"))
    assert ["unlisted", "unlisted"] == told(chain)[1]
    file.unlink()
    chain.put("other.json.gz", b"of another service")
    assert ["unlisted"] == told(chain)[1]


def test_a_log_packed_anew_is_what_was_delivered(chain):
    """The user guide hashes the uncompressed text; one byte more in it is another text."""
    file = logs_of(chain)[0]
    text = gzip.decompress(file.read_bytes())
    file.write_bytes(gzip.compress(text, 1, mtime=7))
    assert told(chain)[0].proven
    file.write_bytes(gzip.compress(text) + gzip.compress(b" "))
    assert ["altered"] == told(chain)[1]


def test_every_byte_of_a_log_and_of_a_digest_counts(chain):
    """Wherever one is flipped in what was delivered, something does not hold."""
    log, digest = logs_of(chain)[0], sorted(chain.root.rglob("*Digest_*.json.gz"))[1]
    for file in (log, digest):
        kept = file.read_bytes()
        text = gzip.decompress(kept)
        for at in range(0, len(text), 41):
            edit(file, lambda text, at=at: bytes([*text[:at], text[at] ^ 1, *text[at + 1 :]]))
            assert not told(chain)[0].ok
        file.write_bytes(kept)
    assert told(chain)[0].proven


def test_a_log_that_two_digests_name_is_counted_once(chain):
    """The same hash twice is no contradiction; another hash is."""
    again = chain.log(0, 0)
    chain.hour(3, listed=[again, again])
    found, kinds = told(chain)
    assert (4, [], True) == (found.logs, kinds, found.proven)
    chain.hour(4, listed=[{**again, "hashValue": "0" * 64}])
    assert ["altered"] == told(chain)[1]


@pytest.mark.parametrize(
    ("validity", "proven"),
    [
        ({"ValidityStartTime": "2026-10-01T00:00:00+00:00", "ValidityEndTime": "2026-11-01T00:00:00+00:00"}, True),
        ({"ValidityStartTime": 1790812800.0, "ValidityEndTime": 1793491200.0}, True),
        ({"ValidityStartTime": "2025-10-01T00:00:00+00:00", "ValidityEndTime": "2026-10-01T00:00:00+00:00"}, False),
        ({"ValidityStartTime": "2026-10-05T02:30:00+00:00"}, False),
        ({"ValidityEndTime": "soon"}, False),
    ],
)
def test_a_key_counts_while_it_was_valid(chain, validity, proven):
    """A digest of another time is not signed by it, and what nobody signed is unknown, not altered."""
    found, kinds = told(chain, key_list(**validity))
    assert (proven, True, set() if proven else {"unsigned"}) == (found.proven, found.ok, set(kinds))


@pytest.mark.parametrize(
    ("change", "kinds"),
    [
        ({"previousDigestHashValue": "0" * 64}, ["altered"]),
        ({"previousDigestS3Object": "AWSLogs/x/elsewhere.json.gz"}, ["missing"]),
        ({"digestS3Bucket": "another"}, ["broken"]),
        ({"logFiles": ["x"]}, ["broken", "unlisted", "unlisted"]),
    ],
)
def test_a_digest_that_does_not_fit_is_named(chain, change, kinds):
    """Even with a good signature."""
    chain.hour(3, change=lambda data: data.update(change))
    found, said = told(chain)
    assert (kinds, False) == ([kind for kind in said if kind != "beyond"], found.ok)


def test_an_end_that_was_moved_breaks_the_signature(chain):
    """The time that a digest speaks of is part of what is signed."""
    last = max(chain.root.rglob("*Digest_*.json.gz"))
    edit(last, lambda text: text.replace(b'"digestEndTime": "2026-10-05T03', b'"digestEndTime": "2026-10-05T09'))
    assert (["broken"], False) == (told(chain)[1], told(chain)[0].ok)


def test_a_digest_signed_with_another_key_is_broken(chain):
    """Under the same fingerprint."""
    chain.hour(3, signer=1)
    assert (["broken"], False) == (told(chain)[1], told(chain)[0].ok)


def test_a_digest_that_came_hours_later_is_late(chain):
    """By its object's time; it is proven as the others are."""
    key = chain.hour(3)
    meta = key.with_name(key.name + ".meta.json")
    meta.write_text(meta.read_text().replace("2026-10-05T04:20", "2026-10-05T11:20"))
    found, kinds = told(chain)
    assert (["late"], True) == (kinds, found.proven)
    assert "7 hours" in found.complaints[0].says


def test_backfills_are_a_chain_of_their_own(chain):
    """Two of them, linked to each other and hours apart, leave no gap; their logs are late."""
    kept, chain.previous = chain.previous, None
    chain.hour(10, 1, backfill=True)
    chain.hour(15, 1, backfill=True)
    chain.previous = kept
    chain.hour(3)
    found, kinds = told(chain)
    assert (["late", "late"], True, {(False, 4), (True, 2)}) == (
        kinds,
        found.proven,
        {(one.backfill, one.digests) for one in found.trails},
    )


def test_a_file_of_another_folder_is_no_copy_of_a_log(chain):
    """The end of a key has to be whole names."""
    log = logs_of(chain)[0]
    moved = chain.root / f"x{log.relative_to(chain.root).as_posix()}"
    moved.parent.mkdir(parents=True)
    log.rename(moved)
    assert ["missing", "unlisted"] == told(chain)[1]


def test_many_logs_take_no_time_by_the_square(tmp_path):
    """What a digest names is looked up, not searched for."""
    made = Chain(tmp_path / "copy")
    for number in range(20):
        made.hour(number, 100)
    found, kinds = told(made)
    assert (2_000, []) == (found.logs, kinds)


def test_the_command_shows_each_chain(soc2ev, chain, tmp_path):
    """With its end, and 5 for what is not proven."""
    (tmp_path / "keys.json").write_text(json.dumps(key_list()))
    words = ("logs", "verify", "copy", "--keys", "keys.json")
    done = soc2ev(*words, cwd=tmp_path)
    assert 0 == done.code
    assert "logs-b 111122223333 eu-west-1 org_main: 3 digests, 2026-10-05T00:00:00Z to 2026-10-05T03:00:00Z" in done.out
    chain.log(1, 7)
    done = soc2ev(*words, "--format", "json", cwd=tmp_path)
    assert (5, "org_main") == (done.code, json.loads(done.out)["trails"][0]["name"])
    assert "files that no digest names" in done.err


def test_the_command_says_the_same_of_many_once(soc2ev, tmp_path):
    """Without keys nothing is signed, which is said of four and counted; what was altered is named each time."""
    made = Chain(tmp_path / "copy")
    for number in range(9):
        made.hour(number, 1)
    done = soc2ev("logs", "verify", "copy", cwd=tmp_path)
    assert (5, 5) == (done.code, done.out.count("its public key is not given"))
    assert "and 5 more" in done.out
    for log in logs_of(made)[:7]:
        edit(log, lambda text: text.replace(b"Create", b"Delete"))
    done = soc2ev("logs", "verify", "copy", cwd=tmp_path)
    assert (6, 7) == (done.code, sum(line.startswith("altered") for line in done.out.splitlines()))
