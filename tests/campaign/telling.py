"""What campaigns have in common: the words on their command lines, the lot, and the lines that they write."""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from tests.campaign.roads import Wrong

_Run = TypeVar("_Run")


def parser(name: str, about: str | None) -> argparse.ArgumentParser:
    """The words of every campaign."""
    made = argparse.ArgumentParser(name, description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--place", default="", help="only places that contain this text")
    made.add_argument("--sample", type=int, help="so many runs, drawn by lot")
    made.add_argument("--seed", type=int, default=1, help="of the lot (1)")
    made.add_argument("--minutes", type=float, default=60, help="end after that time (60)")
    made.add_argument("--most", type=int, default=3, help="a kind ends at this many of one defect (3)")
    made.add_argument("--list", action="store_true", help="list the runs, and run none")
    made.add_argument("--all", action="store_true", help="a line also for each run that went well")
    return made


def drawn(runs: list[_Run], sample: int | None, seed: int) -> list[_Run]:
    """So many of them, by lot and in their own order; all when no number is given."""
    if sample is None or sample >= len(runs):
        return runs
    chosen = set(random.Random(seed).sample(range(len(runs)), sample))
    return [one for number, one in enumerate(runs) if number in chosen]


def report(
    words: argparse.Namespace,
    runs: Sequence[_Run],
    ran: Iterable[tuple[_Run, list[Wrong]]],
    group: Callable[[_Run], tuple[str, str]],
) -> int:
    """Write what went wrong and how many runs of each group there were; 1 when anything was wrong."""
    made, bad = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for one, found in () if words.list else ran:
        made[group(one)] += 1
        bad[group(one)] += bool(found)
        if found or words.all:
            _say(f"{'WRONG' if found else 'ok   '} {one}")
        for each in found[:4]:
            _say(f"      {each.what}: {each.about} {each.detail}")
    if words.list:
        _say("\n".join(map(str, runs)))
        made = Counter(map(group, runs))
    for name, count in made.items():
        _say(f"-- {' '.join(name)}: {count} runs{'' if words.list else f', {bad[name]} wrong'}")
    _say(f"-- {made.total()} of {len(runs)} runs, {bad.total()} wrong")
    return int(bad.total() > 0)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
