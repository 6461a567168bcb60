"""Ways that are quick because they do not look at everything say what the slow ones do."""

from __future__ import annotations

import random
import re

import pytest

from soc2ev.logs import colours
from soc2ev.logs.events import Matcher, packs
from soc2ev.logs.formats import parser, text
from soc2ev.logs.instants import instant, stamps
from tests.logs.test_fast_routes import HOSTILE, NOW, mixture

_ESCAPE = rb"(?:\x1b|\\+(?:u001[Bb]|x1[Bb]|0?33|e)|#033|\^\[)"
COLOUR = re.compile(
    rb"(?:" + _ESCAPE + rb"(?:\[[0-9;:?]{0,20}[A-Za-z]|\(B)|(?:\[\\+r\])?\[\\+n\]|"
    rb"\[(?:[0-9]|[1-4][0-9]|9[0-7]|10[0-7]|[34]8;5;\d{1,3}|[0-9]{1,2}(?:;[0-9]{1,3}){1,3})m(?=[^\n]{0,400}\[0m)|"
    rb"(?<!\w)\[0m|\[0m(?!\w))"
)
"""The same as a list of what there is, in the order in which it is told."""
PIECES = (
    *(b"\x1b", b"[", b"\\", b"u001b", b"x1B", b"033", b"e", b"#033", b"^[", b"(B", b"[0m", b"m", b"0", b"36", b";", b"]"),
    *(b"\n", b"a", b" ", b"[\\r][\\n]", b"38;5;12", b"[1m", b"\xff", b"x" * 401),
)  # fmt: skip
SAMPLES = (
    "<34>Oct  5 10:00:00 host app: x", "2026-10-05T10:00:00Z host app[1]: x", "[2026/10/05 10:00:00] x", "2026-10-05 10:00:00 x",
    "<34>1 2026-10-05T10:00:00Z h a 1 - - x", "I, [2026-10-05T10:00:00 #9]  INFO -- : x", "a=1 b=2 c=3", "Oct 15 10:00:00 h cron: x",
    'h - - [05/Oct/2026:10:00:00 +0000] "GET /x" 200 5', "<Event a='1' b='2'/>", "nothing of all this",
)  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_colours_are_those_of_the_list(seed):
    """Taken out at once, and found again for the places of what is between them."""
    r = random.Random(seed)
    for _ in range(500):
        data = b"".join(r.choices(PIECES, k=r.randrange(1, 16)))
        gone = {at for match in COLOUR.finditer(data) for at in range(*match.span())}
        kept = [at for at in range(len(data) + 1) if at not in gone]
        clear = colours._cleared(data)
        if clear is None:
            assert len(kept) == len(data) + 1
            continue
        assert clear.data == bytes(data[at] for at in kept[:-1])
        assert kept == [clear.place(at) for at in range(len(clear.data) + 1)]


@pytest.mark.parametrize("sample", SAMPLES)
def test_what_may_fit_no_format_fits_none(sample):
    """Whatever characters are put into a line or taken out of it."""
    r = random.Random(sample)
    lines = [line.decode("utf-8", "replace").strip() for line in (*HOSTILE, *mixture(3, 200).split(b"\n"))]
    for _ in range(600):
        line, at = sample, r.randrange(len(sample) + 1)
        lines.append(
            line[:at] + r.choice((*"<>[]{}=-/, 0aI", "", '] "', "a=1 ", "\u0661")) + line[at + r.randrange(3) :]
        )
    for line in lines:
        assert text.may_fit(line) or not any(form(line) for form in parser._TEXT), line
    assert not text.may_fit("nothing of all this")


def test_tests_of_texts_hold_as_each_of_them_does():
    """Of fields that hardly repeat, many values at once: each test that may hold is found by a part of its text."""
    r, matcher = random.Random(1), Matcher(packs())
    held = 0
    for shape in ("json", "syslog", "cloudtrail", "access"):
        for wide in matcher.rules(shape).wide.values():
            parts = [
                *(needle.upper() if r.random() < 0.3 else needle for needle in wide._needles or ()),
                "",
                "x",
                "/",
                "?a=1",
            ]
            parts += list(wide._exact)
            values = ["".join(r.choices(parts, k=r.randrange(4))) for _ in range(400)] + [None, True, 5, "\u0130"]
            slow = [sum(1 << at for at, accepts in enumerate(wide._tests) if accepts(value)) for value in values]
            assert slow == [wide.mask(value) for value in values]
            assert slow == wide.masks(values)
            held += sum(map(bool, slow))
    assert held > 100


@pytest.mark.parametrize("digits", [8, 9, 10, 13, 16, 19, 20])
def test_numbers_written_as_texts_are_read_as_single_ones(digits):
    """Of one unit or several, with other digits than ours among them, and with what is no number."""
    r = random.Random(digits)
    column = ["1" + "".join(r.choices("0123456789", k=digits - 1)) for _ in range(50)]
    for values in (
        column,
        [*column, "1790000000"],
        [*column, "\u0661" * 10],
        [*column, "x"],
        [*column, ""],
        column * 3,
    ):
        single = [instant(value, NOW) for value in values]
        assert ([one and one.at for one in single], sum(one.zoned for one in single if one)) == stamps(values, NOW)
