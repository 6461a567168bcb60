"""Recall and precision on two seeded corpora."""

from __future__ import annotations

from pathlib import Path

import pytest

from soc2ev.logs.leaks import KINDS, Scanner
from tests.logs import heldout, made


def compare(cases) -> tuple[dict[str, list[int]], list[str]]:
    """By kind [right, false, missed] over all cases as one file each, and the lines that went wrong."""
    scanner, counts, wrong = Scanner(b"key"), {kind: [0, 0, 0] for kind in KINDS}, []
    for case in cases:
        got = {leak.kind for _, leak in scanner.scan_block(case.line + b"\n")}
        want = set(case.kinds)
        for place, kinds in enumerate((got & want, got - want, want - got)):
            for kind in kinds:
                counts[kind][place] += 1
                if place:
                    wrong.append(
                        f"{'missed' if place == 2 else 'false'} {kind} in {case.shape}, {case.about}: {case.line[:300]!r}"
                    )
    return counts, wrong


@pytest.mark.parametrize("seed", [1, 2])
def test_recall_and_precision_by_kind_on_the_made_corpus(seed):
    """Every kind is found in every shape, and no look-alike is reported, in at least 99 of 100 cases."""
    counts, wrong = compare(made.corpus(seed))
    for kind, (right, false, missed) in counts.items():
        assert right >= 10, kind
        assert right >= 0.99 * (right + missed), (kind, wrong)
        assert right >= 0.99 * (right + false), (kind, wrong)


def test_the_held_out_corpus_stays_above_its_floor():
    """On lines that the rules were not written for, recall and precision stay above 0.97 each."""
    counts, wrong = compare(heldout.corpus(rounds=4))
    right, false, missed = (sum(count[place] for count in counts.values()) for place in range(3))
    assert right >= 0.97 * (right + missed), wrong
    assert right >= 0.97 * (right + false), wrong


CORPUS = Path(__file__).parents[1] / "corpus"


@pytest.mark.parametrize("row", (CORPUS / "leaks.tsv").read_text("utf-8").splitlines())
def test_each_written_leak_is_found_with_its_kind_alone(row):
    """Lines written by hand: the kind, a tab, the line."""
    kind, _, line = row.partition("\t")
    assert {kind} == {leak.kind for _, leak in Scanner(b"key").scan_block(line.encode())}


@pytest.mark.parametrize("line", (CORPUS / "clean.log").read_text("utf-8").splitlines())
def test_each_written_look_alike_is_clean(line):
    """Lines written by hand that only look like leaks."""
    assert [] == list(Scanner(b"key").scan(line.encode()))
