"""The loopback GitHub over REST: pages, limits, permissions and everything that a header says."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.fakes.github import tokens
from tests.fakes.github.builder import Company
from tests.fakes.github.client import ask
from tests.fakes.github.scenarios import SCENARIOS, Story
from tests.fakes.github.server import GitHub
from tests.fakes.github.world import FileChange

R = "/repos/acme/api"


@pytest.fixture(scope="module")
def story():
    """A repository with three clean changes."""
    made = Story()
    for how in ("squash", "merge", "rebase"):
        made.clean(how=how)
    return made


@pytest.fixture
def host(story):
    with GitHub(story.world) as served:
        yield served


def test_pages_follow_link_by_repository_id(host, story):
    """`Link` leads through every page by the lasting address, and the last page has no next one."""
    reply = ask(host, f"{R}/commits", story.secret, {"per_page": 2})
    assert reply.links["next"].startswith(f"{host.url}/repositories/{story.api.it.id}/commits?")
    seen = [one["sha"] for one in reply.json]
    while "next" in reply.links:
        reply = ask(host, reply.links["next"], story.secret)
        seen += [one["sha"] for one in reply.json]
    assert len(set(seen)) == len(seen) == 5
    assert {"prev", "first"} == set(reply.links)


def test_activity_is_paged_by_cursor(host, story):
    """Ref updates have no numbered pages: `after` is opaque and there is no last page."""
    reply = ask(host, f"{R}/activity", story.secret, {"per_page": 3})
    rows = list(reply.json)
    while "next" in reply.links:
        assert {"next"} == set(reply.links)
        assert "after=" in reply.links["next"]
        reply = ask(host, reply.links["next"], story.secret)
        rows += reply.json
    assert len(story.api.it.activity) == len(rows)
    assert [row["id"] for row in rows] == sorted((row["id"] for row in rows), reverse=True)


def test_activity_of_one_ref(host, story):
    """`ref` and `activity_type` narrow the rows, and `time_period` counts back from the server's now."""
    rows = ask(host, f"{R}/activity", story.secret, {"ref": "main", "activity_type": "pr_merge"}).json
    assert 3 == len(rows)
    assert 422 == ask(host, f"{R}/activity", story.secret, {"time_period": "decade"}).status
    assert [] == ask(host, f"{R}/activity", story.secret, {"ref": "refs/heads/none"}).json


def test_unchanged_answer_is_304_and_free(host, story):
    """A matching `If-None-Match` gives 304 without a body, and takes nothing from the limit."""
    first = ask(host, f"{R}/environments", story.secret)
    again = ask(host, f"{R}/environments", story.secret, None, If_None_Match=first.headers["ETag"])
    assert (304, b"") == (again.status, again.body)
    assert first.headers["X-RateLimit-Remaining"] == again.headers["X-RateLimit-Remaining"]
    assert 1 == host.points()["/repos/{owner}/{repo}/environments"]
    assert 2 == host.counts()["/repos/{owner}/{repo}/environments"]


def test_headers_tell_limits_scopes_and_time(host, story):
    """Limits, scopes, a request id and the clock of the world come with each answer."""
    reply = ask(host, R, story.secret)
    assert ("5000", "4999") == (reply.headers["X-RateLimit-Limit"], reply.headers["X-RateLimit-Remaining"])
    assert "repo, read:org, read:audit_log" == reply.headers["X-OAuth-Scopes"]
    assert reply.headers["Date"].endswith("GMT")
    assert reply.headers["X-GitHub-Request-Id"]
    assert "metadata=read" == reply.headers["X-Accepted-GitHub-Permissions"]


def test_gzip_on_request_only(host, story):
    """The body is packed when the client accepts that, and says the same."""
    plain, packed = ask(host, R, story.secret), ask(host, R, story.secret, None, Accept_Encoding="gzip")
    assert "gzip" == packed.headers["Content-Encoding"]
    assert plain.headers["Content-Encoding"] is None
    assert plain.json == packed.json


def test_bad_or_missing_credentials(host, story):
    """An unknown token is 401, no token is 401, and neither is recorded with its text."""
    assert "Bad credentials" == ask(host, R, "wrong").json["message"]
    assert "Requires authentication" == ask(host, R, None).json["message"]
    assert [True, False] == [seen.authorised for seen in host.requests]
    assert "wrong" not in repr(host.requests)


