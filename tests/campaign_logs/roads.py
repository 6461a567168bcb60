"""One run: a connector collects from answers that a fault strikes, and what it said is compared with the same without."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from werkzeug.test import EnvironBuilder

from soc2ev import config, controls, period, sources, tables, yamlfile
from soc2ev.errors import Soc2evError
from soc2ev.fetch import Fetch, web
from soc2ev.sources import logs
from soc2ev.vault import Vault, writer
from tests.campaign.roads import Answer, Wrong, template
from tests.fakes.github.faults import Fault, Wire
from tests.sources.logs.runs import SECRET
from tests.sources.logs.test_shipped_connectors import Vendor

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
PERIOD = period.parse("2026-11", "UTC", now=NOW)
"""The month in which the settings are read, so that they say something about it."""
_LOGS = {"log_sources", "log_sinks", "alert_rules", "log_readers", "rate_limits", "log_webhooks", "log_events"}
JUDGING = [one for one in controls.builtin() if _LOGS & set(one.needs)]
TOLD = {
    "collected_log_sources": (
        "enabled", "delivering", "retention_days", "retention_infinite", "searchable_days", "integrity", "encryption",
        "masking", "sampling", "exclusions",
    ),
    "collected_log_sinks": ("type", "retention_days", "retention_infinite", "part", "worm_mode", "encryption"),
    "collected_alert_rules": ("enabled", "reaches", "muted_until", "silence_doubt"),
    "collected_log_readers": ("can_read", "can_stop"),
    "collected_rate_limits": ("limit_per_second", "burst", "period_s", "enforced"),
    "collected_log_events": ("event",),
    "collected_log_webhooks": ("enabled", "deliveries", "failures"),
}  # fmt: skip
"""By table the columns that a control may judge; others are for people."""
Key = tuple[str, str, str]


@dataclass
class Seen:
    """What a collection gave: rows by table, claims, outcomes by control, item and letter (None: not judged), the way."""

    rows: Mapping[str, Sequence[Mapping[str, Any]]]
    whole: bool
    outcomes: Mapping[Key, str] | None
    asked: int
    answers: Sequence[Answer]
    leaked: Sequence[str]


@dataclass
class _Host:
    """The answers of a connector's fixture over real HTTP, struck by a fault."""

    name: str
    fault: Fault | None
    answers: list[Answer] = field(default_factory=list)
    asked: int = 0
    before: dict[str, Wire] = field(default_factory=dict)
    vendor: Vendor | None = None

    def wire(self, method: str, target: str, headers: Mapping[str, str]) -> Wire:
        assert self.vendor is not None
        self.asked += 1
        path = target.partition("?")[0]
        built = EnvironBuilder(target, method=method, headers=dict(headers)).get_request()
        response = self.vendor.answer(built)
        wire = Wire(response.status_code, {"Content-Type": "application/json"}, response.get_data())
        wire.headers |= {"Link": response.headers["Link"]} if "Link" in response.headers else {}
        try:
            self.answers.append(Answer(self.name, template(method, path), None, wire.json))
        except ValueError:
            self.answers.append(Answer(self.name, template(method, path), None, None))
        earlier, self.before[path] = self.before.get(path), wire
        return self.fault.change(wire, earlier) if self.fault and self.fault.hits(method, path) else wire


