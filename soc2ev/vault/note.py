"""
Checkpoints and the notes that carry their signatures, in the formats of C2SP: signed-note and
tlog-checkpoint.

A checkpoint is three lines: the log's origin, its size, the base64 of its root. A signature line is an em
dash, the key's name and the base64 of key id and signature. Without a key the three lines stand alone and
say nothing about who wrote them: everything that shows such a checkpoint calls it unsigned.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from soc2ev.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_ED25519 = b"\x01"
_SIZE = re.compile(r"0|[1-9][0-9]{0,17}")
_MAX_NOTE = 64 * 1024
_MAX_SIGNATURES = 100


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public Ed25519 key with its name."""

    name: str
    key_id: bytes
    public: bytes

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """The key written as `name+hexid+base64(0x01 || public)`; ConfigError for anything else."""
        name, key_id, public = _parts(text.strip().split("+", 2), "verifier key", "new_key prints it as NAME+ID+KEY")
        key = cls(name, _key_id(name, public), public)
        if key.key_id.hex() != key_id:
            raise ConfigError("not a verifier key: its id does not belong to it", hint="copy the whole line again")
        return key

    def text(self) -> str:
        """The line that `parse` reads."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(_ED25519 + self.public).decode()}"

    def accepts(self, signature: bytes, message: bytes) -> bool:
        """Whether the holder of the private key signed the message."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            key: Ed25519PublicKey = Ed25519PublicKey.from_public_bytes(self.public)
            key.verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class Signer:
    """A private Ed25519 key. Its text is never part of a repr or a message."""

    verifier: VerifierKey
    _key: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Signer:
        """The key written as `PRIVATE+KEY+name+hexid+base64(0x01 || seed)`; ConfigError for anything else."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        parts = text.strip().split("+", 4)
        if parts[:2] != ["PRIVATE", "KEY"]:
            raise ConfigError("not a signing key", hint="`soc2ev keys new` writes one")
        name, key_id, seed = _parts(parts[2:], "signing key", "`soc2ev keys new` writes one")
        key = Ed25519PrivateKey.from_private_bytes(seed)
        public = key.public_key().public_bytes_raw()
        verifier = VerifierKey(name, _key_id(name, public), public)
        if verifier.key_id.hex() != key_id:
            raise ConfigError("not a signing key: its id does not belong to it", hint="copy the whole line again")
        return cls(verifier, key)

    def sign(self, text: str) -> str:
        """The signature line, with its line feed, for a text that ends in a line feed."""
        signature = self._key.sign(text.encode())
        packed = base64.b64encode(self.verifier.key_id + signature).decode()
        return f"\u2014 {self.verifier.name} {packed}\n"


def new_key(name: str) -> tuple[str, str]:
    """A fresh key pair: the private key's text and the verifier key's. ConfigError for a bad name."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    _check_name(name)
    key = Ed25519PrivateKey.generate()
    public, seed = key.public_key().public_bytes_raw(), key.private_bytes_raw()
    verifier = VerifierKey(name, _key_id(name, public), public)
    packed = base64.b64encode(_ED25519 + seed).decode()
    return f"PRIVATE+KEY+{name}+{verifier.key_id.hex()}+{packed}", verifier.text()


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log committed to: this many lines have this root."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The three lines that are signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature line: who claims to have signed, and with what."""

    name: str
    key_id: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A checkpoint with its signature lines; nothing is verified yet."""

    checkpoint: Checkpoint
    signatures: tuple[Signature, ...]

    @classmethod
    def parse(cls, data: bytes) -> Note:
        """The note in these bytes; ValueError, with the reason, unless it is written exactly as we would."""
        if len(data) > _MAX_NOTE:
            raise ValueError("larger than a checkpoint can be")
        text, blank, signed = data.decode("utf-8").partition("\n\n")
        lines = text.rstrip("\n").split("\n") if not blank else text.split("\n")
        if len(lines) != 3 or not _SIZE.fullmatch(lines[1]):  # noqa: PLR2004 - origin, size, root
            raise ValueError("not three lines of origin, size and root")
        note = cls(Checkpoint(lines[0], int(lines[1]), _unpack(lines[2])), tuple(_signatures(signed)))
        if len(note.checkpoint.root) != hashlib.sha256().digest_size or note.data() != data:
            raise ValueError("not written as a checkpoint is")
        return note

    def data(self) -> bytes:
        """The bytes that `parse` reads."""
        lines = [f"\u2014 {one.name} {base64.b64encode(one.key_id + one.value).decode()}\n" for one in self.signatures]
        return (self.checkpoint.text() + ("\n" if lines else "") + "".join(lines)).encode()

    def signers(self, keys: Iterable[VerifierKey]) -> tuple[VerifierKey, ...]:
        """
        Those of the keys that signed this note. Signatures of other keys are passed over, as signed-note
        asks.

        ValueError when a signature claims one of the keys and is not its: such a note is rejected as a whole.
        """
        message, found = self.checkpoint.text().encode(), []
        for key in keys:
            claimed = [one for one in self.signatures if (one.name, one.key_id) == (key.name, key.key_id)]
            if any(not key.accepts(one.value, message) for one in claimed):
                raise ValueError(f"the signature of {key.name} is false")
            found += [key] if claimed else []
        return tuple(found)


def sign(checkpoint: Checkpoint, signer: Signer | None) -> bytes:
    """The checkpoint as a signed note, or its bare three lines when there is no signer."""
    text = checkpoint.text()
    return (text if signer is None else f"{text}\n{signer.sign(text)}").encode()


def _signatures(text: str) -> Iterable[Signature]:
    lines = text.split("\n")[:-1]
    if len(lines) > _MAX_SIGNATURES:
        raise ValueError("more signatures than a checkpoint can have")
    for line in lines:
        dash, _, rest = line.partition(" ")
        name, _, packed = rest.partition(" ")
        value = _unpack(packed)
        if dash != "\u2014" or not name or len(value) <= 4:  # noqa: PLR2004 - four bytes of key id
            raise ValueError("a line is no signature")
        yield Signature(name, value[:4], value[4:])


def _unpack(text: str) -> bytes:
    """Strict base64: the unused bits of the last character are zero, so that one value has one spelling."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise ValueError("not base64") from None
    if base64.b64encode(data).decode() != text:
        raise ValueError("not base64 as everyone writes it")
    return data


def _parts(parts: list[str], what: str, hint: str) -> tuple[str, str, bytes]:
    """Name, id and key; the messages never repeat the text, which may be a secret."""
    try:
        name, key_id, packed = parts
        data = _unpack(packed)
    except ValueError:
        raise ConfigError(f"not a {what}", hint=hint) from None
    _check_name(name)
    if data[:1] != _ED25519 or len(data) != 33:  # noqa: PLR2004 - the type byte and 32 bytes of key
        raise ConfigError(f"not an Ed25519 {what}", hint=hint)
    return name, key_id, data[1:]


def _check_name(name: str) -> None:
    if not name or "+" in name or not name.isprintable() or any(letter.isspace() for letter in name):
        raise ConfigError(
            "a key's name is not empty and has neither spaces nor plus signs",
            hint="for example example.com/ci/evidence",
        )


def _key_id(name: str, public: bytes) -> bytes:
    """The first four bytes of SHA-256(name, LF, type byte, public key), as signed-note lays down."""
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:4]
