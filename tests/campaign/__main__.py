"""`python -m tests.campaign`: the matrix, a part of it run, and what went wrong."""

from __future__ import annotations

import argparse
import functools
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from fnmatch import fnmatchcase

from tests.campaign import __doc__ as about
from tests.campaign import telling
from tests.campaign.kinds import KINDS
from tests.campaign.places import Place, struck
from tests.campaign.roads import Seen, Wrong, crashed, travel, wrongs
from tests.campaign.worlds import WORLDS

_PROCESSES = 2


@dataclass(frozen=True)
class Run:
    """One world with one fault."""

    world: str
    kind: str
    place: Place

    def __str__(self) -> str:
        return f"{self.world} {self.kind} {self.place}"


@functools.cache
def clean(world: str) -> Seen:
    """The world without a fault; seen once in each process."""
    return travel(world, {}, record=True)


def matrix(worlds: Sequence[str], kinds: Sequence[str], *, distinct: bool = False) -> Iterator[Run]:
    """Every run of those worlds and kinds; `distinct` gives each kind and place to the first world that has it."""
    for kind in kinds:
        given: set[str] = set()
        for world in worlds:
            for place in KINDS[kind].places(clean(world).answers):
                # The same is asked of both repositories.
                named = str(place).replace("/acme/web", "/acme/api")
                if not (distinct and named in given):
                    yield Run(world, kind, place)
                given.add(named)


def run(one: Run) -> list[Wrong]:
    """What went wrong in that run."""
    fault = struck(KINDS[one.kind].make(one.place), one.place)
    try:
        seen = travel(one.world, {one.place.side: [fault]})
    except Exception as problem:  # noqa: BLE001  whatever it is, it is a finding
        return [crashed(problem)]
    return [each for each in wrongs(clean(one.world), seen) if each.what != "silent" or not _documented(one)]


def _documented(one: Run) -> bool:
    """Whether this answer is no gap by the documents of its vendor or ours: the item itself tells what is not known."""
    if one.kind.startswith("graphql-null-"):
        # Null without an error: an account that is deleted, a review that is not submitted, a commit that is gone.
        return True
    place = f"{one.world}: {one.place.endpoint} call {one.place.call}"
    return one.kind in ("once-403", "once-404", "once-410") and any(fnmatchcase(place, known) for known in _OPTIONAL)


_OPTIONAL = (
    "*/rulesets/N/history*",  # for its owner alone (ADR 0017)
    "*/artifact-and-log-retention *",  # for administrators alone, and not on every server
    "a: POST /graphql call 9",  # its gates: a refusal leaves its deployments without an answer
)


def campaign(runs: Iterable[Run], *, minutes: float, most: int) -> Iterator[tuple[Run, list[Wrong]]]:
    """Run them in two processes; a kind ends when one and the same defect was found `most` times."""
    end, defects, over = time.monotonic() + 60 * minutes, Counter[tuple[str, ...]](), set[str]()
    left = iter(runs)
    with ProcessPoolExecutor(_PROCESSES) as pool:
        waiting: dict[Future[list[Wrong]], Run] = {}
        while True:
            for one in left if time.monotonic() < end else ():
                if one.kind not in over:
                    waiting[pool.submit(run, one)] = one
                if len(waiting) == 2 * _PROCESSES:
                    break
            if not waiting:
                return
            for done in wait(waiting, return_when=FIRST_COMPLETED).done:
                one, found = waiting.pop(done), done.result()
                defects.update({(one.kind, each.what, each.about) for each in found})
                over |= {name[0] for name, times in defects.items() if times >= most}
                yield one, found


def _words(arguments: Sequence[str]) -> argparse.Namespace:
    parser = telling.parser("python -m tests.campaign", about)
    parser.add_argument("--world", default=",".join(WORLDS), help="worlds, separated by commas (all)")
    parser.add_argument("--kind", default=",".join(KINDS), help="kinds of fault, separated by commas (all)")
    parser.add_argument("--side", default="", choices=["", "github", "jira"], help="only this side")
    parser.add_argument("--distinct", action="store_true", help="each kind and place in one world only")
    return parser.parse_args(arguments)


def chosen(words: argparse.Namespace) -> list[Run]:
    """The runs that the arguments ask for."""
    runs = [
        one
        for one in matrix(words.world.split(","), words.kind.split(","), distinct=words.distinct)
        if words.side in one.place.side and words.place in str(one.place)
    ]
    return telling.drawn(runs, words.sample, words.seed)


def main(arguments: Sequence[str]) -> int:
    """Run what the arguments ask for; 1 when something went wrong."""
    words = _words(arguments)
    runs = chosen(words)
    ran = campaign(runs, minutes=words.minutes, most=words.most)
    return telling.report(words, runs, ran, lambda one: (one.kind, one.world))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
