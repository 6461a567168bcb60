"""One run: a world is collected, loaded and judged, and compared with the same world without a fault."""

from __future__ import annotations

import base64
import gzip
import io
import json
import logging
import re
import shutil
import tempfile
import traceback
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from soc2ev import config, controls, period, sources, tables
from soc2ev.errors import Soc2evError
from soc2ev.fetch import Fetch
from soc2ev.vault import Vault, writer
from tests.campaign.worlds import JIRA_SECRET, JIRA_USER, NOW, WORLDS, Stage
from tests.fakes.github.faults import Fault, Wire
from tests.fakes.github.server import GitHub
from tests.fakes.jira.server import Jira

JUDGING = [one for one in controls.builtin() if one.area in ("change-management", "emergency-changes")]
_LETTING = ("met", "not applicable")
_CLEAN = ("no deviations", "no occurrence")
Key = tuple[str, str, str]
"""A control, an item and the letter of a question."""


@dataclass(frozen=True)
class Answer:
    """What was asked of the `github` or the `jira`, and the JSON that it said (None when it was none)."""

    side: str
    endpoint: str
    query: str | None
    said: Any


@dataclass
class Seen:
    """What became of a world: outcomes with reasons, conclusions with whether the population is whole, and the way there."""

    outcomes: Mapping[Key, tuple[str, str]]
    conclusions: Mapping[str, tuple[str, bool]]
    whole: bool
    refused: str
    answers: Sequence[Answer]
    leaked: Sequence[str]


@dataclass(frozen=True)
class Wrong:
    """Something that no fault may cause: `what` it is, and the control and letter (or the place in our code) it concerns."""

    what: str
    about: str
    detail: str


@dataclass
class _Recording:
    """Keeps what a server answered, before any fault of transport."""

    side: str
    answers: list[Answer] = field(default_factory=list)

    def note(self, method: str, target: str, sent: bytes, wire: Wire) -> Wire:
        body = gzip.decompress(wire.body) if wire.headers.get("Content-Encoding") == "gzip" else wire.body
        path = target.partition("?")[0].removeprefix("/jira/").strip("/")
        query = json.loads(sent)["query"] if path == "graphql" else None
        self.answers.append(Answer(self.side, template(method, f"/{path}"), query, json.loads(body or b"null")))
        return wire


def template(method: str, path: str) -> str:
    """The endpoint of a request: commits, numbers and tickets left out."""
    path = re.sub(r"[0-9a-f]{40}", "SHA", path)
    path = re.sub(r"/\d+(?=/|$)", "/N", path)
    return f"{method} {re.sub(r'/(API|WEB)-[0-9]+', '/KEY', path)}"


def travel(name: str, broken: Mapping[str, Sequence[Fault]], *, record: bool = False) -> Seen:
    """Collect and judge that world with those faults of each side. Raises what the package would show as a traceback."""
    folder = Path(tempfile.mkdtemp(prefix="soc2ev-campaign-"))
    try:
        with _logged() as log:
            return _travel(folder, name, broken, log, record=record)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _logged() -> Iterator[io.StringIO]:
    log, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(log), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield log
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


def _travel(folder: Path, name: str, broken: Mapping[str, Sequence[Fault]], log: io.StringIO, *, record: bool) -> Seen:
    stage, clock, refused, claims = WORLDS[name].build(), [NOW], "", []
    stage.world.now = stage.jira.now = NOW
    with (
        GitHub(stage.world, faults=list(broken.get("github", ()))) as host,
        Jira(stage.jira, faults=list(broken.get("jira", ()))) as tickets,
        writer(folder / "evidence", origin="test", now=lambda: clock[0], tool="test") as vault,
    ):
        kept = [_Recording("github"), _Recording("jira")]
        if record:
            _listen(host, kept[0])
            _listen(tickets, kept[1])
        found, month = _configured(folder, name, stage, host, tickets)
        known = {"GITHUB": stage.secret, "JIRA": JIRA_SECRET, "JIRA_USER": JIRA_USER, "PATH": "/usr/bin:/bin"}

        def sleep(seconds: float) -> None:
            clock[0] += timedelta(seconds=seconds)

        fetch = Fetch(vault, environment=known, sleep=sleep, now=lambda: clock[0], folder=folder, workers=1)
        try:
            claims = list(sources.collect(fetch, found, month))
        except Soc2evError as problem:
            refused = f"{problem.message} {problem.hint}"
        answers = [*kept[0].answers, *kept[1].answers] if record else _asked(host, tickets)
    with tables.load(Vault.open(folder / "evidence"), found, month) as loaded:
        findings = list(controls.judge_all(JUDGING, loaded))
    outcomes = {
        (one.control.id, item.id, letter): (result.outcome.value, result.reason)
        for one in findings
        for item in one.population.items
        for letter, result in item.outcomes.items()
    }
    conclusions = {one.control.id: (one.conclusion.value, one.population.complete) for one in findings}
    told = f"{log.getvalue()}{claims}{refused}{outcomes}"
    leaked = _leaked(folder / "evidence", told, stage.secret)
    return Seen(outcomes, conclusions, not refused and all(one.complete for one in claims), refused, answers, leaked)


