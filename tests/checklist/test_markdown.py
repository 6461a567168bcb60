"""The checklist as Markdown: text from outside cannot leave its cell."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from soc2ev import checklist
from soc2ev.checklist import Action, Answered, Readiness, builtin
from soc2ev.checklist.markdown import escape, render
from soc2ev.model import Answer

HOSTILE = [
    "a | b || c",
    "<img src=x onerror=alert(1)><!-- x",
    "@everyone and @acme/team",
    "::set-output name=x::y",
    "##[command]rm",
    "`code` ```",
    "[text](https://evil.example) ![x](y)",
    "https://evil.example www.evil.example WWW.evil.example a@evil.example",
    "one\ntwo\r\nthree\u2028four\u2029five\x85six\x0bseven",
    "\u202eabc\u200b\u2066x\x1b[31m\x00",
    "# heading\n- list\n> quote\n1. x",
    "**bold** _it_ ~~no~~ $x$ &lt; {{x}} \\| end\\",
    "acme/api#12 GH-12",
    "\ud800",
]


def shown(text: str) -> str:
    """What a reader of Markdown sees: escapes undone."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text)


@pytest.mark.parametrize("text", HOSTILE)
def test_escaped_text_is_literal_words_of_one_line(text: str) -> None:
    """No special character stands bare, no invisible one stands at all, and the words are all there."""
    found = escape(text)
    assert 1 == len(found.splitlines())
    assert found.isprintable()
    bare = re.sub(r"\\[!-/:-@\[-`{-~]", "", found)
    assert not re.search(r"[|<>@`*_\[\]#:!~$&{}\\-]", bare)
    assert "www." not in bare.lower()
    assert found.encode()
    assert re.findall(r"[a-z]{2,}", text) == re.findall(r"[a-z]{2,}", shown(found))


def readiness(*texts: str) -> Readiness:
    questions = builtin()[0].questions
    kinds = list(Answer)
    answers = [
        Answered(replace(questions[at % len(questions)], question=text), kinds[at % len(kinds)], text, (), text)
        for at, text in enumerate(texts)
    ]
    return Readiness(42, tuple(answers), tuple(Action(text, ("q",), 7) for text in texts))


def test_the_table_keeps_its_shape() -> None:
    """Whatever texts say, each answer is one row of four cells and each action one line."""
    text = render(readiness(*HOSTILE), "Acme | Co\n::x", "2026-10")
    lines = text.splitlines()
    assert "### SOC 2 readiness: Acme \\| Co \\:\\:x, 2026\\-10: 42 / 100" == lines[0]
    rows = [line for line in lines if line.startswith("|")]
    assert 2 + len(HOSTILE) == len(rows)
    assert {5} == {len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) for row in rows}
    assert 5 == sum(bool(re.match(r"\d\. ", line)) for line in lines)
    assert not any(line.startswith(("::", "##[", "<", "@")) for line in lines)


def test_long_reasons_are_cut_and_say_so() -> None:
    """At three hundred characters, before they are escaped, so that no escape is cut in two."""
    row = render(readiness("|" * 1000), "X", "2026").splitlines()[-1]
    assert row.endswith("\\|…  |".replace("  ", " "))
    assert "\\|" * 299 + "…" in row
    assert "\\|" * 300 + "…" not in row


def test_every_answer_has_its_mark() -> None:
    """And every checklist with answers its heading; without actions there is no list of them."""
    made = checklist.answer([])
    text = render(replace(made, next=()), "X", "2026-10")
    assert len(builtin()) == text.count("\n#### ")
    assert len(made.answers) == text.count("| ❔ |")
    assert "Next best" not in text
    assert {"✅", "❌", "🟡", "❔", "➖"} <= set(render(readiness(*"abcde"), "X", "2026"))