def test_invisible_repository_is_404_and_missing_permission_403(story):
    """What a token may not see is not there; what it may see and not read names the permission."""
    story.token(tokens.fine_grained("narrow", "cat", "contents"))
    story.token(tokens.fine_grained("elsewhere", "cat", repositories=frozenset({"acme/other"})))
    with GitHub(story.world) as host:
        assert 404 == ask(host, f"{R}/commits", "elsewhere").status
        refused = ask(host, f"{R}/commits", "narrow")
        assert (403, "contents=read") == (refused.status, refused.headers["X-Accepted-GitHub-Permissions"])
        assert "Resource not accessible by personal access token" == refused.json["message"]


def test_fine_grained_tokens_have_no_checks():
    """The Checks permission cannot be given to a fine-grained token, and its endpoints refuse one."""
    with pytest.raises(ValueError, match="Checks"):
        tokens.Token("x", tokens.FINE_GRAINED, permissions={"checks": "read"})
    story = SCENARIOS["matrix-token-without-checks"].build()
    head = story.api.it.pulls[1].head_sha
    with GitHub(story.world) as host:
        assert 403 == ask(host, f"{R}/commits/{head}/check-runs", story.secret).status
        assert 1 == ask(host, f"{R}/actions/runs", story.secret, {"head_sha": head}).json["total_count"]


def test_protection_is_hidden_from_those_who_may_not_know(story):
    """No protection and no right to know are both 404 for a classic token; an Actions token gets 403."""
    story.token(tokens.classic("writer", "bob"))
    story.token(tokens.actions("ci", "acme/api"))
    with GitHub(story.world) as host:
        path = f"{R}/branches/main/protection"
        assert "Branch not protected" == ask(host, path, story.secret).json["message"]
        assert (404, "Not Found") == ((reply := ask(host, path, "writer")).status, reply.json["message"])
        assert (403, "Resource not accessible by integration") == ((reply := ask(host, path, "ci")).status, reply.json["message"])  # fmt: skip


def test_bypass_actors_only_for_editors_of_the_rules():
    """The list is absent, not empty, for a token that cannot edit the ruleset."""
    story = SCENARIOS["edge-32-bypass-list-hidden"].build()
    with GitHub(story.world) as host:
        path = f"{R}/rulesets/{story.rules.id}"
        assert "bypass_actors" not in ask(host, path, story.secret).json
        assert 1 == len(ask(host, path, "classic-secret").json["bypass_actors"])
        assert 403 == ask(host, f"{path}/history", story.secret).status


def test_renamed_repository_redirects_to_its_id():
    """An old name is 301 to `/repositories/{id}` with path and query, which answers."""
    story = SCENARIOS["edge-51-repositories-come-and-go"].build()
    with GitHub(story.world) as host:
        moved = ask(host, "/repos/acme/invoices/commits", story.secret, {"per_page": 1})
        assert 301 == moved.status
        assert "acme/billing" in ask(host, moved.headers["Location"], story.secret).json[0]["url"]
        assert 409 == ask(host, "/repos/acme/empty/commits", story.secret).status
        assert 404 == ask(host, "/repos/acme/gone", story.secret).status


def test_lists_stop_where_github_stops():
    """250 commits and 3,000 files of a pull request, whatever it has."""
    company = Company()
    repo = company.repository()
    ann = company.person("ann")
    company.token(tokens.classic("t", "root"))
    change = repo.open(ann)
    for number in range(259):
        change.push(ann, {"src/app.py": str(number)})
    change.it.files = [FileChange(f"f{number}") for number in range(3010)]
    with GitHub(company.world) as host:
        commits = [
            row
            for page in (1, 2, 3)
            for row in ask(host, f"{R}/pulls/1/commits", "t", {"per_page": 100, "page": page}).json
        ]
        assert 250 == len(commits)
        assert 260 == ask(host, f"{R}/pulls/1", "t").json["commits"]
        assert [] == ask(host, f"{R}/pulls/1/files", "t", {"per_page": 100, "page": 31}).json
        assert 100 == len(ask(host, f"{R}/pulls/1/files", "t", {"per_page": 100, "page": 30}).json)


def test_compare_pages_commits_and_gives_files_once(host, story):
    """`base...head` counts every commit, lists them oldest first, and has files on its first page only."""
    first = min(story.api.it.commits.values(), key=lambda one: one.generation).sha
    path = f"{R}/compare/{first}...main"
    one, two = (ask(host, path, story.secret, {"per_page": 2, "page": page}).json for page in (1, 2))
    assert ("ahead", 4) == (one["status"], one["total_commits"])
    assert 2 == len(one["commits"]) == len(two["commits"])
    assert one["files"]
    assert [] == two["files"]
    assert 404 == ask(host, f"{R}/compare/{first}...nowhere", story.secret).status


