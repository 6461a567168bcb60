"""The loopback GitHub over GraphQL: pages, prices, refusals, partial answers and worlds of size."""

from __future__ import annotations

import subprocess
from itertools import count

import pytest
from graphql import (
    GraphQLInterfaceType,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
)

from tests.fakes.github import gitobjects, tokens
from tests.fakes.github.change import merge_queue
from tests.fakes.github.client import query
from tests.fakes.github.graphql import SCHEMA
from tests.fakes.github.large import SECRET, large
from tests.fakes.github.scenarios import SCENARIOS, Story
from tests.fakes.github.server import GitHub
from tests.fakes.github.world import Approval, Event, Issue, Team

HISTORY = """query($after:String,$first:Int){repository(owner:"acme",name:"api"){ref(qualifiedName:"refs/heads/main"){target{
... on Commit{history(first:$first,after:$after){totalCount pageInfo{hasNextPage endCursor} nodes{oid parents(first:3){totalCount}
associatedPullRequests(first:5){nodes{number}}}}}}}} rateLimit{cost nodeCount remaining used limit resetAt}}"""
REVIEWS = """{repository(owner:"acme",name:"api"){pullRequests(first:20){nodes{number mergedBy{login} mergeCommit{oid}
reviews(first:100){nodes{state author{__typename login} commit{oid}}}
timelineItems(first:100){nodes{__typename ... on ReviewDismissedEvent{previousReviewState}
... on HeadRefForcePushedEvent{beforeCommit{oid} afterCommit{oid}} ... on AddedToMergeQueueEvent{enqueuer{login}}}}}}}}"""
ROLLUP = """{repository(owner:"acme",name:"api"){name ref(qualifiedName:"main"){target{oid
... on Commit{statusCheckRollup{state contexts(first:10){nodes{... on CheckRun{name isRequired(pullRequestNumber:1)}}}}}}}}}"""


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


def pulls(name):
    """The pull requests of a scenario, as GraphQL shows them."""
    story = SCENARIOS[name].build()
    with GitHub(story.world) as host:
        return story, query(host, story.secret, REVIEWS).json["data"]["repository"]["pullRequests"]["nodes"]


def test_cursors_walk_the_whole_history(host, story):
    """Each page gives the cursor of the next one, and `totalCount` is always the whole."""
    seen, after = [], None
    while True:
        page = query(host, story.secret, HISTORY, first=2, after=after).json["data"]["repository"]["ref"]["target"][
            "history"
        ]
        seen += [one["oid"] for one in page["nodes"]]
        assert 5 == page["totalCount"]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert len(set(seen)) == len(seen) == 5


def test_price_by_the_documented_formula(host, story):
    """100 commits with parents and pull requests ask for 900 nodes and cost 2 points, which are taken."""
    rate = query(host, story.secret, HISTORY, first=100).json["data"]["rateLimit"]
    assert (2, 900, 4998, 2) == (rate["cost"], rate["nodeCount"], rate["remaining"], rate["used"])
    assert 2 == host.points()["/graphql"]


@pytest.mark.parametrize(
    ("first", "kind"),
    [(None, "MISSING_PAGINATION_BOUNDARIES"), (101, "EXCESSIVE_PAGINATION"), (0, "INVALID_PAGINATION")],
)
def test_pages_have_bounds(host, story, first, kind):
    """A connection without `first` or `last`, or one outside 1-100, is refused before it runs."""
    reply = query(host, story.secret, HISTORY, first=first)
    assert (200, kind) == (reply.status, reply.json["errors"][0]["type"])
    assert "data" not in reply.json


def test_node_limit_counts_what_is_asked(host, story):
    """More than 500,000 possible nodes are refused, however few there are."""
    text = '{repository(owner:"acme",name:"api"){pullRequests(first:100){nodes{commits(first:100){nodes{commit{parents(first:100){totalCount}}}}}}}}'  # fmt: skip
    error = query(host, story.secret, text).json["errors"][0]
    assert "MAX_NODE_LIMIT_EXCEEDED" == error["type"]
    assert "1,010,100" in error["message"]


def test_unknown_cursor_is_an_error(host, story):
    """A cursor of another list is refused with the path of the connection, beside null data."""
    body = query(host, story.secret, HISTORY, first=1, after="nonsense").json
    assert "INVALID_CURSOR_ARGUMENTS" == body["errors"][0]["type"]
    assert ["repository", "ref", "target", "history"] == body["errors"][0]["path"]


def test_unpublished_fields_are_refused(host, story):
    """A field that the subset lacks is a validation error, never an invented answer."""
    assert (
        "Cannot query field"
        in query(host, story.secret, "{repository(owner:1,name:2){invented}}").json["errors"][-1]["message"]
    )


