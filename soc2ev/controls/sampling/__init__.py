"""
Samples that anybody can draw again: from the auditor's seed, or from the population itself, so that nobody picks.

The population is hashed before anything is chosen. Emergencies and moves beside the process are a stratum of their own
and are all taken: a sample that misses them says nothing about them.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from soc2ev import yamlfile
from soc2ev.controls.report import instant
from soc2ev.errors import ConfigError
from soc2ev.model import Outcome

if TYPE_CHECKING:
    from soc2ev.model import Finding, Item, Json

SEED, POPULATION_HASH = "seed", "population-hash"
METHODS = (SEED, POPULATION_HASH)
ALL_OF = "emergency or bypass"
"""The stratum that is taken whole."""
_BESIDE = frozenset({"direct_push", "force_push", "rollback", "manual"})
_BYPASS_FLAGS = frozenset({"UNDOCUMENTED_BYPASS", "BYPASS", "DECLARED_LATE"})


@dataclass(frozen=True, slots=True)
class Drawn:
    """An item of the sample, in which stratum it was drawn and the number that chose it."""

    item: Item
    stratum: str
    rank: str
    """Hexadecimal digest by which it was chosen; empty where a stratum is taken whole."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample with everything that is needed to draw it again."""

    population_hash: str
    size: int
    """Items in the population."""
    method: str
    seed: str
    drawn: tuple[Drawn, ...]
    strata: Mapping[str, tuple[int, int]]
    """Items and drawn items by stratum."""
    finds_one: float | None
    """Probability that a random sample of this size holds one of the deviations that were found."""


def draw(
    finding: Finding, size: str, *, method: str, seed: str, engagement: str, stratify: Sequence[str] = ()
) -> Sample:
    """
    Draw from a finding's population.

    `size` is a number or the name of a table in sizes.yaml and counts what is drawn beside the stratum that is
    taken whole. With method seed, the items with the lowest SHA-256 of `seed|item id` are taken. With method
    population-hash, the seed is SHA-256 of `engagement|control|population hash`, the items are cut by date into as many
    runs as are wanted, and one is taken from each (Chiaro-HQ methodology 1.6). `stratify` names facts whose values are
    strata, drawn in proportion, at least one each. ConfigError for an unknown method, size or fact, or a missing seed.
    """
    items = sorted(finding.population.items, key=_place)
    fixed = population_hash(items)
    used = _seed(method, seed, engagement, finding.control.id, fixed)
    strata = _strata(items, stratify)
    rest = {name: members for name, members in strata.items() if name != ALL_OF}
    wanted = sample_size(size, sum(map(len, rest.values())))
    drawn = [Drawn(item, ALL_OF, "") for item in strata.get(ALL_OF, ())]
    for name, share in _shares(rest, wanted).items():
        chosen = _lowest(rest[name], share, used) if method == SEED else _one_a_run(rest[name], share, used)
        drawn += [Drawn(item, name, rank) for item, rank in chosen]
    taken = {name: (len(members), sum(one.stratum == name for one in drawn)) for name, members in strata.items()}
    return Sample(fixed, len(items), method, used, tuple(drawn), taken, _chance(items, len(drawn)))


def population_hash(items: Sequence[Item]) -> str:
    """SHA-256 over the ids and dates of the items, oldest first, one JSON array a line."""
    digest = hashlib.sha256()
    for item in sorted(items, key=_place):
        line = [item.id, instant(item.at) if item.at else None]
        digest.update(json.dumps(line, ensure_ascii=False).encode() + b"\n")
    return digest.hexdigest()


def sample_size(size: str, population: int) -> int:
    """How many items of a population: a number as given, or what the named table says; never more than there are."""
    if size.isdecimal() and int(size) > 0:
        return min(int(size), population)
    known = tables()
    name = size.removeprefix("table:")
    if name not in known:
        hint = f"give a number or one of: {', '.join(sorted(known))}"
        raise ConfigError(
            f"there is no table of sample sizes {name!r}{yamlfile.suggest(name, sorted(known))}", hint=hint
        )
    return min(_of_table(known[name], population), population)


