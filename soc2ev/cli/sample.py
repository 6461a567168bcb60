"""`soc2ev sample`: draw what an auditor looks at, so that anybody can draw it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from soc2ev.cli import console, session
from soc2ev.cli.options import Config, Period
from soc2ev.errors import ConfigError

if TYPE_CHECKING:
    from soc2ev.controls.sampling import Sample
    from soc2ev.model import Finding

_CONTROL = "change-authorised-tested-approved"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("sample")(sample)


def sample(
    period: Period = "last-month",
    control: Annotated[str, typer.Option("--control", help="The control whose population is sampled.")] = _CONTROL,
    size: Annotated[
        str, typer.Option("--size", help="A number, or table:NAME (see --tables).")
    ] = "table:on-occurrence",
    seed: Annotated[str, typer.Option("--seed", help="The auditor's seed: any text.")] = "",
    method: Annotated[str, typer.Option("--method", help="seed, or population-hash: then nobody picks.")] = "",
    engagement: Annotated[str, typer.Option("--engagement", help="Id of the engagement, for population-hash.")] = "",
    stratify: Annotated[str, typer.Option("--stratify", help="Facts to stratify by, comma separated.")] = "",
    format_: Annotated[str, typer.Option("--format", "-f", help="table, json or csv.")] = "table",
    tables: Annotated[bool, typer.Option("--tables", help="List the tables of sample sizes and stop.")] = False,  # noqa: FBT002
    config: Config = None,  # noqa: ARG001
) -> None:
    """
    Draw a sample from a control's population: reproducible, stratified, all emergencies and bypasses included.

    Examples:
      soc2ev sample --period 2026-Q3 --seed "KPMG 4711" --size 25
      soc2ev sample --period 2026-Q3 --method population-hash --engagement ENG-7 --size table:on-occurrence
      soc2ev sample --period 2026 --seed 4711 --stratify repository,integration --format csv > sample.csv
    """
    session.chosen_format(format_, ("table", "json", "csv"))
    from soc2ev.controls import sampling

    if tables:
        console.table(
            ("table", "what", "source"),
            [(name, one["about"], one["source"]) for name, one in sampling.tables().items()],
        )
        return
    with session.assessment(period) as made:
        found = next((one for one in made.findings if one.control.id == control), None)
        if found is None:
            raise ConfigError(f"there is no control {control!r}", hint="see `soc2ev controls list`")
        drawn = sampling.draw(
            found,
            size,
            method=method or (sampling.SEED if seed else sampling.POPULATION_HASH),
            seed=seed,
            engagement=engagement or made.settings.config.organisation,
            stratify=[name.strip() for name in stratify.split(",") if name.strip()],
        )
        if format_ == "json":
            console.put_json(_as_json(found, drawn, made.period.name))
        elif format_ == "csv":
            _put_csv(found, drawn)
        else:
            _show(found, drawn)


def _as_json(finding: Finding, drawn: Sample, period: str) -> dict[str, Any]:
    from soc2ev.controls.report import instant

    return {
        "schema": "soc2ev.sample/1",
        "control": finding.control.id,
        "period": period,
        "population": {
            "size": drawn.size,
            "hash": f"sha256:{drawn.population_hash}",
            "complete": finding.population.complete,
            "provisional": finding.population.provisional,
        },
        "method": drawn.method,
        "seed": drawn.seed,
        "strata": {name: {"size": size, "drawn": taken} for name, (size, taken) in drawn.strata.items()},
        "finds_a_deviation": drawn.finds_one,
        "items": [
            {
                "id": one.item.id,
                "title": one.item.title,
                "at": instant(one.item.at) if one.item.at else None,
                "stratum": one.stratum,
                "rank": one.rank,
                "outcomes": {letter: result.outcome.value for letter, result in one.item.outcomes.items()},
            }
            for one in drawn.drawn
        ],
    }


def _rows(finding: Finding, drawn: Sample) -> tuple[list[str], list[list[Any]]]:
    letters = [part.letter for part in finding.control.attributes]
    columns = ["no", "stratum", "item", "at", "title", *letters]
    rows = [
        [place, one.stratum, one.item.id, one.item.at, one.item.title]
        + [one.item.outcomes[letter].outcome.value if letter in one.item.outcomes else "" for letter in letters]
        for place, one in enumerate(drawn.drawn, 1)
    ]
    return columns, rows


def _put_csv(finding: Finding, drawn: Sample) -> None:
    from soc2ev.pack.export import table_csv

    columns, rows = _rows(finding, drawn)
    parts = table_csv(columns, rows)
    console.put_parts(part.decode().replace("\r\n", "\n").removeprefix("\ufeff") for part in parts)


def _show(finding: Finding, drawn: Sample) -> None:
    population = finding.population
    state = "complete" if population.complete else "not complete"
    console.put(f"population: {drawn.size} items of {finding.control.id}, {state}, sha256 {drawn.population_hash}")
    console.put(f"method:     {drawn.method}, seed {console.safe(drawn.seed)}")
    for name, (size, taken) in drawn.strata.items():
        console.put(f"stratum:    {console.safe(name)}: {taken} of {size}")
    columns, rows = _rows(finding, drawn)
    shown = [[*row[:3], f"{row[3]:%Y-%m-%d}" if row[3] else "", *row[4:]] for row in rows]
    marked = [[*row[:5], *(console.marked(word) if word else "" for word in row[5:])] for row in shown]
    console.table(columns, marked, right=(0,))
    if drawn.finds_one is not None:
        console.say(f"a random sample of this size holds a deviation with probability {drawn.finds_one:.0%}")
    if not population.complete:
        console.say("the population is not complete: a sample of it proves nothing about what is missing")
