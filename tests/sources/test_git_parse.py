"""Bytes from git as values: odd commits, cut answers, character sets, dates."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest

from soc2ev.errors import TamperedError
from soc2ev.sources.git import parse

TREE = b"tree " + b"4b825dc642cb6eb9a060e54bf8d69288fbee4904\n"
ANN = b"author Ann <ann@example.com> 1760000000 +0200\n"
CARL = b"committer Carl <carl@example.com> 1760000001 +0000\n"
SOME = "a" * 40


def commit(content: bytes) -> parse.Commit:
    return parse.commit(SOME, content)


def batch(content: bytes, *, algorithm: str = "sha1", kind: str = "commit") -> bytes:
    sha = hashlib.new(algorithm, f"{kind} {len(content)}\0".encode() + content).hexdigest()
    return f"{sha} {kind} {len(content)}\n".encode() + content + b"\n"


def test_a_plain_commit_gives_every_field() -> None:
    """Headers, people, instants in UTC and the message come out as they stand."""
    found = commit(
        TREE + b"parent " + b"b" * 40 + b"\nparent " + b"c" * 40 + b"\n" + ANN + CARL + b"\nSubject\n\nBody\n"
    )
    assert found.parents == ("b" * 40, "c" * 40)
    assert parse.Person("Ann", "ann@example.com", datetime.fromtimestamp(1_760_000_000, UTC)) == found.author
    assert parse.Person("Carl", "carl@example.com", datetime.fromtimestamp(1_760_000_001, UTC)) == found.committer
    assert (found.message, found.subject) == ("Subject\n\nBody\n", "Subject")
    assert (found.signature, found.encoding) == (None, None)


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        (b"0 +0000", datetime(1970, 1, 1, tzinfo=UTC)),
        (b"4102444800 +9999", datetime(2100, 1, 1, tzinfo=UTC)),
        (b"-1 +0000", None),
        (b"253402300800 +0000", None),
        (b"9" * 5_000 + b" +0000", None),
        (b"soon", None),
        (b"", None),
    ],
)
def test_a_date_that_no_calendar_holds_is_unknown(date: bytes, expected: datetime | None) -> None:
    """Absurd dates never raise and never become another date; the person stays."""
    found = commit(TREE + b"author Ann <ann@example.com> " + date + b"\n" + CARL + b"\nx\n")
    assert parse.Person("Ann", "ann@example.com", expected) == found.author


def test_a_header_that_stands_twice_is_not_believed() -> None:
    """Two authors are no author: git's own commands disagree about which one counts."""
    found = commit(TREE + ANN + ANN.replace(b"Ann", b"Eve") + CARL + b"\nx\n")
    assert parse.Person(None, None, None) == found.author


@pytest.mark.parametrize("line", [b"", b"author nobody\n", b"author Ann <ann@example.com 1760000000 +0000\n"])
def test_an_author_that_cannot_be_read_is_unknown(line: bytes) -> None:
    """A missing or broken header gives NULLs, not an exception and not a made-up name."""
    assert parse.Person(None, None, None) == commit(TREE + line + CARL + b"\nx\n").author


def test_an_empty_name_stays_empty() -> None:
    """A name that is stated to be empty is not the same as an unknown one."""
    found = commit(TREE + b"author <ann@example.com> 1760000000 +0000\n" + CARL + b"\nx\n")
    assert (found.author.name, found.author.email) == ("", "ann@example.com")


def test_only_the_first_run_of_parents_counts() -> None:
    """A parent header after the author is no parent to git, so it is none here."""
    found = commit(TREE + b"parent " + b"b" * 40 + b"\n" + ANN + b"parent " + b"c" * 40 + b"\n" + CARL + b"\nx\n")
    assert found.parents == ("b" * 40,)


@pytest.mark.parametrize(
    ("armour", "kind"),
    [
        (b"-----BEGIN PGP SIGNATURE-----", "openpgp"),
        (b"-----BEGIN SSH SIGNATURE-----", "ssh"),
        (b"-----BEGIN SIGNED MESSAGE-----", "x509"),
        (b"something else", "unknown"),
    ],
)
@pytest.mark.parametrize("header", [b"gpgsig", b"gpgsig-sha256"])
def test_the_kind_of_a_signature_is_told_by_its_armour(header: bytes, armour: bytes, kind: str) -> None:
    """Signatures span lines, blank ones among them, and do not end the headers; a mergetag's is not the commit's."""
    tag = b"mergetag object " + b"d" * 40 + b"\n type commit\n tag v1\n \n -----BEGIN PGP SIGNATURE-----\n \n x\n"
    content = TREE + ANN + CARL + tag + header + b" " + armour + b"\n \n abc\n\nSubject\n"
    assert (kind, "Subject") == (commit(content).signature, commit(content).subject)
    assert commit(TREE + ANN + CARL + tag + b"\nSubject\n").signature is None