@contextmanager
def _served(host: _Host) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wire = host.wire(self.command, self.path, self.headers)
            if wire.drop:
                self.close_connection = True
                return
            time.sleep(wire.delay)
            self.send_response(wire.status)
            for name, value in wire.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(wire.body) if wire.declared is None else wire.declared))
            self.end_headers()
            self.wfile.write(wire.body)

        do_POST = do_GET  # noqa: N815  both are answered alike

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            """A client that gave up is what some faults are for."""

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def travel(name: str, fault: Fault | None, clean: Seen | None = None) -> Seen:
    """Collect from that connector's answers; judged when nothing is there to compare with, or rows differ from `clean`."""
    folder = Path(tempfile.mkdtemp(prefix="soc2ev-campaign-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    waits, web._READ_SECONDS = web._READ_SECONDS, 0.2
    try:
        return _travel(folder, _Host(name, fault), clean)
    finally:
        web._READ_SECONDS = waits
        shutil.rmtree(folder, ignore_errors=True)


def _travel(folder: Path, host: _Host, clean: Seen | None) -> Seen:
    clock, said = [NOW], list[str]()

    def sleep(seconds: float) -> None:
        clock[0] += timedelta(seconds=seconds)

    with _served(host) as base:
        host.vendor = Vendor(host.name, base)
        settings = _configured(folder, host.vendor, clean)
        with writer(folder / "evidence", origin="test", now=lambda: clock[0], tool="test") as vault:
            known = {"TOKEN": SECRET, "PASSWORD": SECRET, "PATH": "/usr/bin:/bin"}
            fetch = Fetch(vault, say=said.append, environment=known, sleep=sleep, now=lambda: clock[0], folder=folder, workers=1)  # fmt: skip
            try:
                claims = list(sources.collect(fetch, settings, PERIOD))
            except Soc2evError as problem:
                raise AssertionError(f"not told in a coverage: {problem.message}") from problem
            stored = [(item, vault.read(item.digest)) for item in vault.items(run=vault.run)]
    rows: dict[str, list[Mapping[str, Any]]] = {table: [] for table in TOLD}
    for item, body in stored:
        for table, row in logs.STREAMS[0].rows(item, body) if item.stream.endswith(":sources") else ():
            rows[table].append(row)
    outcomes = None
    if clean is None or _plain(clean.rows) != _plain(rows):
        with tables.load(Vault.open(folder / "evidence"), settings, PERIOD) as loaded:
            found = list(controls.judge_all(JUDGING, loaded))
        outcomes = {
            (one.control.id, item.id, letter): result.outcome.value
            for one in found
            for item in one.population.items
            for letter, result in item.outcomes.items()
        }
    told = repr((claims, said, rows, outcomes, [(item.request, item.response) for item, _ in stored]))
    leaked = ["message or coverage"] if SECRET in told else []
    leaked += [item.stream for item, body in stored if SECRET.encode() in body]
    return Seen(rows, all(one.complete for one in claims), outcomes, host.asked, host.answers, leaked)


def _configured(folder: Path, vendor: Vendor, clean: Seen | None) -> config.Settings:
    """One entry for the connector, and an inventory of the sources that it shows without a fault."""
    (folder / "registers").mkdir()
    keys = [row["key"] for row in clean.rows["collected_log_sources"]] if clean else []
    listed = [{"key": key, "owner": "platform team", "required_retention_days": 30} for key in keys]
    head = {"id": "log-sources", "kind": "log_sources", "schema": 1, "title": "Inventory", "owner": "Cat Lead"}
    head |= {"criteria": ["CC7.2"], "prepared_by": "Cat Lead", "reviewed_by": "Dana Roth", "status": "approved"}
    register = yamlfile.dump({**head, "reviewed_on": "2026-09-01", "sources": listed})
    (folder / "registers" / "log-sources.yaml").write_text(register, encoding="utf-8")
    document = {"version": 1, "organisation": "Example Co", "registers": "./registers"}
    document |= {"sources": {"logs": [vendor.entry, *vendor.beside]}}
    (folder / "soc2ev.yaml").write_text(yamlfile.dump(document), encoding="utf-8")
    return config.load(folder / "soc2ev.yaml")


def _plain(rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> Any:
    return {
        table: [{name: value for name, value in row.items() if name != "observed_at"} for row in found]
        for table, found in rows.items()
    }


def wrongs(clean: Seen, seen: Seen, *, broken: bool, lie: bool = False) -> list[Wrong]:
    """What is worse than without the fault. `broken`: a call failed, so that every change of rows must be stated."""
    found = [] if lie else list(_changed(clean, seen))
    outcomes = {} if lie else seen.outcomes or {}
    for key, word in outcomes.items():
        was = (clean.outcomes or {}).get(key, "not tested")
        if key in (clean.outcomes or {}) and word not in (was, "not tested"):
            found.append(Wrong(word, f"{key[0]}.{key[2]}", f"{key[1]}: {was} -> {word}"))
    if broken and not lie and seen.whole and _plain(clean.rows) != _plain(seen.rows):
        found.append(Wrong("silent", "", "rows changed, and the collection claims to be whole"))
    if seen.asked > 10 * clean.asked:
        found.append(Wrong("requests", "", f"{seen.asked} rather than {clean.asked}"))
    return found + [Wrong("credential", place, "") for place in seen.leaked]


def _changed(clean: Seen, seen: Seen) -> Iterator[Wrong]:
    for table, columns in TOLD.items():
        before, after = clean.rows[table], seen.rows[table]
        if len(after) < len(before) and seen.whole:
            yield Wrong("left", table, f"{len(before)} -> {len(after)} rows, and the collection claims to be whole")
        if len(after) > len(before):
            yield Wrong("came", table, f"{len(before)} -> {len(after)} rows")
        pairs = zip(before, after, strict=True) if len(before) == len(after) else ()
        for old, new in pairs:
            for name in columns:
                was, now = old.get(name), new.get(name)
                if now is not None and now != was and (was is not None or now is not True):
                    about = new.get("rule") or new.get("scope") or new.get("endpoint") or new.get("key") or ""
                    yield Wrong("fact", f"{table.removeprefix('collected_')}.{name}", f"{about}: {was!r} -> {now!r}")
