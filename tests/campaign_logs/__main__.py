"""`python -m tests.campaign_logs`: the matrix, a part of it run, and what went wrong."""

from __future__ import annotations

import argparse
import functools
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from soc2ev.sources.logs import library
from soc2ev.sources.logs.holding import Wanted, nullable, optional
from soc2ev.sources.logs.sieve import parts
from tests.campaign import telling
from tests.campaign.places import Place
from tests.campaign.roads import Wrong, crashed
from tests.campaign_logs import __doc__ as about
from tests.campaign_logs.kinds import KINDS
from tests.campaign_logs.roads import Seen, travel, wrongs
from tests.sources.logs.test_shipped_connectors import RECORDED

_NEXT = {"nextLink", "nextPageToken", "_links", "links", "next"}
"""Members that name the next page; the last one has none."""


@dataclass(frozen=True)
class Run:
    """One connector with one fault; the side of the place is the connector."""

    kind: str
    place: Place

    def __str__(self) -> str:
        return f"{self.kind} {self.place}"


@functools.cache
def clean(connector: str) -> Seen:
    """The connector without a fault, its sources in the inventory."""
    return travel(connector, None, travel(connector, None))


def matrix(connectors: Sequence[str], kinds: Sequence[str]) -> Iterator[Run]:
    """Every run of those connectors and kinds."""
    for connector in connectors:
        for kind in kinds:
            yield from (Run(kind, place) for place in KINDS[kind].places(clean(connector).answers))


def run(one: Run) -> list[Wrong]:
    """What went wrong in that run."""
    kind, before = KINDS[one.kind], judged(one.place.side)
    try:
        seen = travel(one.place.side, kind.strike(one.place), before)
    except Exception as problem:  # noqa: BLE001  whatever it is, it is a finding
        return [crashed(problem)]
    return wrongs(before, seen, broken=not kind.members, lie=plain(one))


def plain(one: Run) -> bool:
    """Whether what is said then is something that the system may say, and means: nobody can notice."""
    kind, path, connector = one.kind, one.place.path, one.place.side
    if kind.startswith("lie-") or (connector == "loki" and kind == "still-cut"):
        return True
    if kind == "still-list":
        return any(isinstance(answer.said, list) for answer in clean(connector).answers if answer.endpoint == one.place.endpoint)  # fmt: skip
    # JSON of protocol buffers leaves empty lists out.
    if kind == "still-object":
        return connector.startswith("google-")
    held = [wanted for steps, wanted in declared(connector) if _fits(steps, path)]
    if kind.endswith(("-missing", "-null")):
        gone = kind.endswith("-missing")
        short = gone and any(steps[: len(path)][-1:] == ("*",) and _fits(steps[: len(path)], path) for steps, _ in declared(connector))  # fmt: skip
        may = optional if gone else nullable
        return short or path[-1:] == ("*",) or bool(_NEXT & set(path)) or any(map(may, held))
    word = kind.rpartition("-")[2].replace("weird", "text")
    return any(isinstance(wanted, str) and word in wanted for wanted in held)


def _fits(steps: tuple[str, ...], path: tuple[str, ...]) -> bool:
    return len(steps) == len(path) and all(step in ("*", name) for step, name in zip(steps, path, strict=True))


@functools.cache
def declared(connector: str) -> list[tuple[tuple[str, ...], Wanted]]:
    """What the manifest says of members, with paths as places have them; a list that goes on may be left out."""
    found: list[tuple[tuple[str, ...], Wanted]] = []
    for request in library.load(connector, None).manifest.requests:
        paged = request.paginate.items if request.paginate and not request.paginate.always else []
        holds = {**dict.fromkeys(set(paged) - set(request.shows), "list or null?"), **request.holds}
        found += [
            (tuple("*" if part == "[]" else part for part in parts(path)), wanted) for path, wanted in holds.items()
        ]
    return found


@functools.cache
def judged(connector: str) -> Seen:
    """The same, with its outcomes."""
    first = clean(connector)
    # Rows of another table than those that were made never equal them: the run is judged.
    return travel(connector, None, Seen({**first.rows, "": []}, True, None, 0, [], []))


def campaign(runs: Sequence[Run], *, minutes: float, most: int) -> Iterator[tuple[Run, list[Wrong]]]:
    """Run them; a kind ends at a connector when one and the same defect was found `most` times there."""
    end, defects, over = time.monotonic() + 60 * minutes, Counter[tuple[str, ...]](), set[tuple[str, ...]]()
    for one in runs:
        if time.monotonic() > end:
            return
        if (one.place.side, one.kind) in over:
            continue
        found = run(one)
        defects.update({(one.place.side, one.kind, each.what, each.about) for each in found})
        over |= {name[:2] for name, times in defects.items() if times >= most}
        yield one, found


def _words(arguments: Sequence[str]) -> argparse.Namespace:
    parser = telling.parser("python -m tests.campaign_logs", about)
    parser.add_argument("--connector", default=",".join(RECORDED), help="connectors, separated by commas (all)")
    parser.add_argument("--kind", default=",".join(KINDS), help="kinds of fault, or how their names begin (all)")
    return parser.parse_args(arguments)


def chosen(words: argparse.Namespace) -> list[Run]:
    """The runs that the arguments ask for."""
    kinds = [name for name in KINDS if name.startswith(tuple(words.kind.split(",")))]
    runs = [one for one in matrix(words.connector.split(","), kinds) if words.place in str(one.place)]
    return telling.drawn(runs, words.sample, words.seed)


def main(arguments: Sequence[str]) -> int:
    """Run what the arguments ask for; 1 when something went wrong."""
    words = _words(arguments)
    runs = chosen(words)
    ran = campaign(runs, minutes=words.minutes, most=words.most)
    return telling.report(words, runs, ran, lambda one: (one.place.side, one.kind))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
