"""
A fictional company to look at: repositories, tickets, registers, twelve months of evidence, and a pack that verifies.

Nothing is faked after the sources: a real repository and real register files are built, and hosts that do not exist
answer for GitHub and Jira from a recording. All of it is collected month by month by the same code that collects
yours, with a clock of the story's own. It needs git, no network and no token.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from soc2ev import config, pack, sources
from soc2ev import vault as vaults
from soc2ev.checklist.assessment import assess
from soc2ev.demo import logbook
from soc2ev.demo.history import REPOSITORY, History
from soc2ev.demo.hosts import Answer, Hosts, Replay
from soc2ev.errors import ConfigError, PackError, Soc2evError
from soc2ev.fetch import Fetch
from soc2ev.model import Finding, Item, Outcome
from soc2ev.pack.reperform import verify_pack
from soc2ev.period import Period, months, parse
from soc2ev.templates import folder

PERIOD = "2025-11-01..2026-10-31"
_ORIGIN = "soc2ev/harbour-payments-fictional/evidence"
_MARKER = ".soc2ev-demo"
RECORDING = "hosts.jsonl.gz"
"""The answers of GitHub and Jira, in the demo's folder of templates."""
_CHANGES = "change-authorised-tested-approved"
_REWRITTEN = "2026-06"
_ENOUGH = 40
"""Characters of an item's id that tell it from others."""
_FORGOTTEN = "2026-03"
_UNREVIEWED = "2026-08"


@dataclass(frozen=True, slots=True)
class Built:
    """What the demo left on the disk."""

    pack: Path
    period: str
    findings: tuple[Finding, ...]
    score: int
    changes: int
    """Items of the control of changes."""
    grade: str


def build(target: Path, say: Callable[[str], None] = lambda _: None) -> Built:
    """
    Build the company in `target` and verify its pack.

    An earlier demo there is replaced; ConfigError when the folder holds anything else. Soc2evError when git is missing,
    or when the sources ask what the recording of GitHub and Jira does not answer.
    """
    replay = Replay(folder("demo") / RECORDING)
    settings = live(target, replay)
    if replay.missed:
        raise Soc2evError(
            f"the demo cannot be built: {len(replay.missed)} requests are new to it, the first in {replay.missed[0]}",
            hint="the sources changed since its hosts were recorded; `make demo-record` records them again",
        )
    whole = parse(PERIOD)
    say(f"twelve months were lived through; {_FORGOTTEN} was never collected")
    vault = vaults.Vault.open(target / "evidence")
    with assess(vault, settings, whole) as made:
        written = pack.write(made, vault, target / "packs" / pack.name(made))
        findings, score = made.findings, made.readiness.score
    changes = [item for one in findings if one.control.id == _CHANGES for item in one.population.items]
    say("pack written; verifying it")
    found = verify_pack(written.path)
    if not found.ok:
        raise PackError("the pack does not verify: " + "; ".join(found.problems[:3]))
    say("ask the ledger who was given which rights, and prove one entry of it:")
    say(f"  cd {target} && soc2ev ledger query --log ledger --action 'user.*'")
    say(f"  cd {target} && soc2ev ledger verify --log ledger && soc2ev ledger prove --log ledger 3")
    say("look at a change that one person carried alone, and draw a sample as an auditor would:")
    say(f"  cd {target} && soc2ev show {_alone(changes)} --period {PERIOD}")
    say(f"  cd {target} && soc2ev sample --period {PERIOD} --seed 4711")
    return Built(written.path, PERIOD, findings, score, len(changes), found.grade)


def _alone(changes: Sequence[Item]) -> str:
    """A change by a pull request in which duties were not separated, as `soc2ev show` takes it."""
    found = (
        item.id
        for item in changes
        if item.facts["integration"] == "pr_merge" and item.outcomes["E"].outcome is Outcome.DEVIATION
    )
    return next(found)[:_ENOUGH]


def live(target: Path, answer: Answer) -> config.Settings:
    """Build repositories and registers in `target` and collect the twelve months, with `answer` for GitHub and Jira."""
    _clear(target)
    shutil.copytree(folder("demo"), target, dirs_exist_ok=True, ignore=shutil.ignore_patterns(RECORDING))
    settings = config.load(target / config.FILE_NAME)
    history = History()
    _git(target, "init", "--quiet", "--bare", "--initial-branch=main", "repository.git")
    _git(target, "init", "--quiet", "--initial-branch=main", "registers")
    logbook.write_key(target / "evidence")
    last: Period | None = None
    with Hosts(answer) as hosts:
        for month in months(parse(PERIOD)):
            _live_through(target, history, month, last)
            logbook.keep_ledger(target / "ledger", month, collected_at(month))
            last = month
            if month.name != _FORGOTTEN:
                hosts.month = month.name
                logbook.write_sample(target / "logs", month)
                _collect(settings, target, month, hosts)
    return settings