def tables() -> Mapping[str, Mapping[str, Json]]:
    """The tables of sizes by name, each with what it is about and its source."""
    file = Path(__file__).with_name("sizes.yaml")
    found: Mapping[str, Mapping[str, Json]] = yamlfile.parse(file.read_bytes(), file.name).data
    return found


def _of_table(table: Mapping[str, Json], population: int) -> int:
    if "confidence" in table:
        return _zero_deviations(population, table["confidence"], table["tolerable"])
    for step in table["steps"]:
        if population <= step.get("up_to", population):
            if "share" in step:
                return int(max(step["at_least"], min(step["at_most"], math.ceil(population * step["share"]))))
            return population if step["items"] == "all" else int(step["items"])
    return population


def _zero_deviations(population: int, confidence: float, tolerable: float) -> int:
    """The smallest sample without a deviation that leaves too little chance of a share above the tolerable one."""
    deviating = max(1, math.floor(population * tolerable))
    clean = 1.0
    for size in range(population):
        if 1 - clean >= confidence:
            return size
        clean *= max(0, population - deviating - size) / (population - size)
    return population


def _seed(method: str, seed: str, engagement: str, control: str, fixed: str) -> str:
    if method == POPULATION_HASH:
        return hashlib.sha256(f"{engagement}|{control}|{fixed}".encode()).hexdigest()
    if method != SEED:
        raise ConfigError(f"unknown method {method!r}", hint=f"use one of: {', '.join(METHODS)}")
    if not seed.strip():
        raise ConfigError(
            "a sample by seed needs the auditor's seed", hint="give --seed TEXT, or --method population-hash"
        )
    return seed


def _strata(items: Sequence[Item], stratify: Sequence[str]) -> dict[str, list[Item]]:
    found: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        found[ALL_OF if _is_beside(item) else _stratum(item, stratify)].append(item)
    return dict(sorted(found.items()))


def _is_beside(item: Item) -> bool:
    facts = item.facts
    flags = frozenset(facts.get("flags") or ())
    return bool(facts.get("emergency") or facts.get("integration") in _BESIDE or flags & _BYPASS_FLAGS)


def _stratum(item: Item, stratify: Sequence[str]) -> str:
    for name in stratify:
        if name not in item.facts:
            known = sorted(item.facts)
            raise ConfigError(
                f"items have no fact {name!r}{yamlfile.suggest(name, known)}", hint=f"known: {', '.join(known)}"
            )
    return ", ".join(f"{name} {_shown(item.facts[name])}" for name in stratify) or "standard"


def _shown(value: Json) -> str:
    return "+".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _shares(strata: Mapping[str, Sequence[Item]], wanted: int) -> dict[str, int]:
    """Proportional shares, at least one for each stratum, by largest remainder; the same for the same input."""
    total = sum(map(len, strata.values()))
    if not total:
        return {}
    exact = {name: wanted * len(members) / total for name, members in strata.items()}
    shares = {name: min(len(strata[name]), max(1, math.floor(value))) for name, value in exact.items()}
    for name in sorted(exact, key=lambda one: (math.floor(exact[one]) - exact[one], one)):
        if sum(shares.values()) < wanted and shares[name] < len(strata[name]):
            shares[name] += 1
    return shares


def _lowest(items: Sequence[Item], share: int, seed: str) -> list[tuple[Item, str]]:
    ranked = sorted((_digest(f"{seed}|{item.id}"), item.id, item) for item in items)
    return [(item, rank) for rank, _, item in ranked[:share]]


def _one_a_run(items: Sequence[Item], share: int, seed: str) -> list[tuple[Item, str]]:
    """One item from each of as many runs of nearly equal length as are wanted."""
    chosen = []
    for run in range(share):
        first, last = run * len(items) // share, (run + 1) * len(items) // share
        rank = _digest(f"{seed}|{run}")
        chosen.append((items[first + int(rank, 16) % (last - first)], rank))
    return chosen


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _chance(items: Sequence[Item], drawn: int) -> float | None:
    deviating = sum(any(one.outcome is Outcome.DEVIATION for one in item.outcomes.values()) for item in items)
    if not items or not drawn:
        return None
    return 1 - math.comb(len(items) - deviating, drawn) / math.comb(len(items), drawn)


def _place(item: Item) -> tuple[str, str]:
    return instant(item.at) if item.at else "", item.id
