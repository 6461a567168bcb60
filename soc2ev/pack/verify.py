"""
Check an evidence pack with nothing but Python: python3 verify.py PACK [--key VKEY]... [--format json].

PACK is the folder or a zip of it. It checks that every file is there and is the one that was written (BagIt,
RFC 8493), that the journal of the evidence is an unbroken chain whose RFC 6962 tree has the root that its
checkpoint states, that all raw evidence stands in that journal, and the signatures, where there are any (C2SP
signed notes, Ed25519 of RFC 8032). Without --key it trusts nobody's signature: then a whole forgery, made
consistently, would pass, and it says so. It does not judge anything again: `soc2ev verify PACK` does that too.
Exit 0 fine, 2 usage, 6 the pack does not verify.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TypedDict

VAULT = "data/99_Integrity/vault/"
UNLISTED = ("tagmanifest-sha256.txt", "pack.note")
BAGIT = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
_LIMIT = 2 * 1024**3
_CHUNK = 1024 * 1024


class Files:
    """The files of a pack, in a folder or in a zip whose members all lie in one folder."""

    def __init__(self, path: Path) -> None:
        self.problems: list[str] = []
        self._zip = zipfile.ZipFile(path) if path.is_file() else None
        self._paths: dict[str, Path | zipfile.ZipInfo] = {}
        for name, place in self._members() if self._zip else self._walk(path):
            if name in self._paths:
                self.problems.append(f"{name}: stands in the archive twice")
            self._paths[name] = place

    def _members(self) -> Iterator[tuple[str, zipfile.ZipInfo]]:
        """Files by their names below the one folder that holds the pack."""
        members = self._zip.infolist() if self._zip else []
        tops = {member.filename.partition("/")[0] for member in members}
        if len(tops) > 1:
            self.problems.append(f"the archive holds {len(tops)} folders or files at its top, not one pack")
        for member in members:
            if not member.is_dir():
                top, _, name = member.filename.partition("/")
                yield (name or top), member

    def _walk(self, root: Path) -> Iterator[tuple[str, Path]]:
        for place in sorted(root.rglob("*")):
            name = place.relative_to(root).as_posix()
            if place.is_symlink() or not (place.is_file() or place.is_dir()):
                self.problems.append(f"{name}: a pack holds regular files only")
            elif place.is_file():
                yield name, place

    def names(self) -> list[str]:
        """Every file, sorted."""
        return sorted(self._paths)

    def read(self, name: str) -> bytes:
        """A file whole."""
        return b"".join(self.chunks(name))

    def chunks(self, name: str) -> Iterator[bytes]:
        """A file in parts, and no more than the limit of it."""
        size = 0
        with self._open(self._paths[name]) as stream:
            while chunk := stream.read(_CHUNK):
                size += len(chunk)
                if size > _LIMIT:
                    raise ValueError(f"{name}: larger than {_LIMIT} bytes")
                yield chunk

    def _open(self, place: Path | zipfile.ZipInfo) -> IO[bytes]:
        if isinstance(place, Path):
            return place.open("rb")
        assert self._zip is not None  # noqa: S101
        return self._zip.open(place)

    def sha256(self, name: str) -> str:
        """Digest of a file."""
        digest = hashlib.sha256()
        for chunk in self.chunks(name):
            digest.update(chunk)
        return digest.hexdigest()


class Found(TypedDict):
    """What holds and what does not."""

    ok: bool
    grade: str
    files: int
    lines: int
    signed_by: list[str]
    problems: list[str]


def check(path: Path, keys: list[str]) -> Found:
    """What holds and what does not: ok, grade, files, lines, signed_by, problems."""
    problems: list[str] = []
    try:
        files = Files(path)
        problems += files.problems
        manifest = _bag(files, problems)
        lines, root, heads = _journal(files, manifest, problems)
        signed = _signatures(files, root, heads, keys, problems)
    except (
        OSError,
        ValueError,
        KeyError,
        zipfile.BadZipFile,
        EOFError,
        RuntimeError,
        NotImplementedError,
        binascii.Error,
    ) as problem:
        problems.append(f"{type(problem).__name__}: {problem}")
        manifest, lines, signed = {}, 0, []
    grade = (
        "G2 signed by a key that you named"
        if keys and signed and not problems
        else "G1 consistent, unauthenticated: no key was named"
    )
    return {
        "ok": not problems,
        "grade": grade if not problems else "G0 does not verify",
        "files": len(manifest),
        "lines": lines,
        "signed_by": signed,
        "problems": problems[:100],
    }


def _bag(files: Files, problems: list[str]) -> dict[str, str]:
    """The payload manifest, after every file was compared with it."""
    names = files.names()
    if "bagit.txt" not in names or files.read("bagit.txt") != BAGIT:
        problems.append("bagit.txt: missing or not the one that was written")
    payload = [name for name in names if name.startswith("data/")]
    tags = [name for name in names if not name.startswith("data/") and name not in UNLISTED]
    listed = _manifest(files, "manifest-sha256.txt", payload, problems)
    _manifest(files, "tagmanifest-sha256.txt", tags, problems)
    return listed


def _manifest(files: Files, name: str, present: list[str], problems: list[str]) -> dict[str, str]:
    if name not in files.names():
        problems.append(f"{name}: missing")
        return {}
    text = files.read(name).decode("utf-8", "replace")
    listed = {line[66:]: line[:64] for line in text.splitlines()}
    if text != "".join(f"{listed[path]}  {path}\n" for path in sorted(listed)):
        problems.append(f"{name}: not in the form in which it was written")
    problems += [f"{path}: missing" for path in sorted(set(listed) - set(present))]
    problems += [f"{path}: is not listed in {name}" for path in sorted(set(present) - set(listed))]
    problems += [f"{path}: changed" for path in present if path in listed and files.sha256(path) != listed[path]]
    return listed


def _journal(files: Files, manifest: dict[str, str], problems: list[str]) -> tuple[int, str, dict[int, str]]:
    """Number of lines, root of the tree, and the roots that checkpoints state, by size."""
    segments = [name for name in files.names() if name.startswith(f"{VAULT}journal/")]
    previous, leaves, bodies = "0" * 64, list[bytes](), set[str]()
    for segment in segments:
        body = files.read(segment)
        if not body.endswith(b"\n"):
            problems.append(f"{segment}: its last line is cut off")
        for line in body.split(b"\n")[:-1]:
            entry = json.loads(line)
            if entry["seq"] != len(leaves) or entry["prev"] != previous:
                problems.append(f"{segment}: line {len(leaves)} does not follow the line before")
            previous = hashlib.sha256(line).hexdigest()
            leaves.append(hashlib.sha256(b"\x00" + line).digest())
            if "body" in entry:
                bodies.add(entry["body"]["sha256"])
    raw = [name for name in manifest if "/raw/" in name and name in files.names()]
    problems += [f"{name}: stands in no line of the journal" for name in raw if manifest[name] not in bodies]
    heads = _checkpoints(files, leaves, problems)
    if not heads or max(heads) != len(leaves):
        problems.append("the journal goes on after its newest checkpoint, or the checkpoint is missing")
    return len(leaves), _root(leaves).hex(), heads


def _checkpoints(files: Files, leaves: list[bytes], problems: list[str]) -> dict[int, str]:
    heads = {}
    for name in files.names():
        if name.startswith(f"{VAULT}checkpoints/"):
            body = files.read(name).decode("utf-8")
            lines = body.split("\n")
            size, root = int(lines[1]), base64.b64decode(lines[2], validate=True)
            if name != f"{VAULT}checkpoints/{size}.note" or size > len(leaves) or _root(leaves[:size]) != root:
                problems.append(f"{name}: the journal does not have the root that it states")
            heads[size] = body
    return heads


def _root(leaves: list[bytes]) -> bytes:
    """The Merkle tree hash of RFC 6962, section 2.1."""
    if len(leaves) < 2:  # noqa: PLR2004
        return leaves[0] if leaves else hashlib.sha256(b"").digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + _root(leaves[:split]) + _root(leaves[split:])).digest()


def _signatures(files: Files, root: str, heads: dict[int, str], keys: list[str], problems: list[str]) -> list[str]:
    """Names of the keys given that signed both the pack and its newest checkpoint."""
    info = files.read("bag-info.txt").decode("utf-8") if "bag-info.txt" in files.names() else ""
    claimed = next((line[18:] for line in info.splitlines() if line.startswith("Soc2ev-Signed-By: ")), "nobody")
    note = files.read("pack.note").decode("utf-8") if "pack.note" in files.names() else ""
    if (claimed != "nobody") != bool(note):
        problems.append("pack.note: missing, or added later")
    if note and not note.startswith(statement(files.sha256("tagmanifest-sha256.txt"), root)):
        problems.append("pack.note: signs another pack")
    newest = heads[max(heads)] if heads else ""
    inside = [files.read(name).decode() for name in files.names() if name.startswith(f"{VAULT}keys/")]
    if note and not _signers(note, inside):
        problems.append("pack.note: its signature does not hold")
    signed = sorted(_signers(note, keys) & _signers(newest, keys))
    if keys and not signed:
        problems.append("not signed by a key that you named")
    return signed


def statement(tagmanifest: str, root: str) -> str:
    """The text that a signed pack signs: all its files, and the journal behind them."""
    return f"soc2ev pack\n{tagmanifest}\n{root}\n"


def _signers(note: str, keys: list[str]) -> set[str]:
    """Names of the keys whose signature stands under the note (c2sp.org/signed-note)."""
    text, _, signatures = note.rpartition("\n\n")
    found = set()
    for key in (one.strip() for one in keys):
        name, _, rest = key.partition("+")
        public = base64.b64decode(rest.partition("+")[2])[1:]
        hint = hashlib.sha256(name.encode() + b"\n\x01" + public).digest()[:4]
        for line in signatures.splitlines():
            if line.startswith(f"\u2014 {name} "):
                blob = base64.b64decode(line.rpartition(" ")[2], validate=True)
                if blob[:4] == hint and _ed25519(public, (text + "\n").encode(), blob[4:]):
                    found.add(name)
    return found


# Ed25519 of RFC 8032, section 5.1, verification only; public values, so time does not matter.
_P = 2**255 - 19
_Q = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P
_SQRT = pow(2, (_P - 1) // 4, _P)


def _add(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % _P, (a[1] + a[0]) * (b[1] + b[0]) % _P
    g, h = 2 * a[3] * b[3] * _D % _P, 2 * a[2] * b[2] % _P
    return (f - e) * (h - g) % _P, (h + g) * (f + e) % _P, (h - g) * (h + g) % _P, (f - e) * (f + e) % _P


def _times(scalar: int, point: tuple[int, ...]) -> tuple[int, ...]:
    total: tuple[int, ...] = (0, 1, 1, 0)
    while scalar:
        total = _add(total, point) if scalar & 1 else total
        point, scalar = _add(point, point), scalar >> 1
    return total


def _point(packed: bytes) -> tuple[int, ...] | None:
    y = int.from_bytes(packed, "little") & (1 << 255) - 1
    square = (y * y - 1) * pow(_D * y * y + 1, _P - 2, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    x = x if x * x % _P == square else x * _SQRT % _P
    if y >= _P or x * x % _P != square or (x == 0 and packed[31] >> 7):
        return None
    x = _P - x if x & 1 != packed[31] >> 7 else x
    return x, y, 1, x * y % _P


def _ed25519(public: bytes, message: bytes, signature: bytes) -> bool:
    if len(public) != 32 or len(signature) != 64:  # noqa: PLR2004
        return False
    key, commitment = _point(public), _point(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    base = _point(bytes([0x58]) + bytes([0x66]) * 31)
    if key is None or commitment is None or base is None or scalar >= _Q:
        return False
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % _Q
    left, right = _times(scalar, base), _add(commitment, _times(challenge, key))
    return (left[0] * right[2] - right[0] * left[2]) % _P == 0 and (left[1] * right[2] - right[1] * left[2]) % _P == 0


def _key_text(given: str) -> str:
    return Path(given).read_text(encoding="utf-8").strip() if Path(given).is_file() else given


def main(arguments: list[str]) -> int:
    """The command line; the exit code."""
    keys, paths, as_json = [], [], False
    rest = iter(arguments)
    for word in rest:
        if word == "--key":
            keys.append(_key_text(next(rest, "")))
        elif word == "--format":
            as_json = next(rest, "") == "json"
        else:
            paths.append(word)
    if len(paths) != 1 or not Path(paths[0]).exists():
        print(__doc__, file=sys.stderr)
        return 2
    found = check(Path(paths[0]), keys)
    if as_json:
        print(json.dumps(found, indent=2))
    else:
        for problem in found["problems"]:
            print(f"PROBLEM  {problem!a}")
        state = "holds" if found["ok"] else "DOES NOT VERIFY"
        print(f"{state}: {found['files']} files, {found['lines']} lines; grade {found['grade']}")
    return 0 if found["ok"] else 6


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
