"""Signed notes and keys against the published example, and against everything that is nearly one."""

import base64

import pytest

from soc2ev.errors import ConfigError
from soc2ev.vault import Signer, VerifierKey, new_key
from soc2ev.vault.note import Checkpoint, Note, sign

# The example in the documentation of golang.org/x/mod/sumdb/note, from which signed-note grew.
KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
TEXT = b"If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
SIGNATURE = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
POINT = Checkpoint("soc2ev/acme/evidence", 12, b"\x07" * 32)


def test_the_published_signature_is_accepted_and_no_other():
    """The published key verifies the published note, and not a changed text or signature."""
    key, packed = VerifierKey.parse(KEY), base64.b64decode(SIGNATURE)
    assert packed[:4] == key.key_id
    assert key.accepts(packed[4:], TEXT)
    assert not key.accepts(packed[4:], TEXT + b"\n")
    assert not key.accepts(packed[5:] + b"\x00", TEXT)
    assert KEY == key.text()


def test_a_signed_checkpoint_is_read_back():
    """What one key signed, its public half recognises, and no other key does."""
    private, public = new_key("acme/prod/collect")
    _, other = new_key("acme/prod/collect")
    note = Note.parse(sign(POINT, Signer.parse(private)))
    assert POINT == note.checkpoint
    assert (VerifierKey.parse(public),) == note.signers([VerifierKey.parse(public), VerifierKey.parse(other)])
    assert () == note.signers([VerifierKey.parse(other)])


def test_a_checkpoint_without_a_signer_is_three_lines():
    """The unsigned form has the origin, the size and the base64 of the root, and nothing else."""
    root = base64.b64encode(b"\x07" * 32).decode()
    data = sign(POINT, None)
    assert f"soc2ev/acme/evidence\n12\n{root}\n".encode() == data
    assert () == Note.parse(data).signatures


def test_a_note_with_a_false_signature_is_rejected_as_a_whole():
    """signed-note: when a known key's signature is false, a second true one does not save the note."""
    private, public = new_key("a")
    signed, key = sign(POINT, Signer.parse(private)), VerifierKey.parse(public)
    other = sign(Checkpoint("soc2ev/acme/evidence", 13, b"\x07" * 32), Signer.parse(private))
    both = Note.parse(signed + other.split(b"\n\n")[1])
    with pytest.raises(ValueError, match="false"):
        both.signers([key])


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data[:-1],
        lambda data: data + b"\n",
        lambda data: data.replace(b"\n12\n", b"\n012\n"),
        lambda data: data.replace(b"\n12\n", b"\n-1\n"),
        lambda data: data.replace(b"\n12\n", b"\n12\nextension\n"),
        lambda data: data.replace(b"\n12\n", b"\n12\r\n"),
        lambda data: data.replace("\u2014".encode(), b"-"),
        lambda data: data.replace(b"=\n\n", b"\n\n"),
        lambda data: data.replace(b"Bwc=", b"Bwd="),
        lambda data: data.replace(b"acme", b"\xff"),
        lambda data: data + b"x" * 70_000,
        lambda data: data + data.split(b"\n\n")[1] * 101,
        lambda _: b"",
    ],
)
def test_a_note_has_one_spelling(change):
    """Anything that we would not have written is no checkpoint."""
    data = sign(POINT, Signer.parse(new_key("a")[0]))
    assert change(data) != data
    with pytest.raises(ValueError):
        Note.parse(change(data))


@pytest.mark.parametrize("name", ["", "with space", "plus+plus", "new\nline", "wide\u2003space"])
def test_a_key_name_has_neither_spaces_nor_plus_signs(name):
    """The name stands between separators, so it cannot hold them."""
    with pytest.raises(ConfigError):
        new_key(name)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        KEY.replace("c74f20a3", "c74f20a4"),
        KEY.replace("Peter", "Pet3r"),
        KEY[:-4],
        KEY.replace("ARpc", "AhpC"),
        KEY.replace("ARpc", "A\u00e9pc"),
    ],
)
def test_a_damaged_verifier_key_is_refused(text):
    """The id binds name, type and key; other types than Ed25519 are unknown."""
    with pytest.raises(ConfigError):
        VerifierKey.parse(text)


@pytest.mark.parametrize("cut", [slice(0, -8), slice(1, None), slice(0, 20)])
def test_a_bad_signing_key_never_appears_in_the_message(cut):
    """Neither message, hint nor repr repeats the text of a private key."""
    private, _ = new_key("acme")
    with pytest.raises(ConfigError) as caught:
        Signer.parse(private[cut])
    secret = private.split("+", 4)[4][4:30]
    assert secret not in f"{caught.value.message} {caught.value.hint} {caught.value!r} {Signer.parse(private)!r}"


def test_a_signing_key_of_another_id_is_refused():
    """The id of the private form binds it to its name as well."""
    private, _ = new_key("acme")
    with pytest.raises(ConfigError, match="id does not belong"):
        Signer.parse(private.replace("+acme+", "+evil+"))
