"""`python -m tests.worlds_of_deliveries`: worlds of those seeds, collected and judged, and what disagreed."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import traceback
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from soc2ev import config, pack, period, sources
from soc2ev.checklist.assessment import assess
from soc2ev.fetch import Fetch
from soc2ev.model import Item
from soc2ev.pack.reperform import verify_pack
from soc2ev.vault import Vault, writer
from tests.fakes.github.server import GitHub
from tests.fakes.jira.server import Jira
from tests.sources.github.runs import Clock
from tests.tables.test_modes import Seen, judge
from tests.worlds_of_deliveries import __doc__ as about
from tests.worlds_of_deliveries.delivering import Tale
from tests.worlds_of_deliveries.oracle import Oracle, Wanted
from tests.worlds_of_deliveries.stories import DEV, LETTERS, MONTHS
from tests.worlds_of_deliveries.telling import JIRA_SECRET, JIRA_USER

_POLICY = "{bots: {standard_change: [{authors: ['dependabot[bot]'], paths: ['*.lock'], document: SC-7}]}}"


@dataclass
class Wrong:
    """A disagreement: of which sort, and where."""

    sort: str
    detail: str


@dataclass
class Report:
    """What one world gave."""

    tale: Tale
    wrongs: list[Wrong] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


def world(seed: int, *, packs: bool = False) -> Report:
    """Tell, collect, judge and compare the world of that seed."""
    folder = Path(tempfile.mkdtemp(prefix="soc2ev-worlds-"))
    try:
        tale = Tale(seed)
        report, settings = Report(tale, counts=Counter(worlds=1)), list[config.Settings]()
        tale.collect = lambda month: settings.append(collect(folder, tale, month))
        tale.tell()
        for names in _spans(tale) if settings else ():
            report.wrongs += _span(folder, settings[-1], tale, names, report.counts)
        if packs and settings:
            report.wrongs += _pack(folder, settings[-1], tale)
        return report
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def collect(folder: Path, tale: Tale, month: str) -> config.Settings:
    """One run of that month over the world as it is now."""
    clock, tale.jira.now = Clock(tale.now), tale.now
    with GitHub(tale.world) as host, Jira(tale.jira) as tickets:
        text = (
            f"version: 1\norganisation: Example Co\nregisters: ./registers\npolicy: {_POLICY}\n"
            f"scope: [{', '.join(house.scope() for house in tale.houses)}]\n"
            f"sources:\n  github: [{{url: '{host.url}', graphql_url: '{host.graphql_url}', token: {{env: TOKEN}}}}]\n"
            f"  jira: [{{url: '{tickets.url}', user: {{env: USER}}, token: {{env: JIRA}}, projects: [API, WEB]}}]\n"
        )
        (folder / "registers").mkdir(exist_ok=True)
        (folder / "registers" / "people.yaml").write_text(_people(tale), encoding="utf-8")
        (folder / "soc2ev.yaml").write_text(text, encoding="utf-8")
        found = config.load(folder / "soc2ev.yaml")
        with writer(folder / "evidence", origin="soc2ev/example/evidence", now=clock.now, tool="tests 1") as vault:
            known = {"TOKEN": tale.secret, "JIRA": JIRA_SECRET, "USER": JIRA_USER}
            fetch = Fetch(vault, environment=known, sleep=clock.sleep, now=clock.now, workers=1)
            for _ in sources.collect(fetch, found, period.parse(month, "UTC", now=tale.now)):
                pass
    return found


def _people(tale: Tale) -> str:
    head = "id: people\nkind: people\nschema: 1\ntitle: Who is who\nowner: Cat Lead\ncriteria: [CC6.1]\n"
    head += "prepared_by: Cat Lead\nreviewed_by: Dana Roth\nreviewed_on: 2026-09-01\nstatus: approved\npeople:\n"
    people = [(one.login, one.id) for one in tale.world.accounts.values() if one.kind == "User"]
    return head + "".join(
        f"  - {{name: 'P {login}', github: [{{login: '{login}', id: {number}}}], jira: ['id-{login}'], emails: ['{login}@acme.example']}}\n"
        for login, number in (*people, ("lena", 999999))
    )


def _spans(tale: Tale) -> Iterator[Sequence[str]]:
    looked = [month for month in tale.months if any(one.month == month for one in tale.looks)]
    yield from ([month] for month in looked)
    yield from (pair for pair in zip(tale.months, tale.months[1:], strict=False) if set(pair) <= set(looked))


def _named(names: Sequence[str]) -> str:
    first, last = MONTHS[names[0]][0], MONTHS[names[-1]][1] - timedelta(days=1)
    return names[0] if len(names) == 1 else f"{first:%Y-%m-%d}..{last:%Y-%m-%d}"


def _span(
    folder: Path, settings: config.Settings, tale: Tale, names: Sequence[str], counts: Counter[str]
) -> Iterator[Wrong]:
    """Everything that disagrees in that span."""
    name, oracle = _named(names), Oracle(tale, names)
    seen = judge(folder, settings, name, tale)
    population = seen.finding.population
    items = {one.id: one for one in population.items}
    counts.update(judged=1, items=len(items))
    if oracle.whole and not population.complete:
        gaps = [f"{one.stream}: {one.reason}" for one in population.coverage if not one.complete]
        yield Wrong("incomplete", f"{name} {gaps[:2]}")
    told = Counter(sha for one in items.values() for sha in one.facts["commits"])
    yield from (Wrong("commit in two items", f"{name} {sha[:8]}") for sha, count in told.items() if count > 1)
    yield from _fates(name, seen)
    wanted = {one.item: one for house in tale.houses for one in oracle.wanted(house)}
    for item in sorted(wanted.keys() - items.keys()):
        yield Wrong("missing", f"{name} {item} {wanted[item].at}")
    merged = tuple(f"{house.name}{end}" for house in tale.houses if house.mode == "merge" for end in "@:")
    for item in sorted(items.keys() - wanted.keys()):
        if oracle.whole and not (merged and item.startswith(merged)):
            yield Wrong("extra", f"{name} {item}")
    for item in sorted(wanted.keys() & items.keys()):
        # What is not whole may leave anything open: the sort `incomplete` says that once.
        asked = wanted[item] if population.complete else wanted[item].doubted()
        yield from _letters(name, asked, items[item], counts)
    if oracle.whole:
        yield from _recall(name, tale, oracle, seen)


def _letters(name: str, wanted: Wanted, item: Item, counts: Counter[str]) -> Iterator[Wrong]:
    for letter in LETTERS:
        result = item.outcomes[letter]
        allowed = wanted.letters[letter]
        counts.update(letters=1, decided=int(len(allowed) == 1))
        if result.outcome.value not in allowed:
            moves = [f"{one.kind} {one.sha[:8]}@{one.ref} {one.at:%m-%d %H:%M}" for one in wanted.brought]
            yield Wrong(f"{letter}: {result.outcome.value} for {' or '.join(sorted(allowed))}", f"{name} {wanted.item} {moves} {result.reason[:300]}")  # fmt: skip
    listed = set(item.facts["commits"])
    if wanted.fresh is not None and wanted.fresh != listed:
        yield Wrong("commits", f"{name} {wanted.item} lacks {[one[:8] for one in wanted.fresh - listed]} has {[one[:8] for one in listed - wanted.fresh]}")  # fmt: skip


def _fates(name: str, seen: Seen) -> Iterator[Wrong]:
    """One fate of each commit, which its item confirms."""
    items = {one.id: set(one.facts["commits"]) for one in seen.finding.population.items}
    for item, commits in items.items():
        for sha in commits:
            if seen.fates.get(sha, (None,))[0] != item:
                yield Wrong("fate", f"{name} {sha[:8]} of {item}: {seen.fates.get(sha)}")
    for sha, (holder, fate, _) in seen.fates.items():
        if fate == "unexplained" or (fate == "in a change" and sha not in items.get(holder or "", ())):
            yield Wrong("fate", f"{name} {sha[:8]}: {fate} {holder}")


def _recall(name: str, tale: Tale, oracle: Oracle, seen: Seen) -> Iterator[Wrong]:
    """Every move without a review that was released in the span is a part of an item that deviates."""
    if not seen.finding.population.complete:
        return
    deviating = {one.id for one in seen.finding.population.items if one.outcomes["C"].outcome.value == DEV}
    shown = defaultdict(set)
    for item in deviating:
        for part, _ in seen.parts.get(item, ()):
            shown[(part or "").partition("@")[2].partition("~")[0]].add(item)
    for house in (one for one in tale.houses if one.mode == "release"):
        for sha in oracle.violations(house):
            if sha not in shown:
                yield Wrong("unseen violation", f"{name} {house.name} {sha[:8]}")


def _pack(folder: Path, settings: config.Settings, tale: Tale) -> Iterator[Wrong]:
    """A pack of the last month that was looked at re-performs alone."""
    month = max(one.month for one in tale.looks)
    with assess(Vault.open(folder / "evidence"), settings, period.parse(month, "UTC", now=tale.now)) as made:
        written = pack.write(made, Vault.open(folder / "evidence"), folder / "packs" / "one").path
    shutil.move(folder / "evidence", folder / "gone")
    found = verify_pack(written)
    if not found.ok or not found.findings_reproduced or found.problems:
        yield Wrong("pack", f"{month} {list(found.problems)[:3]}")


def main(words: Sequence[str]) -> int:
    """Run the worlds that the words ask for."""
    asked = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--seeds", default="1-20", help="such as 1-50, or 7")
    asked.add_argument("--packs", type=int, default=0, help="a pack of every so many worlds")
    asked.add_argument("--tell", action="store_true", help="what happened in each world")
    given = asked.parse_args(words)
    first, _, last = given.seeds.partition("-")
    counts, sorts = Counter[str](), Counter[str]()
    for seed in range(int(first), int(last or first) + 1):
        try:
            report = world(seed, packs=bool(given.packs) and seed % given.packs == 0)
        except Exception as problem:  # noqa: BLE001  whatever it is, it is a finding
            last = traceback.extract_tb(problem.__traceback__)[-1]
            report = Report(Tale(seed), [Wrong("exception", f"{problem!r} {last.filename}:{last.lineno}")])
        for line in report.tale.log if given.tell else ():
            sys.stdout.write(f"{line}\n")
        for one in report.wrongs:
            sys.stdout.write(f"seed {seed} {one.sort} | {one.detail}\n")
        sys.stdout.flush()
        counts += report.counts
        sorts.update(one.sort for one in report.wrongs)
    sys.stdout.write(f"{dict(counts)}\n{dict(sorts)}\n")
    return 1 if sorts else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
