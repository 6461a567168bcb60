"""The fictional company: planted deviations are found, and it is the same every time."""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from soc2ev import demo
from soc2ev.demo import RECORDING, Built, build, hosts, live
from soc2ev.errors import ConfigError, Soc2evError
from soc2ev.model import Conclusion, Outcome
from soc2ev.templates import folder
from tests.conftest import Run
from tests.demo.company import CHANGES, PLANTED, Harbour
from tests.demo.record import recorder

OTHERS = {
    "abuse-scenarios-covered": {"bulk_export": ["B", "C"]},
    "alert-rules-reach-people": {
        "alertmanager:alerts/severity='info'": ["B"],
        "prometheus:metrics/BulkExportRefused": ["B"],
        "prometheus:metrics/RateLimited": ["A"],
    },
    "alerts-lead-to-action": {"pagerduty:on-call/Q-2026-08-B": ["A"]},
    "alerts-reviewed-monthly": {"2026-08": ["A"]},
    "log-authentication-fields": {"payments-gateway": ["A"]},
    "log-content-clean": {"payments-gateway": ["A", "B"]},
    "log-access-reviewed": {"loki:payments": ["A"], "pagerduty:on-call": ["A"], "prometheus:metrics": ["A"]},
    "log-integrity-protected": {"prometheus:metrics": ["A", "B"]},
    "log-retention-documented": {"loki:payments": ["B"], "prometheus:metrics": ["B", "C", "D"]},
    "log-retention-kept": {"prometheus:metrics": ["A", "B"]},
    "log-sources-complete": {"alertmanager:alerts": ["A"]},
    "log-sources-inventoried": {"loki:payments": ["B"]},
    "logging-exceptions-in-force": {"exception/ret-001.yaml#RET-001": ["B"]},
    "procedures-approved-and-current": {"incident_response": ["B"]},
    "production-history-kept": {"ledger:main": ["A"]},
}
"""What deviates in the registers, in the repository that has no server, and in the monitoring."""


@dataclass(frozen=True)
class Recorded:
    """The story told once more, with the fakes behind the demo's hosts."""

    packed: bytes
    company: Harbour
    place: Path


@pytest.fixture(scope="module")
def spoken_to() -> list[Any]:
    """The addresses that the demo of these tests connected to."""
    return []


@pytest.fixture(scope="module")
def said() -> list[str]:
    """What the demo of these tests said."""
    return []


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, spoken_to: list[Any], said: list[str]) -> Built:
    """One demo for all tests here."""
    connect = socket.socket.connect

    def watched(self: socket.socket, address: Any) -> None:
        spoken_to.append(address)
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", watched)
        return build(tmp_path_factory.mktemp("demo") / "company", said.append)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """One recording for all tests here."""
    place = tmp_path_factory.mktemp("recorded") / "company"
    with recorder() as made:
        live(place, made)
        return Recorded(hosts.write(made.exchanges), made.company, place)


def _place(built: Built) -> Path:
    return built.pack.parent.parent


def _deviating(built: Built, control: str) -> dict[str, list[str]]:
    finding = next(one for one in built.findings if one.control.id == control)
    return {
        item.id: [letter for letter, result in item.outcomes.items() if result.outcome is Outcome.DEVIATION]
        for item in finding.population.items
        if any(result.outcome is Outcome.DEVIATION for result in item.outcomes.values())
    }


def test_planted_deviations_are_found_and_no_others(built: Built, recorded: Recorded, soc2ev: Run) -> None:
    """Each planted fault shows in its control, and nothing else deviates."""
    done = soc2ev("check", "--period", demo.PERIOD, "--format", "json", cwd=_place(built))
    findings = json.loads(done.out)["findings"]
    found = {
        one["control"]: {
            item["id"]: letters
            for item in one["items"]
            if (letters := [k for k, said in item["outcomes"].items() if said["outcome"] == "deviation"])
        }
        for one in findings
    }
    expected = {**OTHERS, **recorded.company.deviating()}
    assert {name: expected.get(name, {}) for name in found} == found


def test_everything_planted_happens(recorded: Recorded) -> None:
    """Each entry of the list happens in the story, under every control that it names."""
    named = {(kind, control) for kind, one in PLANTED.items() for control in one.deviates}
    assert named == set(recorded.company.items)