def test_missing_repository_is_not_found(host, story):
    """A repository that is not there is null with NOT_FOUND and its path."""
    body = query(host, story.secret, '{repository(owner:"acme",name:"none"){id}}').json
    assert {"repository": None} == body["data"]
    assert ("NOT_FOUND", ["repository"]) == (body["errors"][0]["type"], body["errors"][0]["path"])


def test_nodes_keep_their_order_and_miss_one_by_one(host, story):
    """`nodes(ids)` answers in order; an unknown id is null with an error of its own."""
    listing = query(host, story.secret, '{repository(owner:"acme",name:"api"){pullRequests(first:3){nodes{id}}}}').json
    ids = [one["id"] for one in listing["data"]["repository"]["pullRequests"]["nodes"]]
    text = "query($ids:[ID!]!){nodes(ids:$ids){... on PullRequest{number}}}"
    body = query(host, story.secret, text, ids=[ids[2], "PR_nonsense", ids[0]]).json
    assert [{"number": 3}, None, {"number": 1}] == body["data"]["nodes"]
    assert [["nodes", 1]] == [error["path"] for error in body["errors"]]


def test_roll_up_fails_as_a_whole_without_checks():
    """Without the Checks permission the roll-up is null and FORBIDDEN; the rest of the answer stands."""
    story = SCENARIOS["matrix-token-without-checks"].build()
    with GitHub(story.world) as host:
        body = query(host, story.secret, ROLLUP).json
    assert body["data"]["repository"]["ref"]["target"]["statusCheckRollup"] is None
    assert "api" == body["data"]["repository"]["name"]
    error = body["errors"][0]
    assert ("FORBIDDEN", "Resource not accessible by personal access token") == (error["type"], error["message"])
    assert ["repository", "ref", "target", "statusCheckRollup"] == error["path"]


def test_deleted_people_read_as_null():
    """The author of a review whose account is gone is null."""
    _, found = pulls("edge-12-ghost-approver")
    assert [None] == [one["author"] for one in found[0]["reviews"]["nodes"]]


def test_dismissed_review_is_told_by_the_timeline_only():
    """The review reads DISMISSED; what it was stands in the event."""
    _, found = pulls("edge-07-dismissed-after")
    assert ["DISMISSED"] == [one["state"] for one in found[0]["reviews"]["nodes"]]
    events = [one for one in found[0]["timelineItems"]["nodes"] if one["__typename"] == "ReviewDismissedEvent"]
    assert ["APPROVED"] == [one["previousReviewState"] for one in events]


def test_queue_is_merged_by_a_bot_and_decided_by_a_person():
    """Three pull requests land in one ref update of the queue's bot, whose enqueuer is a person."""
    story, found = pulls("edge-16-queue-group")
    assert {"github-merge-queue[bot]"} == {one["mergedBy"]["login"] for one in found}
    assert ["bob"] * 3 == [item["enqueuer"]["login"] for one in found for item in one["timelineItems"]["nodes"] if "enqueuer" in item]  # fmt: skip
    rows = [row for row in story.api.it.activity if row.kind == "merge_queue_merge"]
    assert [found[-1]["mergeCommit"]["oid"]] == [row.after for row in rows]


def test_rebound_review_names_the_new_head():
    """After a patch-identical force-push the review names the commit that was pushed after it."""
    story, found = pulls("matrix-rebased-same-patch")
    forced = next(
        item for item in found[0]["timelineItems"]["nodes"] if item["__typename"] == "HeadRefForcePushedEvent"
    )
    assert forced["afterCommit"]["oid"] == found[0]["reviews"]["nodes"][0]["commit"]["oid"]
    assert forced["beforeCommit"]["oid"] == story.api.it.pulls[1].reviews[0].reviewed


def test_index_lag_hides_the_newest_merge():
    """`associatedPullRequests` of the newest merge knows only the pull request that does not belong there."""
    story = SCENARIOS["edge-25-index-lag"].build()
    with GitHub(story.world) as host:
        body = query(host, story.secret, HISTORY, first=1).json
    newest = body["data"]["repository"]["ref"]["target"]["history"]["nodes"][0]
    assert [{"number": 2}] == newest["associatedPullRequests"]["nodes"]


