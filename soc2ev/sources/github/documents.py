"""
What is asked of GitHub's GraphQL interface, as text.

Every document validates against the published schema. Sizes of pages are variables, so that one text serves every size;
documents about many things at once name them by aliases. The costs in points are GitHub's formula: connections asked
for, divided by a hundred, so lists nested in lists are kept out or short.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from soc2ev.sources.github.fragments import (
    ACTOR,
    ANCESTRY,
    CHECKS,
    COMMIT,
    CONTEXTS,
    ISSUES,
    PAGE,
    PARENTS,
    PROBED,
    PUSHES,
    STATUSES,
    check_fragments,
    objects,
    tests,
)

_FACTS = """
fragment facts on Repository {
  id databaseId nameWithOwner url visibility isArchived isFork isEmpty createdAt pushedAt updatedAt
  squashMergeAllowed mergeCommitAllowed rebaseMergeAllowed autoMergeAllowed
  defaultBranchRef { name target { oid } }%s
}
"""
_TRACES = """
  pullRequests(first: 1, orderBy: {field: UPDATED_AT, direction: DESC}) { nodes { number updatedAt } }
  deployments(first: 1, orderBy: {field: CREATED_AT, direction: DESC}) {
    nodes { databaseId latestStatus { createdAt state } }
  }
  releases(first: 1, orderBy: {field: CREATED_AT, direction: DESC}) { nodes { id updatedAt } }"""
TRACES = ("pullRequests", "deployments", "releases")
"""What shows that something changed, beside the repository's own times."""
_SUITES = "oid pushes: checkSuites(first: 3) { nodes { createdAt push { previousSha pusher { ...actor } } } }"

TIMELINE = (
    "HEAD_REF_FORCE_PUSHED_EVENT, BASE_REF_CHANGED_EVENT, BASE_REF_FORCE_PUSHED_EVENT, REVIEW_DISMISSED_EVENT, "
    "LABELED_EVENT, UNLABELED_EVENT, RENAMED_TITLE_EVENT, ADDED_TO_MERGE_QUEUE_EVENT, REMOVED_FROM_MERGE_QUEUE_EVENT, "
    "AUTO_MERGE_ENABLED_EVENT, AUTO_SQUASH_ENABLED_EVENT, AUTO_REBASE_ENABLED_EVENT, AUTO_MERGE_DISABLED_EVENT, "
    "MERGED_EVENT, REOPENED_EVENT, READY_FOR_REVIEW_EVENT, CONVERT_TO_DRAFT_EVENT"
)
_EVENT_FIELDS = {
    "HeadRefForcePushedEvent": "beforeCommit { oid } afterCommit { oid }",
    "BaseRefForcePushedEvent": "beforeCommit { oid } afterCommit { oid }",
    "BaseRefChangedEvent": "previousRefName currentRefName",
    "ReviewDismissedEvent": "previousReviewState dismissalMessage review { id }",
    "LabeledEvent": "label { name }",
    "UnlabeledEvent": "label { name }",
    "RenamedTitleEvent": "previousTitle currentTitle",
    "AddedToMergeQueueEvent": "",
    "RemovedFromMergeQueueEvent": "reason",
    "AutoMergeEnabledEvent": "",
    "AutoSquashEnabledEvent": "",
    "AutoRebaseEnabledEvent": "",
    "AutoMergeDisabledEvent": "reason",
    # The commit of this event may be null, that of others may not: an alias keeps the types apart.
    "MergedEvent": "landed: commit { oid } mergeRefName",
    "ReopenedEvent": "",
    "ReadyForReviewEvent": "",
    "ConvertToDraftEvent": "",
}
_EVENTS = "".join(
    f" ... on {kind} {{ id createdAt actor {{ ...actor }} {more} }}" for kind, more in _EVENT_FIELDS.items()
)
_REPLACED = f"__typename ... on HeadRefForcePushedEvent {{ beforeCommit {{ ...commit {PARENTS} }} }}"
_REVIEW = "id state submittedAt authorCanPushToRepository body author { ...actor } commit { oid }"

