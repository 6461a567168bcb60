"""The campaign of log connectors runs: its matrix reaches every connector, denial is nothing wrong, and it sees a lie."""

from __future__ import annotations

from dataclasses import replace

from tests.campaign.places import Place
from tests.campaign_logs.__main__ import Run, clean, judged, matrix, plain, run
from tests.campaign_logs.kinds import KINDS
from tests.campaign_logs.roads import wrongs

ADMINS = "GET /api/v1/iam/assignees/users"


def test_matrix() -> None:
    """Every kind has places in the answers of one connector; a call of each object that is looked up is among them."""
    runs = list(matrix(["okta"], [name for name in KINDS if name != "each-yes"]))
    assert set(KINDS) - {"each-yes"} == {one.kind for one in runs}
    assert {"okta"} == {one.place.side for one in runs}
    assert {f"GET /api/v1/users/{who}/roles" for who in ("00u1super", "00u2help")} <= {
        one.place.endpoint for one in runs
    }
    assert len(set(runs)) == len(runs)


def test_run() -> None:
    """A second page that is refused, a word that nobody knows, and a page that repeats are nothing wrong."""
    assert clean("okta").whole
    assert [] == run(Run("still-403", Place("okta", ADMINS, 2)))
    assert [] == run(Run("each-weird", Place("okta", "GET /api/v1/logStreams", path=("*", "status"))))
    assert [] == run(Run("page-loop", Place("okta", ADMINS)))


def test_what_a_document_lets_be_absent_is_no_lie() -> None:
    """An override that is not there is not there; a status that is not there is another answer."""
    absent, status = ("useCaseModeOverrides", "LOGIN_PAGE"), ("*", "status")
    assert plain(Run("each-missing", Place("okta", "GET /api/v1/rate-limit-settings/per-client", path=absent)))
    assert not plain(Run("each-missing", Place("okta", "GET /api/v1/logStreams", path=status)))


def test_wrongs() -> None:
    """A fact that says something else, a row that is gone, an outcome that turned, and a change that nothing tells of."""
    seen = judged("okta")
    assert seen.outcomes
    rows = {table: [dict(row) for row in found] for table, found in seen.rows.items()}
    rows["collected_log_webhooks"][0]["enabled"] = False
    del rows["collected_log_readers"][0]
    turned = next(key for key, word in seen.outcomes.items() if word == "deviation")
    found = wrongs(seen, replace(seen, rows=rows, outcomes={**seen.outcomes, turned: "met"}), broken=True)
    assert {"fact", "left", "met", "silent"} == {one.what for one in found}