def test_changes_of_the_hosts_are_tested(built: Built, recorded: Recorded) -> None:
    """
    On GitHub every attribute of every change is told: met, deviating or not applicable.

    But for the one that landed before its required check had ended, of which GitHub recorded no bypass.
    """
    finding = next(one for one in built.findings if one.control.id == CHANGES)
    hosted = [item for item in finding.population.items if item.id.startswith("harbour/")]
    assert len(hosted) > 100
    late = recorded.company.items["check after the merge", CHANGES]
    assert [(late, "E"), (late, "F")] == [
        (item.id, letter)
        for item in hosted
        for letter, result in item.outcomes.items()
        if result.outcome is Outcome.NOT_TESTED
    ]


def test_the_recording_is_up_to_date(recorded: Recorded) -> None:
    """What the sources ask and the fakes answer now is what `make demo-record` wrote."""
    kept = (folder("demo") / RECORDING).read_bytes()
    # Not the packed bytes: other builds of zlib pack otherwise.
    assert list(hosts.read(kept)) == list(hosts.read(recorded.packed)), "run `make demo-record`"


def test_a_recording_is_the_same_for_the_same_exchanges() -> None:
    """Whatever the order in which different questions were asked."""
    asked = [hosts.Asked("2026-10", hosts.GITHUB, "GET", f"/{number}") for number in range(3)]
    replies = [hosts.Reply(200, {"date": "now", "x-secret": "1"}, b"{}") for _ in asked]
    pairs = list(zip(asked, replies, strict=True))
    assert hosts.write(pairs) == hosts.write(reversed(pairs))
    assert [{"date": "now"}] * 3 == [dict(reply.headers) for _, reply in hosts.read(hosts.write(pairs))]


def test_the_demo_speaks_to_this_machine_alone(built: Built, spoken_to: list[Any]) -> None:
    """It needs no network: every connection goes to the loopback."""
    assert {"127.0.0.1"} == {address[0] for address in spoken_to}


def test_it_says_what_to_look_at(built: Built, said: list[str], soc2ev: Run) -> None:
    """The commands that it names at the end work in its folder."""
    shown = next(line for line in said if "soc2ev show" in line)
    words = shown.partition("soc2ev ")[2].split()
    done = soc2ev(*words, cwd=_place(built))
    assert 0 == done.code
    assert "Ann Berg" in done.out
    assert any("soc2ev sample" in line for line in said)


def test_collecting_later_says_that_the_hosts_are_gone(built: Built, tmp_path: Path, soc2ev: Run) -> None:
    """The hosts answer only while the demo runs: collecting stops at their tokens, which name them as fictional."""
    copy = tmp_path / "company"
    shutil.copytree(_place(built), copy, ignore=shutil.ignore_patterns("packs"))
    done = soc2ev("collect", "--period", "2026-03", cwd=copy)
    assert 2 == done.code
    assert "FICTIONAL_GITHUB_TOKEN is not set" in done.err
    assert "All hosts are fictional" in (copy / "soc2ev.yaml").read_text(encoding="utf-8")