@pytest.mark.parametrize(
    ("declared", "raw", "expected"),
    [
        (b"ISO-8859-1", b"caf\xe9", "café"),
        (b"Windows-1252", b"\x80", "€"),
        (b"Shift_JIS", "日".encode("shift_jis"), "日"),
        (b"no-such-set", "é".encode(), "é"),
        (b"unicode_escape", b"\\u0041\\q", "\\u0041\\q"),
        (b"rot13", b"abc", "abc"),
        (b"utf-8", b"\xff\x00", "\ufffd\ufffd"),
    ],
)
def test_the_declared_character_set_is_honoured_when_it_is_one(declared: bytes, raw: bytes, expected: str) -> None:
    """Known character sets decode; others, and codecs that are none, fall back to UTF-8 with U+FFFD."""
    found = commit(TREE + ANN + CARL + b"encoding " + declared + b"\n\n" + raw)
    assert (expected, declared.decode()) == (found.message, found.encoding)


@pytest.mark.parametrize(
    ("message", "subject"),
    [(b"\n \nOne  \ntwo\n\nthree", "One two"), (b"", ""), (b"  lead\t\n", "  lead"), (b"a\rb", "a\rb")],
)
def test_the_subject_is_the_first_paragraph_on_one_line(message: bytes, subject: str) -> None:
    """Blank lines before it are skipped and its lines are joined, as git's %s does."""
    assert subject == commit(TREE + ANN + CARL + b"\n" + message).subject


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_objects_hash_to_their_ids(algorithm: str) -> None:
    """Commits of both object formats are given with their ids, missing ones are passed over and not counted."""
    content = TREE + ANN + CARL + b"\nx\n"
    body = (
        batch(content, algorithm=algorithm) + SOME.encode() + b" missing\n" + batch(content + b"y", algorithm=algorithm)
    )
    assert [content, content + b"y"] == [found for _sha, found in parse.objects(body)]
    assert parse.count_objects(body) == 2


@pytest.mark.parametrize("at", range(0, 200, 7))
def test_a_changed_byte_of_an_object_is_noticed(at: int) -> None:
    """No byte of a commit can change without its id not matching any more."""
    body = bytearray(batch(TREE + ANN + CARL + b"\n" + b"x" * 60))
    body[at] ^= 1
    with pytest.raises(TamperedError):
        list(parse.objects(bytes(body)))


@pytest.mark.parametrize("length", [1, 30, 60, 100, 150, -1])
def test_a_cut_answer_is_noticed(length: int) -> None:
    """Output that ends inside an object is refused, and its counter does not count the cut object."""
    body = batch(TREE + ANN + CARL + b"\n" + b"x" * 60)[:length]
    assert parse.count_objects(body) == 0
    with pytest.raises(TamperedError, match="cut short"):
        list(parse.objects(body))


def test_an_object_that_is_no_commit_is_refused() -> None:
    """A blob with a right hash is still no commit."""
    with pytest.raises(TamperedError, match="no commit"):
        list(parse.objects(batch(b"hello", kind="blob")))


@pytest.mark.parametrize("body", [b"abc", b"abc\n", SOME.encode()[:39], b"A" * 40, b"--output=x"])
def test_what_is_no_full_id_is_refused(body: bytes) -> None:
    """Short, upper-case or other text never becomes an id."""
    assert not parse.is_id(body.decode())
    with pytest.raises(TamperedError):
        parse.full_id(body)


@pytest.mark.parametrize("body", [b"", b"-1", b"1 2", b"fatal: x", b"9" * 5_000])
def test_what_is_no_count_is_refused(body: bytes) -> None:
    """An empty or broken answer to --count is never zero."""
    with pytest.raises(TamperedError):
        parse.number(body)


def test_records_of_fields_keep_line_feeds_and_refuse_a_cut() -> None:
    """Fields are ended by NUL only; a record that is cut short raises."""
    assert list(parse.fields(b"a\0b\nc\0\nd\0\0\n", 2)) == [[b"a", b"b\nc"], [b"d", b""]]
    assert list(parse.fields(b"", 2)) == []
    for body in (b"a\0", b"a\0b\0c", b"a\0b\0\nd\0"):
        with pytest.raises(TamperedError):
            list(parse.fields(body, 2))


def test_changed_paths_are_read_in_order_and_a_cut_is_refused() -> None:
    """Commits without changes stay; a path may look like an id or a status; bytes that are not UTF-8 are shown."""
    ids = [b"%040x" % number for number in range(3)]
    body = b"\0".join([ids[0], b"A", b"M", b"D", ids[1], ids[1], ids[2], b"M", b"\xff", b""])
    expected = [(ids[0], [("A", "M"), ("D", ids[1].decode())]), (ids[1], []), (ids[2], [("M", "\\xff")])]
    assert [(sha.decode(), paths) for sha, paths in expected] == list(parse.changed(body))
    for cut in (body[:-1], body[: body.index(b"\xff")], b"M\0a\0"):
        with pytest.raises(TamperedError):
            list(parse.changed(cut))


def test_shortlog_adds_up_what_decodes_alike() -> None:
    """Two authors whose names decode to the same text are one row with both tallies."""
    body = b"    12\tAnn <ann@example.com>\n     1\t\xff <x@y>\n     2\t\xfe <x@y>\n"
    assert parse.shortlog(body) == {("Ann", "ann@example.com"): 12, ("\ufffd", "x@y"): 3}
