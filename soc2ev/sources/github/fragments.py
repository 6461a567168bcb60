"""Parts of questions to GitHub's GraphQL interface that several documents share, and the parts that may be refused."""

from __future__ import annotations

from collections.abc import Collection

CHECKS = "checks"
"""Optional part: check runs and statuses together, which needs Checks and Commit statuses."""
RUNS = "runs"
"""Optional part: the workflow run behind a check, which needs Actions."""
STATUSES = "statuses"
"""Optional part: commit statuses alone, for tokens that may not see checks."""
ISSUES = "issues"
"""Optional part: the issues that a request closes, which needs Issues."""
PUSHES = "pushes"
"""Optional part: the check suites of the last commits of a request, which tell who pushed them; needs Checks."""
REFUSABLE = {
    "workflowRun": RUNS,
    "statusCheckRollup": CHECKS,
    "checkSuites": CHECKS,
    "status": STATUSES,
    "closingIssuesReferences": ISSUES,
    "pushes": PUSHES,
}
"""Optional parts by the field in whose path GitHub reports that they are refused."""

PAGE = "pageInfo { hasNextPage endCursor }"
ACTOR = """
fragment actor on Actor {
  __typename login
  ... on User { databaseId } ... on Bot { databaseId } ... on Mannequin { databaseId } ... on Organization {
  databaseId } }
"""
COMMIT = """
fragment commit on Commit {
  oid message authoredDate committedDate committedViaWeb
  author { name email user { login databaseId } } committer { name email user { login databaseId } }
  signature { isValid wasSignedByGitHub }
}
"""
PARENTS = "parents(first: 10) { totalCount nodes { oid } }"
ANCESTRY = f"oid history(first: 30) {{ nodes {{ oid {PARENTS} }} }}"
"""The parents of a commit and of what it builds on."""
PROBED = """
      ... on Commit {
        statusCheckRollup { contexts(first: 1) { nodes {
          ... on CheckRun { checkSuite { workflowRun { databaseId } } }
        } } }
        status { contexts { context } }
      }"""
"""The parts that tokens are often refused, of a commit."""
_CHECK = """
fragment check on CheckRun {
  __typename databaseId name status conclusion startedAt completedAt url
  checkSuite { createdAt app { slug databaseId } push { pusher { ...actor } } %s }
}
fragment state on StatusContext { __typename context state createdAt targetUrl creator { ...actor } }
"""
_RUN = "workflowRun { databaseId event }"
CONTEXTS = "{ totalCount %s nodes { __typename ...check ...state } }" % PAGE  # noqa: UP031  braces are GraphQL's
_STATES = "status { contexts { ...state } }"
_FIRST_CONTEXTS = 30


def tests(wanted: Collection[str]) -> str:
    """The checks of a commit, the newest attempt of each, as far as those parts are wanted."""
    if CHECKS in wanted:
        return f"statusCheckRollup {{ contexts(first: {_FIRST_CONTEXTS}) {CONTEXTS} }}"
    return _STATES if STATUSES in wanted else ""


def check_fragments(wanted: Collection[str]) -> str:
    """The fragments that the chosen parts use; an unused one would make the document invalid."""
    text = _CHECK % (_RUN if RUNS in wanted else "")
    if CHECKS in wanted:
        return text
    return "fragment state" + text.partition("fragment state")[2] if STATUSES in wanted else ""


def objects(count: int, fields: str, more: str = "") -> str:
    """Commits of one repository by aliases; `more` declares a further variable for each of them."""
    numbers = range(count)
    names = ", ".join(f"$s{n}: GitObjectID!" + (", " + more % n if more else "") for n in numbers)
    asked = "\n".join(
        f"    c{n}: object(oid: $s{n}) {{ ... on Commit {{ {fields % n if more else fields} }} }}" for n in numbers
    )
    return (
        f"query commits($owner: String!, $name: String!, {names}) {{\n"
        f"  repository(owner: $owner, name: $name) {{\n{asked}\n  }}\n}}"
    )