def test_protection_is_forbidden_to_apps_and_empty_for_writers():
    """Without Administration the rules are FORBIDDEN to an Actions token, and an empty list for a user who is no admin."""
    story = SCENARIOS["edge-32-protection-denied"].build()
    story.token(tokens.classic("writer", "bob"))
    text = '{repository(owner:"acme",name:"api"){branchProtectionRules(first:5){totalCount}}}'
    with GitHub(story.world) as host:
        assert "FORBIDDEN" == query(host, story.secret, text).json["errors"][0]["type"]
        assert 0 == query(host, "writer", text).json["data"]["repository"]["branchProtectionRules"]["totalCount"]
        assert (
            1 == query(host, "classic-secret", text).json["data"]["repository"]["branchProtectionRules"]["totalCount"]
        )


def test_spent_points_are_told_with_status_200(story):
    """Over the primary limit GraphQL answers 200 with RATE_LIMITED and nothing remaining."""
    with GitHub(story.world, limit=3) as host:
        query(host, story.secret, HISTORY, first=100)
        reply = query(host, story.secret, HISTORY, first=100)
    assert (200, "RATE_LIMITED") == (reply.status, reply.json["errors"][0]["type"])


def test_names_are_those_that_git_gives(tmp_path):
    """Git itself computes the same names for the trees and commits of a story, signed and merged ones included."""
    story = Story()
    story.clean(how="merge", files={"a/b.py": "x", "a.c": "y", "a-d": "z"})

    def git(*words, sent):
        run = subprocess.run(["git", *words], cwd=tmp_path, input=sent, capture_output=True, check=True)
        return run.stdout.decode().strip()

    subprocess.run(["git", "init", "-q", "."], cwd=tmp_path, check=True)
    for commit in story.api.it.commits.values():
        lines = []
        for path, text in story.api.files(commit.sha).items():
            name = git("hash-object", "-w", "--stdin", sent=text.encode())
            lines.append(f"100644 {name}\t{path}\n")
        (tmp_path / ".git/index").unlink(missing_ok=True)
        git("update-index", "--index-info", sent="".join(lines).encode())
        assert commit.tree == git("write-tree", sent=b"")
        raw = gitobjects.raw_commit(
            commit.tree, commit.parents, *people(commit), commit.message, commit.signature and gitobjects.SIGNATURE
        )
        assert commit.sha == git("hash-object", "-t", "commit", "-w", "--stdin", sent=raw)


def people(commit):
    """The author and the committer as commit headers write them."""
    return [gitobjects.person(one.name, one.email, one.at) for one in (commit.author, commit.committer)]


def test_large_world_is_made_alike_each_time_and_served():
    """The same seed makes the same commits; another seed makes others; every pull request can be walked."""
    one, other, third = large(200, seed=7), large(200, seed=7), large(200, seed=8)
    heads = [[repo.head() for repo in made.repos.values()] for made in (one, other, third)]
    assert heads[0] == heads[1] != heads[2]
    text = '{repository(owner:"acme",name:"service-0"){pullRequests(first:100,states:MERGED){totalCount nodes{reviews(first:5){totalCount}}}}}'  # fmt: skip
    with GitHub(one.world) as host:
        page = query(host, SECRET, text).json["data"]["repository"]["pullRequests"]
    assert 50 == page["totalCount"]
    assert {1} == {row["reviews"]["totalCount"] for row in page["nodes"]}


GIVEN = {"owner": '"acme"', "name": '"api"', "login": '"acme"', "qualifiedName": '"main"', "refPrefix": '"refs/heads/"'}
GIVEN |= {
    "oid": "null",
    "expression": '"main"',
    "number": "1",
    "headRef": '"main"',
    "path": '"README.md"',
    "type": "ISSUE",
}
GIVEN |= {"query": '"is:pr"', "first": "2", "pullRequestNumber": "1", "refName": '"main"'}


REPOSITORY = '{repository(owner:"acme",name:"api")%s}'
PULL = REPOSITORY % "{pullRequest(number:1)%s}"
STARTS = {
    "Repository": REPOSITORY,
    "PullRequest": PULL,
    "PullRequestTimelineItems": PULL % "{timelineItems(first:90){nodes%s}}",
    "Label": PULL % "{labels(first:9){nodes%s}}",
    "Commit": PULL % "{commits(first:1){nodes{commit%s}}}",
    "CheckSuite": PULL % "{commits(first:1){nodes{commit{checkSuites(first:9){nodes%s}}}}}",
    "StatusCheckRollup": PULL % "{commits(first:1){nodes{commit{statusCheckRollup%s}}}}",
    "Release": REPOSITORY % "{releases(first:9){nodes%s}}",
    "Ref": REPOSITORY % '{ref(qualifiedName:"main")%s}',
    "BranchProtectionRule": REPOSITORY % "{branchProtectionRules(first:9){nodes%s}}",
    "RepositoryRuleset": REPOSITORY % "{rulesets(first:9){nodes%s}}",
    "RepositoryRule": REPOSITORY % "{rulesets(first:9){nodes{rules(first:9){nodes%s}}}}",
    "WorkflowRun": PULL % "{mergeCommit{checkSuites(first:9){nodes{workflowRun%s}}}}",
    "Team": '{organization(login:"acme"){teams(first:9){nodes%s}}}',
    "Deployment": REPOSITORY % "{deployments(first:9){nodes%s}}",
    "Environment": REPOSITORY % "{environments(first:9){nodes%s}}",
    "SearchResultItemConnection": '{search(query:"is:pr",type:ISSUE,first:9)%s}',
    "Organization": '{organization(login:"acme")%s}',
    "User": "{viewer%s}",
    "RateLimit": "{rateLimit%s}",
}


