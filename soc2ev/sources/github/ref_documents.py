"""
What is asked of GitHub's GraphQL interface about production refs: their heads and the commits below, as text.

Small things that are known by then are asked along with the heads: a repository with little in a month has fewer
questions so.
"""

from __future__ import annotations

from collections.abc import Collection

from soc2ev.sources.github.fragments import (
    ACTOR,
    ANCESTRY,
    CHECKS,
    COMMIT,
    PAGE,
    PARENTS,
    STATUSES,
    check_fragments,
    tests,
)

HEADS = """query heads($owner: String!, $name: String!, $ref: String!, $start: GitObjectID, $end: GitObjectID, $before: Boolean!, $now: Boolean!) {
  repository(owner: $owner, name: $name) {
    ref(qualifiedName: $ref) { target { oid } }
    start: object(oid: $start) @include(if: $before) { ... on Commit { oid history(first: 1) { totalCount } } }
    end: object(oid: $end) @include(if: $now) { ... on Commit { oid history(first: 1) { totalCount } } }
  }
}
"""  # noqa: E501  one line of variables
DATED = """query dated($owner: String!, $name: String!, $ref: String!, $start: GitTimestamp!, $end: GitTimestamp!) {
  repository(owner: $owner, name: $name) {
    ref(qualifiedName: $ref) {
      target {
        ... on Commit {
          start: history(first: 1, until: $start) { nodes { oid } }
          end: history(first: 1, until: $end) { nodes { oid } }
        }
      }
    }
  }
}
"""
HISTORY = f"""query history($owner: String!, $name: String!, $from: GitObjectID!, $first: Int!, $after: String) {{
  repository(owner: $owner, name: $name) {{
    object(oid: $from) {{
      ... on Commit {{ history(first: $first, after: $after) {{ totalCount {PAGE} nodes {{ ...commit {PARENTS} }} }}
      }} }} }}
}}{COMMIT}"""
_NEWEST = f"""
    object(oid: $end) {{ ... on Commit {{ history(first: $first) {{
      totalCount {PAGE} nodes {{ ...commit {PARENTS} }} }} }} }}"""


def opened(tested: int, placed: int, wanted: Collection[str]) -> str:
    """
    Heads with the newest commits of the end; along with them the checks of commits, and the ancestry of others.

    Variables s0 and so on, aliases c0 and so on; variables and aliases d0 and so on.
    """
    checks = {f"c{n}: object(oid: $s{n})": f"oid {tests(wanted)}" for n in range(tested)}
    ancestry = {f"d{n}: object(oid: $d{n})": ANCESTRY for n in range(placed)}
    more = "".join(f"\n    {name} {{ ... on Commit {{ {fields} }} }}" for name, fields in (checks | ancestry).items())
    names = [f"$s{n}: GitObjectID!" for n in range(tested)] + [f"$d{n}: GitObjectID!" for n in range(placed)]
    people = ACTOR if tested and {CHECKS, STATUSES} & set(wanted) else ""
    head, _, rest = HEADS.partition(") {\n")
    head = ", ".join([head.replace("query heads(", "query opened("), "$first: Int!", *names])
    body = rest.removesuffix("\n  }\n}\n")
    return f"{head}) {{\n{body}{_NEWEST}{more}\n  }}\n}}{COMMIT}{people}{check_fragments(wanted) if tested else ''}"