PARTS = {
    "reviews": f"reviews(first: %s) {{ totalCount {PAGE} nodes {{ {_REVIEW} }} }}",
    "commits": f"commits(first: %s) {{ totalCount {PAGE} nodes {{ commit {{ ...commit {PARENTS} }} }} }}",
    "files": f"files(first: %s) {{ totalCount {PAGE} nodes {{ path changeType }} }}",
    "events": f"timelineItems(first: %s, itemTypes: [{TIMELINE}]) {{ {PAGE} nodes {{ __typename {_EVENTS} }} }}",
    "replaced": f"replaced: timelineItems(first: %s, itemTypes: [HEAD_REF_FORCE_PUSHED_EVENT]) "
    f"{{ {PAGE} nodes {{ {_REPLACED} }} }}",
}
"""The lists of a pull request that may need more than one page, by what we call them."""
FIELDS = {name: name for name in PARTS} | {"events": "timelineItems"}
"""Under what name an answer has them."""
_FIRST = {"reviews": 30, "commits": 20, "files": 50, "events": 60, "replaced": 3}
_LAST = 6
"""Each suite that is asked for costs; few requests have more commits, and the pushes before are asked for apart."""

_PULL = """
fragment pull on PullRequest {
  id number title body url createdAt mergedAt lastEditedAt updatedAt baseRefName baseRefOid headRefName headRefOid
  isCrossRepository changedFiles additions deletions
  author { ...actor } mergedBy { ...actor } autoMergeRequest { enabledBy { ...actor } }
  labels(first: 100) { totalCount nodes { name } }
  %s
}
"""


def repositories(count: int, *, traces: bool) -> str:
    """Facts of `count` repositories, with what shows a change: variables o0, n0 and so on; aliases r0 and so on."""
    names = ", ".join(f"$o{n}: String!, $n{n}: String!" for n in range(count))
    asked = "\n".join(f"  r{n}: repository(owner: $o{n}, name: $n{n}) {{ ...facts }}" for n in range(count))
    return f"query repositories({names}) {{\n{asked}\n}}" + _FACTS % (_TRACES if traces else "")


def owned(*, traces: bool) -> str:
    """A page of the repositories of an owner, with what shows a change."""
    return _OWNED + _FACTS % (_TRACES if traces else "")


_OWNED = f"""query owned($login: String!, $first: Int!, $after: String) {{
  repositoryOwner(login: $login) {{
    repositories(first: $first, after: $after, orderBy: {{field: CREATED_AT, direction: ASC}}) {{
      totalCount {PAGE} nodes {{ ...facts }}
    }}
  }}
}}"""
_MERGED = f"""
    pullRequests(states: MERGED, first: $first, after: $after, orderBy: {{field: UPDATED_AT, direction: DESC}}) {{
      totalCount {PAGE}
      nodes {{ id number updatedAt mergedAt baseRefName headRefName mergeCommit {{ oid }} }}
    }}"""
MERGED = f"""query merged($owner: String!, $name: String!, $first: Int!, $after: String) {{
  repository(owner: $owner, name: $name) {{{_MERGED}
  }}
}}
"""
_DEPLOYMENT = """
fragment deployment on Deployment {
  id databaseId environment originalEnvironment commitOid task createdAt ref { name } creator { ...actor }
  statuses(first: 10) { totalCount pageInfo { hasNextPage endCursor } nodes { ...became } }
}
fragment became on DeploymentStatus { id state createdAt logUrl creator { ...actor } }
"""
_RELEASES = f"""
fragment released on ReleaseConnection {{
  totalCount {PAGE}
  nodes {{
    id tagName name description publishedAt createdAt isDraft isPrerelease url tagCommit {{ oid }}
    author {{ __typename login databaseId }}
  }}
}}
"""
_SETTINGS = """
    visibility deleteBranchOnMerge webCommitSignoffRequired hasVulnerabilityAlertsEnabled
    autoMergeAllowed mergeCommitAllowed squashMergeAllowed rebaseMergeAllowed
    github: object(expression: "HEAD:.github/CODEOWNERS") { ...owners }
    root: object(expression: "HEAD:CODEOWNERS") { ...owners }
    docs: object(expression: "HEAD:docs/CODEOWNERS") { ...owners }
"""
_OWNERS = "fragment owners on GitObject { ... on Blob { oid text isTruncated } }"
SETTINGS = f"""query settings($owner: String!, $name: String!) {{
  repository(owner: $owner, name: $name) {{{_SETTINGS}  }} }}{_OWNERS}"""
