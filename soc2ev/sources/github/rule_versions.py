"""
Rulesets as GitHub lists them and as its history tells what they were, as rows of the declared tables.

https://docs.github.com/en/rest/repos/rules#get-repository-ruleset-history: a version holds from its `updated_at` on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from soc2ev.errors import TamperedError
from soc2ev.model import Json
from soc2ev.sources.github import strict, tables
from soc2ev.sources.github.governance import ACTIVE, asked_of

Row = tuple[str, Mapping[str, Json]]
Asked = Mapping[str, Json]

_BLANK: Mapping[str, Json] = dict.fromkeys(column.name for column in tables.RULE_VERSIONS.columns)
_EVERY, _DEFAULT = "~ALL", "~DEFAULT_BRANCH"
_WILD = re.compile(r"\*\*/|\*|\?")
_SIGNS = {"**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}
_UNCLEAR = re.compile(r"[\[\]{}\\!]|\*\*(?!/)")
"""What GitHub's patterns may mean in more than one way."""


def listed_rows(asked: Asked, data: Json) -> Iterator[Row]:
    """github_rulesets: a page of the list, without those for tags and pushes."""
    for value in data:
        if strict.text(value.get("target", "branch")) == "branch":
            row = {
                "repository": asked["repository"],
                "origin": f"ruleset:{value['id']}",
                "name": value["name"],
                "level": value.get("source_type"),
                "enforcement": strict.text(value["enforcement"]),
                "made_at": value.get("created_at"),
                "changed_at": value.get("updated_at"),
            }
            yield tables.RULESETS.name, row


def version_rows(asked: Asked, data: Json) -> Iterator[Row]:
    """github_rule_versions: one version, for each production ref; the request says when the next took its place."""
    state = data["state"]
    if data["version_id"] != asked.get("version", data["version_id"]):
        raise TamperedError(f"version {data['version_id']} of a ruleset where {asked['version']} was asked for")
    active = strict.text(state["enforcement"]) == ACTIVE
    # A ruleset without rules would be there for nothing: that looks like an answer that was emptied.
    told = bool(state["rules"])
    for ref in asked["refs"]:
        row = {
            "repository": asked["repository"],
            "ref": ref,
            "origin": f"ruleset:{asked['ruleset']}",
            "version": strict.number(data["version_id"]),
            "since": data["updated_at"],
            "until": asked["until"],
            "bound": (reaches(state.get("conditions"), asked, ref) if told else None) if active else False,
            **(asked_of(state) if active else {}),
        }
        yield tables.RULE_VERSIONS.name, {**_BLANK, **row}


def reaches(conditions: Json, asked: Asked, ref: str) -> bool | None:
    """
    Whether a ruleset with these conditions reaches the ref; None for conditions that do not tell by themselves.

    The request holds the present name and number of the repository and its default branch.
    """
    if not conditions:
        return None
    answers = [_named(value, asked, ref, kind) for kind, value in conditions.items()]
    return False if False in answers else None if None in answers else True


def _named(value: Json, asked: Asked, ref: str, kind: str) -> bool | None:
    if kind == "ref_name":
        name = f"refs/heads/{ref}"
        default = {_DEFAULT: ref == asked["default"]}
    elif kind == "repository_name":
        name, default = asked["current"].partition("/")[2], {}
    else:
        return None
    shut = _any(strict.rows(value.get("exclude", [])), name, default)
    taken = _any(strict.rows(value.get("include", [])), name, default)
    if shut or taken is False:
        return False
    return None if None in (shut, taken) else True


def _any(patterns: Sequence[str], name: str, default: Mapping[str, bool]) -> bool | None:
    answers = [default[one] if one in default else _matches(one, name) for one in patterns]
    return True if True in answers else None if None in answers else False


def _matches(pattern: str, name: str) -> bool | None:
    """A star stays within a part of the name, `**/` crosses them: Ruby's File.fnmatch with FNM_PATHNAME."""
    if pattern in (_EVERY, name):
        return True
    if _UNCLEAR.search(pattern):
        return None
    place, made = 0, ""
    for found in _WILD.finditer(pattern):
        made += re.escape(pattern[place : found.start()]) + _SIGNS[found.group()]
        place = found.end()
    return re.fullmatch(made + re.escape(pattern[place:]), name, re.DOTALL) is not None