def _listen(server: GitHub | Jira, kept: _Recording) -> None:
    answer = server.respond

    def respond(method: str, target: str, headers: Mapping[str, str], sent: bytes) -> Wire:
        return kept.note(method, target, sent, answer(method, target, headers, sent))

    server.respond = respond  # type: ignore[method-assign]


def _asked(host: GitHub, tickets: Jira) -> list[Answer]:
    sides = (("github", host.requests), ("jira", tickets.requests))
    return [Answer(side, template(one.method, one.path), None, None) for side, seen in sides for one in seen]


def _configured(folder: Path, name: str, stage: Stage, host: GitHub, tickets: Jira) -> tuple[Any, period.Period]:
    user = "user: {env: JIRA_USER}, " if stage.cloud else ""
    (folder / "registers").mkdir()
    (folder / "registers" / "people.yaml").write_text(_people(stage), encoding="utf-8")
    text = (
        f"version: 1\norganisation: Example Co\ntimezone: UTC\nregisters: ./registers\nscope: {WORLDS[name].scope}\n"
        f"sources:\n  github: [{{url: '{host.url}', graphql_url: '{host.graphql_url}', token: {{env: GITHUB}}}}]\n"
        f"  jira: [{{url: '{tickets.url}', {user}token: {{env: JIRA}}, projects: [API, WEB]}}]\n{WORLDS[name].policy}"
    )
    (folder / "soc2ev.yaml").write_text(text, encoding="utf-8")
    return config.load(folder / "soc2ev.yaml"), period.parse("2026-10", "UTC", now=NOW)


def _people(stage: Stage) -> str:
    head = "id: people\nkind: people\nschema: 1\ntitle: Who is who\nowner: Cat Lead\ncriteria: [CC6.1]\n"
    head += "prepared_by: Cat Lead\nreviewed_by: Dana Roth\nreviewed_on: 2026-09-01\nstatus: approved\npeople:\n"
    people = [(name, one) for name, one in stage.world.accounts.items() if one.kind == "User"]
    return head + "".join(
        f"  - {{name: 'P {name}', github: [{{login: '{login}', id: {number}}}], jira: ['id-{name}'], "
        f"emails: ['{name}@acme.example']}}\n"
        for name, login, number in [*((name, one.login, one.id) for name, one in people), ("lena", "lena", 999999)]
    )


def _leaked(folder: Path, told: str, secret: str) -> list[str]:
    basic = base64.b64encode(f"{JIRA_USER}:{JIRA_SECRET}".encode()).decode()
    secrets = (secret, JIRA_SECRET, basic)
    found = ["log or message" for one in secrets if one in told]
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        raw = path.read_bytes()
        if raw.startswith(b"\x1f\x8b"):
            raw += zlib.decompressobj(31).decompress(raw)
        found += [path.name for one in secrets if one.encode() in raw]
    return found


def wrongs(clean: Seen, seen: Seen) -> list[Wrong]:
    """What is worse than the world without the fault; taking verdicts away and saying so is not."""
    found = list(_verdicts(clean, seen))
    for control, (conclusion, whole) in seen.conclusions.items():
        if conclusion in _CLEAN and clean.conclusions[control][0] != conclusion:
            found.append(Wrong("clean conclusion", control, f"{clean.conclusions[control]} -> {conclusion}, {whole}"))
    changed = [key for key in sorted({*clean.outcomes, *seen.outcomes}) if _word(clean, key) != _word(seen, key)]
    same = all(clean.conclusions[name][1] == whole for name, (_, whole) in seen.conclusions.items())
    if changed and seen.whole and same:
        change = ", ".join(f"{key}: {_word(clean, key)} -> {_word(seen, key)}" for key in changed[:3])
        found.append(Wrong("silent", " ".join(sorted({f"{key[0]}.{key[2]}" for key in changed})), change))
    if len(seen.answers) > 10 * len(clean.answers):
        found.append(Wrong("requests", "", f"{len(seen.answers)} rather than {len(clean.answers)}"))
    return found + [Wrong("credential", place, "") for place in seen.leaked]


def _verdicts(clean: Seen, seen: Seen) -> Iterator[Wrong]:
    for key, (said, why) in seen.outcomes.items():
        was = _word(clean, key)
        if said != was and (said in _LETTING or said == "deviation"):
            yield Wrong(said, f"{key[0]}.{key[2]}", f"{key[1]}: {was} -> {said}: {why[:160]}")
    for key in clean.outcomes:
        if key not in seen.outcomes and seen.conclusions[key[0]][1]:
            yield Wrong("left", f"{key[0]}.{key[2]}", f"{key[1]}: {_word(clean, key)}")


def _word(seen: Seen, key: Key) -> str:
    return seen.outcomes[key][0] if key in seen.outcomes else "absent"


def crashed(problem: Exception) -> Wrong:
    """An exception that is none of the package's own."""
    last = traceback.extract_tb(problem.__traceback__)[-3:]
    at = " < ".join(f"{Path(one.filename).name}:{one.lineno}" for one in reversed(last))
    return Wrong("exception", f"{type(problem).__name__} {at}", str(problem)[:160])