REST_OF_THE_EVENTS = ("AutoMergeDisabledEvent", "BaseRefChangedEvent", "BaseRefForcePushedEvent", "ConnectedEvent")
REST_OF_THE_EVENTS += ("DisconnectedEvent", "ConvertToDraftEvent", "ReadyForReviewEvent", "ReopenedEvent")
REST_OF_THE_EVENTS += ("RemovedFromMergeQueueEvent",)


def every_field(kind, depth, names):
    """A selection of every field of a type, and of everything below it as deep as that."""
    if isinstance(kind, (GraphQLUnionType, GraphQLInterfaceType)):
        parts = [f"... on {one.name}{every_field(one, depth, names)}" for one in SCHEMA.get_possible_types(kind)]
        return "{__typename " + " ".join(parts) + "}"
    if depth == 0:
        return "{__typename}"
    made = []
    for name, field in kind.fields.items():
        words = ",".join(f"{word}:{GIVEN[word]}" for word in field.args if word in GIVEN)
        inner = get_named_type(field.type)
        below = "" if is_leaf_type(inner) else every_field(inner, depth - 1, names)
        made.append(f"f{next(names)}: {name}{f'({words})' if words else ''}{below}")
    return "{" + " ".join(made) + "}"


@pytest.fixture(scope="module")
def rich():
    """A pull request to which everything happened, in a repository that has everything."""
    made = Story()
    made.api.push(made.cat, {".github/CODEOWNERS": "* @nobody\n"}, "Owners")
    made.api.environment("production", made.bob, wait_minutes=5)
    made.api.protect(checks=(("test", None),))
    made.rules.bypass = [{"actor_id": 1, "actor_type": "OrganizationAdmin", "bypass_mode": "always"}]
    made.world.teams.append(Team(7, "makers", [made.ann]))
    change = made.reviewed()
    change.dismiss(change.it.reviews[0], made.cat)
    change.it.timeline[-1].data["pullRequestCommit"] = change.it.head_sha
    change.label("emergency", made.ann)
    change.label("brief", made.ann)
    change.unlabel("brief", made.ann)
    change.edit(made.ann, title="ABC-2 Change", body="More words.")
    change.auto_merge(made.ann)
    change.rebase(made.ann, {"src/more.py": "more"})
    change.check()
    made.api.status(change.it.head_sha, "lint", by=made.ann)
    change.it.closes.append(Issue(5, 5, "Broken", made.api.it))
    change.enqueue(made.bob)
    merged = merge_queue([change])[0]
    run = made.api.it.suites[merged.sha][0].workflow_run
    run.approvals.append(Approval(("production",), "approved", made.bob))
    change.it.timeline.append(
        Event(9, "DeployedEvent", made.now, made.bob, {"deployment": made.deploy()}, pull=change.it)
    )
    made.api.release("v1", made.bob)
    old = {"beforeCommit": merged.sha, "afterCommit": merged.sha, "currentRefName": "main", "previousRefName": "old"}
    linked = {"isCrossRepository": False, "source": change.it, "subject": change.it.closes[0]}
    for kind in REST_OF_THE_EVENTS:
        data = {**old, **linked, "disabler": made.bob, "enqueuer": made.bob, "reason": "MANUAL"}
        change.it.timeline.append(Event(made.world.fresh(), kind, made.now, made.bob, data, pull=change.it))
    return made


@pytest.mark.parametrize("start", STARTS)
def test_every_field_of_the_subset_resolves(rich, start):
    """Every field of every type that can be met from here is answered without an error."""
    document = STARTS[start] % every_field(SCHEMA.type_map[start], 3, count())
    with GitHub(rich.world) as host:
        body = query(host, rich.secret, document).json
    assert [] == body.get("errors", [])
    assert body["data"]
