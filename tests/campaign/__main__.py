"""`python -m tests.campaign`: the matrix, a part of it run, and what went wrong."""

from __future__ import annotations

import argparse
import functools
import random
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from fnmatch import fnmatchcase

from tests.campaign import __doc__ as about
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
    place = f"{one.place.endpoint} call {one.place.call}"
    return one.kind in ("once-403", "once-404", "once-410") and any(fnmatchcase(place, known) for known in _OPTIONAL)


_OPTIONAL = (
    "*/rulesets/N/history*",  # for its owner alone (ADR 0017)
    "*/artifact-and-log-retention *",  # for administrators alone, and not on every server
    "POST /graphql call 9",  # the gates of world a: a refusal leaves its deployments without an answer
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
    parser = argparse.ArgumentParser("python -m tests.campaign", description=about, formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("--world", default=",".join(WORLDS), help="worlds, separated by commas (all)")
    parser.add_argument("--kind", default=",".join(KINDS), help="kinds of fault, separated by commas (all)")
    parser.add_argument("--side", default="", choices=["", "github", "jira"], help="only this side")
    parser.add_argument("--place", default="", help="only places that contain this text")
    parser.add_argument("--distinct", action="store_true", help="each kind and place in one world only")
    parser.add_argument("--sample", type=int, help="so many runs, drawn by lot")
    parser.add_argument("--seed", type=int, default=1, help="of the lot (1)")
    parser.add_argument("--minutes", type=float, default=60, help="end after that time (60)")
    parser.add_argument("--most", type=int, default=3, help="a kind ends at this many of one defect (3)")
    parser.add_argument("--list", action="store_true", help="list the runs, and run none")
    parser.add_argument("--all", action="store_true", help="a line also for each run that went well")
    return parser.parse_args(arguments)


def chosen(words: argparse.Namespace) -> list[Run]:
    """The runs that the arguments ask for."""
    runs = [
        one
        for one in matrix(words.world.split(","), words.kind.split(","), distinct=words.distinct)
        if words.side in one.place.side and words.place in str(one.place)
    ]
    if words.sample is None or words.sample >= len(runs):
        return runs
    drawn = set(random.Random(words.seed).sample(range(len(runs)), words.sample))
    return [one for number, one in enumerate(runs) if number in drawn]


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(arguments: Sequence[str]) -> int:
    """Run what the arguments ask for; 1 when something went wrong."""
    words = _words(arguments)
    runs = chosen(words)
    made, bad = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for one, found in () if words.list else campaign(runs, minutes=words.minutes, most=words.most):
        made[one.kind, one.world] += 1
        bad[one.kind, one.world] += bool(found)
        if found or words.all:
            _say(f"{'WRONG' if found else 'ok   '} {one}")
        for each in found[:4]:
            _say(f"      {each.what}: {each.about} {each.detail}")
    if words.list:
        _say("\n".join(map(str, runs)))
        made = Counter((one.kind, one.world) for one in runs)
    for (kind, world), count in made.items():
        _say(f"-- {kind} {world}: {count} runs{'' if words.list else f', {bad[kind, world]} wrong'}")
    _say(f"-- {made.total()} of {len(runs)} runs, {bad.total()} wrong")
    return int(bad.total() > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