_NEWEST = "orderBy: {field: CREATED_AT, direction: DESC}"
DEPLOYMENTS = f"""query deployments(
  $owner: String!, $name: String!, $first: Int!, $after: String, $releases: Boolean!
) {{
  repository(owner: $owner, name: $name) {{
    deployments(first: $first, after: $after, {_NEWEST}) {{ totalCount {PAGE} nodes {{ ...deployment }} }}
    releases(first: 30, {_NEWEST}) @include(if: $releases) {{ ...released }}
  }}
}}{_DEPLOYMENT}{_RELEASES}{ACTOR}"""
OPENING = f"""query opening(
  $owner: String!, $name: String!, $first: Int!, $after: String, $deployments: Int!, $tip: GitObjectID, $probe: Boolean!
) {{
  repository(owner: $owner, name: $name) {{{_MERGED}
    deployments(first: $deployments, {_NEWEST}) {{ totalCount {PAGE} nodes {{ ...deployment }} }}
    releases(first: 30, {_NEWEST}) {{ ...released }}
    probed: object(oid: $tip) @include(if: $probe) {{{PROBED}
    }}{_SETTINGS}  }}
}}{_DEPLOYMENT}{_RELEASES}{_OWNERS}{ACTOR}"""
RELEASES = f"""query releases($owner: String!, $name: String!, $first: Int!, $after: String) {{
  repository(owner: $owner, name: $name) {{
    releases(first: $first, after: $after, {_NEWEST}) {{ ...released }}
  }}
}}{_RELEASES}"""
_GATES = "deploymentReviews(first: 20) { totalCount nodes { state comment user { login databaseId } %s } }"
_GATE_PLACES = "environments(first: 10) { nodes { name } }"
PROBE = f"""query probe($owner: String!, $name: String!, $oid: GitObjectID!) {{
  repository(owner: $owner, name: $name) {{ object(oid: $oid) {{{PROBED}
  }} }}
}}"""


def details(wanted: Collection[str]) -> str:
    """Pull requests by id, with what belongs to them and those optional parts."""
    lists = "\n  ".join(text % _FIRST[name] for name, text in PARTS.items())
    if ISSUES in wanted:
        lists += "\n  closingIssuesReferences(first: 100) { totalCount nodes { number repository { nameWithOwner } } }"
    if {CHECKS, PUSHES} <= set(wanted):
        lists += f"\n  pushed: commits(last: {_LAST}) {{ nodes {{ commit {{ {_SUITES} }} }} }}"
    lists += f"\n  head: commits(last: 1) {{ nodes {{ commit {{ oid {tests(wanted)} }} }} }}"
    lists += f"\n  mergeCommit {{ ...commit {PARENTS} {tests(wanted)} }}"
    text = f"query details($ids: [ID!]!) {{ nodes(ids: $ids) {{ ...pull }} }}{_PULL % lists}"
    return text + ACTOR + COMMIT + check_fragments(wanted)


def rest_of(parts: Sequence[str]) -> str:
    """The next page of one list for each of several pull requests: variables i0, c0 and so on; aliases p0 and so on."""
    asked = []
    for n, part in enumerate(parts):
        page = PARTS[part] % f"100, after: $c{n}"
        asked.append(f"  p{n}: node(id: $i{n}) {{ ... on PullRequest {{ number {page} }} }}")
    names = ", ".join(f"$i{n}: ID!, $c{n}: String!" for n in range(len(parts)))
    people = ACTOR if {"reviews", "events"} & set(parts) else ""
    commits = COMMIT if {"commits", "replaced"} & set(parts) else ""
    return f"query rest({names}) {{\n{chr(10).join(asked)}\n}}{people}{commits}"


def assigned(count: int) -> str:
    """Whom pull requests are assigned to: variables i0 and so on; aliases p0 and so on."""
    return _nodes(
        "assigned", count, "PullRequest { number assignees(first: 10) { totalCount nodes { login databaseId } } }"
    )


def edited(count: int) -> str:
    """How the descriptions of pull requests were edited: variables i0 and so on; aliases p0 and so on."""
    edits = "userContentEdits(first: 20) { totalCount nodes { editedAt diff } }"
    return _nodes("edited", count, f"PullRequest {{ number createdAt {edits} }}")