def _clear(target: Path) -> None:
    if target.exists() and any(target.iterdir()):
        if not (target / _MARKER).is_file():
            raise ConfigError(f"{target} is not empty", hint="give --output a new folder; nothing was changed")
        shutil.rmtree(target)
    target.mkdir(parents=True, exist_ok=True)
    (target / _MARKER).write_text("built by `soc2ev demo`; delete the folder when you are done\n", encoding="utf-8")


def _live_through(target: Path, history: History, month: Period, last: Period | None) -> None:
    """What happened in a month: commits reach the branch, the alerts of the month before are reviewed."""
    stream = history.month(month, rewrite=2 if month.name == _REWRITTEN else 0)
    _git(target / "repository.git", "fast-import", "--quiet", "--force", stdin=stream)
    if last and last.name != _UNREVIEWED:
        _review_alerts(target / "registers" / "alert-review", last)
    _commit_registers(target / "registers", month)


def _review_alerts(place: Path, month: Period) -> None:
    text = (place.parent / "alert-review.template").read_text(encoding="utf-8")
    reviewed = month.end + timedelta(days=4)
    for key, value in (("@MONTH@", month.name), ("@REVIEWED@", f"{reviewed:%Y-%m-%d}")):
        text = text.replace(key, value)
    place.mkdir(exist_ok=True)
    (place / f"{month.name}.yaml").write_text(text, encoding="utf-8")


def _commit_registers(place: Path, month: Period) -> None:
    when = f"{month.end - timedelta(hours=6):%Y-%m-%dT%H:%M:%SZ}"
    dates = {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when}
    _git(place, "add", "--all", environment=dates)
    message = f"Registers of {month.name}\n\nReviewed-by: Dana Roth <dana@harbour.example>"
    _git(place, "commit", "--quiet", "--allow-empty", "-m", message, environment=dates)


def collected_at(month: Period) -> datetime:
    """When the company collects a month: the night after the first day of the next one."""
    return month.end + timedelta(days=1, hours=4, minutes=17)


def _collect(settings: config.Settings, target: Path, month: Period, hosts: Hosts) -> None:
    clock = _Clock(collected_at(month))
    run = f"demo-{month.name}"
    with vaults.writer(target / "evidence", origin=_ORIGIN, now=clock, tool=pack.TOOL, run=run) as opened:
        known = {"PATH": os.environ.get("PATH", os.defpath), **hosts.environment}
        # One worker asks one question after another, so that every demo stores the same bytes in the same order.
        for _ in sources.collect(Fetch(opened, environment=known, now=clock, workers=1), settings, month):
            pass


class _Clock:
    """The story's clock: a millisecond later each time somebody looks."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def __call__(self) -> datetime:
        self._now += timedelta(milliseconds=1)
        return self._now


def _git(place: Path, *words: str, stdin: bytes = b"", environment: Mapping[str, str] | None = None) -> None:
    """Run git in that folder, away from the settings of whoever runs the demo."""
    closed = {
        "PATH": os.environ.get("PATH", ""),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_AUTHOR_NAME": "Ann Berg",
        "GIT_AUTHOR_EMAIL": "ann@harbour.example",
        "GIT_COMMITTER_NAME": "Ann Berg",
        "GIT_COMMITTER_EMAIL": "ann@harbour.example",
        **(environment or {}),
    }
    command = ["git", "-c", "gc.auto=0", "-c", "core.autocrlf=false", *words]
    try:
        subprocess.run(command, cwd=place, input=stdin, env=closed, check=True, capture_output=True)
    except FileNotFoundError:
        raise Soc2evError("git is not installed", hint="install git 2.30 or newer") from None
    except subprocess.CalledProcessError as problem:
        raise Soc2evError(f"git {words[0]} failed: {problem.stderr.decode(errors='replace').strip()}") from None


__all__ = ["PERIOD", "RECORDING", "REPOSITORY", "Built", "build", "collected_at", "live"]
