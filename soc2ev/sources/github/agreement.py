"""
Answers of GitHub that are those to another question: nothing is read from them.

TamperedError says what does not fit, which the collection takes for an answer that did not come: it asks again, in
smaller parts, and what goes on answering something else is missing with that reason. Times are not compared: migrated
repositories, Apps with clocks of their own and late statuses make odd ones, which the facts judge one by one.
"""

from __future__ import annotations

from collections.abc import Mapping

from soc2ev.errors import TamperedError
from soc2ev.model import Json

_LISTED = 250
"""So many commits of a request GitHub lists at most, and the last of these is not its head then."""


def refuse_others(data: Json, asked: Mapping[str, Json]) -> None:
    """For commits, repositories and workflow runs that are others than the variables asked for."""
    if not isinstance(data, dict):
        return
    home = data.get("repository")
    for alias, value in home.items() if isinstance(home, dict) else ():
        wanted = asked.get(alias, asked.get(f"s{alias[1:]}"))
        if wanted and isinstance(value, dict) and value.get("oid", wanted) != wanted:
            raise TamperedError(f"it holds {value['oid']} where {wanted} was asked for")
    named = {
        f"{asked[f'o{alias[1:]}']}/{asked.get(f'n{alias[1:]}')}": alias for alias in data if f"o{alias[1:]}" in asked
    }
    for name, alias in named.items():
        # One that was renamed answers under another name, but not under that of another one that was asked for.
        found = (data[alias] or {}).get("nameWithOwner", name)
        if found.lower() != name.lower() and found in named:
            raise TamperedError(f"it holds {found} where {name} was asked for")
    for alias, value in data.items():
        run = str(asked.get(f"u{alias[1:]}", "")).rpartition("/")[2]
        if run and value and str(value.get("databaseId", run)) != run:
            raise TamperedError(f"it holds the run {value['databaseId']} where {run} was asked for")


def refuse_request(value: Json) -> None:
    """For a merged request whose head is none of its commits, although all of them are listed."""
    made = value["commits"]
    listed = not made["pageInfo"]["hasNextPage"] and made["totalCount"] == len(made["nodes"]) < _LISTED
    if made["nodes"] and listed and value["headRefOid"] not in {one["commit"]["oid"] for one in made["nodes"]}:
        raise TamperedError(f"#{value['number']}: its head is none of its commits")