def _nodes(name: str, count: int, fields: str, more: str = "") -> str:
    """Things by their ids, by aliases; `more` declares a further variable for each of them."""
    numbers = range(count)
    names = ", ".join(f"$i{n}: ID!" + (", " + more % n if more else "") for n in numbers)
    asked = "\n".join(f"  p{n}: node(id: $i{n}) {{ ... on {fields % n if more else fields} }}" for n in numbers)
    return f"query {name}({names}) {{\n{asked}\n}}"


def rest_of_statuses(count: int) -> str:
    """The next page of the statuses of several deployments: variables i0, c0 and so on; aliases p0 and so on."""
    page = f"statuses(first: 100, after: $c%d) {{ totalCount {PAGE} nodes {{ ...became }} }}"
    fragment = "fragment became" + _DEPLOYMENT.partition("fragment became")[2]
    asked = _nodes("rest", count, f"Deployment {{ databaseId {page} }}", "$c%d: String!")
    return f"{asked}\n{fragment}{ACTOR}"


def commits(count: int) -> str:
    """Commits by their names: variables s0 and so on; aliases c0 and so on."""
    return objects(count, f"...commit {PARENTS}") + COMMIT


def named_requests(count: int) -> str:
    """The pull requests that GitHub's index connects with commits."""
    fields = "id number updatedAt mergedAt baseRefName headRefName mergeCommit { oid } repository { nameWithOwner }"
    return objects(count, f"oid associatedPullRequests(first: 10) {{ totalCount nodes {{ {fields} }} }}")


def parents(count: int) -> str:
    """The parents of commits and of what they build on."""
    return objects(count, ANCESTRY)


def gates(count: int) -> str:
    """Who let workflow runs through the gates of their environments: variables u0 and so on; aliases g0 and so on."""
    names = ", ".join(f"$u{n}: URI!" for n in range(count))
    fields = "databaseId " + _GATES % _GATE_PLACES
    asked = "\n".join(f"  g{n}: resource(url: $u{n}) {{ ... on WorkflowRun {{ {fields} }} }}" for n in range(count))
    return f"query gates({names}) {{\n{asked}\n}}"


def authors(count: int) -> str:
    """Who wrote commits together: the author first, then those whom the message names as co-authors."""
    return objects(count, "oid authors(first: 10) { totalCount nodes { name email user { login databaseId } } }")


def pushers(count: int) -> str:
    """The check suites of commits, which tell who pushed them."""
    return objects(count, _SUITES) + ACTOR


def tested(count: int, wanted: Collection[str]) -> str:
    """The checks of commits, the newest attempt of each."""
    people = ACTOR if {CHECKS, STATUSES} & set(wanted) else ""
    return objects(count, f"oid {tests(wanted)}") + people + check_fragments(wanted)


def more_tested(count: int, wanted: Collection[str]) -> str:
    """The next page of the checks of commits: variables a0 and so on."""
    asked = f"oid statusCheckRollup {{ contexts(first: 100, after: $a%d) {CONTEXTS} }}"
    return objects(count, asked, "$a%d: String!") + ACTOR + check_fragments(wanted)


def attempts(count: int, wanted: Collection[str]) -> str:
    """Every attempt of every check of commits, suite by suite."""
    runs = f"checkRuns(first: 50, filterBy: {{checkType: ALL}}) {{ totalCount {PAGE} nodes {{ ...check }} }}"
    suites = f"oid checkSuites(first: 20) {{ totalCount {PAGE} nodes {{ id {runs} }} }}"
    check, _, _ = check_fragments(wanted).partition("fragment state")
    return objects(count, suites) + ACTOR + check


def more_attempts(count: int, wanted: Collection[str]) -> str:
    """The next page of the attempts in suites: variables i0, c0 and so on; aliases p0 and so on."""
    page = "first: 100, after: $c%d, filterBy: {checkType: ALL}"
    runs = f"checkRuns({page}) {{ totalCount {PAGE} nodes {{ ...check }} }}"
    check, _, _ = check_fragments(wanted).partition("fragment state")
    return _nodes("attempts", count, f"CheckSuite {{ commit {{ oid }} {runs} }}", "$c%d: String!") + ACTOR + check