def test_check_runs_show_the_latest_attempt_unless_all_is_asked():
    """Re-runs are hidden by default and shown by `filter=all`."""
    story = SCENARIOS["edge-28-rerun-to-green"].build()
    with GitHub(story.world) as host:
        path = f"{R}/commits/{story.api.it.pulls[1].head_sha}/check-runs"
        assert ["success"] == [run["conclusion"] for run in ask(host, path, story.secret).json["check_runs"]]
        assert 3 == ask(host, path, story.secret, {"filter": "all"}).json["total_count"]


def test_checks_are_gone_after_the_retention_time():
    """Suites and runs older than the setting are not served: empty, and not an error."""
    story = SCENARIOS["edge-29-evidence-expired"].build()
    with GitHub(story.world) as host:
        head = story.api.it.pulls[1].head_sha
        assert 0 == ask(host, f"{R}/commits/{head}/check-runs", story.secret).json["total_count"]
        assert 0 == ask(host, f"{R}/actions/runs", story.secret).json["total_count"]


def test_search_lags_and_stops_at_a_thousand(story):
    """Search says how many there are, knows no fresh merges, and refuses what lies beyond 1,000."""
    with GitHub(story.world) as host:
        query = {"q": "is:pr is:merged repo:acme/api merged:2026-10-01..2026-10-31"}
        assert 3 == ask(host, "/search/issues", story.secret, query).json["total_count"]
        assert 422 == ask(host, "/search/issues", story.secret, {**query, "per_page": 100, "page": 11}).status
        story.world.index_lag = timedelta(days=1)
        assert 0 == ask(host, "/search/issues", story.secret, query).json["total_count"]
        story.world.index_lag = timedelta(0)


def test_primary_limit_is_403_with_nothing_remaining(story):
    """When the points are spent, REST says 403 and shows a remaining of 0."""
    with GitHub(story.world, limit=2) as host:
        assert [200, 200, 403] == [ask(host, R, story.secret).status for _ in range(3)]
        assert "0" == ask(host, R, story.secret).headers["X-RateLimit-Remaining"]
        assert 0 == ask(host, "/rate_limit", story.secret).json["rate"]["remaining"]


def test_enterprise_server_has_other_roots():
    """Below /api/v3 and /api/graphql, without limits, with a version, and ruleset history from 3.19 on."""
    story = Story()
    story.world.enterprise = "3.18.2"
    with GitHub(story.world) as host:
        assert host.url.endswith("/api/v3")
        assert "3.18.2" == ask(host, "/meta", story.secret).json["installed_version"]
        assert ask(host, R, story.secret).headers["X-RateLimit-Limit"] is None
        path = f"{R}/rulesets/{story.rules.id}/history"
        assert 404 == ask(host, path, story.secret).status
        story.world.enterprise = "3.19.0"
        assert 200 == ask(host, path, story.secret).status


def test_a_fault_of_the_fake_itself_is_never_silent(story, monkeypatch):
    """An exception in the server is answered with 500 and raised when it closes."""
    monkeypatch.setattr("tests.fakes.github.rest.answer", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError), GitHub(story.world) as host:
        assert 500 == ask(host, R, story.secret).status


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_scenario_builds_and_serves(name):
    """Each named world is made, says what it is about, and answers for its repository."""
    chosen = SCENARIOS[name]
    assert chosen.about.endswith(".")
    assert set(chosen.expects) <= set("ABCDEFGH")
    story = chosen.build()
    with GitHub(story.world) as host:
        assert (404 if name == "edge-51-single-sign-on" else 200) == ask(host, R, story.secret).status
        story.token(tokens.classic("all", "cat"))
        assert ask(host, f"{R}/activity", "all").json
        assert 200 == ask(host, f"{R}/pulls", "all", {"state": "all"}).status


def test_every_edge_case_has_a_scenario():
    """All 55 numbers are there, and 17 rows of the matrix."""
    assert set(range(1, 56)) == {int(name.split("-")[1]) for name in SCENARIOS if name.startswith("edge-")}
    assert 17 == sum(name.startswith("matrix-") for name in SCENARIOS)