def test_a_stale_recording_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A question that the recording does not answer stops the demo and names the way out."""

    def asks(target: Path, answer: hosts.Answer) -> None:
        reply = answer(hosts.Asked("2026-10", hosts.GITHUB, "GET", "/api/v3/new"))
        assert (404, True) == (reply.status, b"demo-record" in reply.body)

    monkeypatch.setattr(demo, "live", asks)
    with pytest.raises(Soc2evError, match="/api/v3/new") as refused:
        build(tmp_path / "company")
    assert "make demo-record" in refused.value.hint


def test_a_question_is_told_from_another_by_what_it_asks() -> None:
    """The order of the words of a body does not matter; the text of a query, its variables and the month do."""

    def key(body: Any, month: str = "2026-10") -> tuple[str, ...]:
        return hosts.Asked(month, hosts.GITHUB, "POST", "/graphql", json.dumps(body).encode()).key

    one = {"query": "{a}", "variables": {"x": 1, "y": 2}}
    assert key(one) == key({"variables": {"y": 2, "x": 1}, "query": "{a}"})
    others = [key({**one, "query": "{b}"}), key({**one, "variables": {"x": 1}}), key(one, "2026-09")]
    assert 4 == len({key(one), *others})


def test_the_hosts_prove_themselves_to_strict_clients() -> None:
    """Their certificate holds for clients that take RFC 5280 at its word, as Python does from 3.13 on."""
    told: list[hosts.Asked] = []

    def answer(asked: hosts.Asked) -> hosts.Reply:
        told.append(asked)
        return hosts.Reply(200, {"date": "now"}, b"{}")

    with hosts.Hosts(answer) as running:
        running.month = "2026-10"
        address = urlsplit(running.environment["HTTPS_PROXY"])
        context = ssl.create_default_context(cafile=running.environment["REQUESTS_CA_BUNDLE"])
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        wire = http.client.HTTPSConnection(address.hostname or "", address.port, timeout=5, context=context)
        wire.set_tunnel(hosts.JIRA, 443)
        for _ in range(2):
            wire.request("POST", "/rest?a=b", b'{"c": 1}')
            reply = wire.getresponse()
            assert (200, b"{}", "now") == (reply.status, reply.read(), reply.headers["date"])
        wire.close()
    assert [hosts.Asked("2026-10", hosts.JIRA, "POST", "/rest?a=b", b'{"c": 1}')] * 2 == told


def test_the_proxy_leads_nowhere_else() -> None:
    """A host that is none of the demo's is refused."""
    with hosts.Hosts(lambda asked: hosts.Reply(200, {}, b"{}")) as running:
        address = urlsplit(running.environment["HTTPS_PROXY"])
        wire = http.client.HTTPConnection(address.hostname or "", address.port, timeout=5)
        wire.set_tunnel("github.com", 443)
        with pytest.raises(OSError, match="403"):
            wire.connect()
        wire.close()


def test_the_waived_exception_is_no_deviation_any_more(built: Built) -> None:
    """Its row stays, with the waiver beside it."""
    finding = next(one for one in built.findings if one.control.id == "logging-exceptions-in-force")
    assert Conclusion.NO_DEVIATIONS is finding.conclusion
    assert ["WAIVE-001"] == [item.waiver.id for item in finding.population.items if item.waiver]


def test_the_forgotten_month_is_a_gap(built: Built) -> None:
    """March was never collected, so the year is not complete, and says so."""
    finding = next(one for one in built.findings if one.control.id == "change-authorised-tested-approved")
    assert not finding.population.complete
    assert any("2026-03-01" in (entry.reason or "") for entry in finding.population.coverage)
    assert not any(item.at and item.at.month == 3 for item in finding.population.items)


def test_every_collected_commit_has_one_fate(built: Built) -> None:
    """No commit of the year is in two changes."""
    finding = next(one for one in built.findings if one.control.id == "change-authorised-tested-approved")
    commits = [sha for item in finding.population.items for sha in item.facts["commits"]]
    assert len(set(commits)) == len(commits)
    expected = sum(entry.expected or 0 for entry in finding.population.coverage if entry.stream.endswith(":commits"))
    assert expected == len(commits)


def test_nothing_that_git_cannot_know_is_met(built: Built) -> None:
    """With git alone no attribute of a change is met, and none deviates."""
    finding = next(one for one in built.findings if one.control.id == CHANGES)
    plain = [item for item in finding.population.items if item.id.startswith("ledger@")]
    outcomes = [(letter, result.outcome) for item in plain for letter, result in item.outcomes.items()]
    assert {Outcome.NOT_TESTED} == {outcome for letter, outcome in outcomes if letter != "I"}
    assert {Outcome.NOT_APPLICABLE} == {outcome for letter, outcome in outcomes if letter == "I"}


def test_twice_the_same(built: Built, recorded: Recorded) -> None:
    """A second company, whose hosts were the fakes, has the same evidence, byte for byte; the pack is made of it alone."""
    first, second = _place(built) / "evidence", recorded.place / "evidence"
    names = sorted(path.relative_to(second) for path in second.rglob("*") if path.is_file())
    assert len(names) > 400
    for name in names:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    """The demo replaces only a demo."""
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(ConfigError):
        build(tmp_path)
    assert "years of work" == (tmp_path / "thesis.txt").read_text(encoding="utf-8")


def test_a_month_that_was_never_collected_was_not_collected_in_time(built: Built) -> None:
    """Evidence with a gap is kept neither whole nor in time, whatever the months beside it show."""
    finding = next(one for one in built.findings if one.control.id == "change-evidence-kept")
    assert {Outcome.NOT_TESTED} == {
        result.outcome for item in finding.population.items for result in item.outcomes.values()
    }
