"""
What the configuration and the registers say about files: which make a production change, and of which kind.

Patterns are written and read as in .gitignore.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import TYPE_CHECKING

from soc2ev.errors import ConfigError

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

    from soc2ev.config import Config, Scope
    from soc2ev.tables.engine import Engine

    Kinds = Mapping[str, GitIgnoreSpec]
    """Path rules by kind of production change."""


def outside(config: Config, repository: str, ref: str, changed: Sequence[str] | None) -> str | None:
    """Why path rules leave a change out; None when it is in. Unknown files keep a change in the population."""
    scope = scope_of(config, repository, ref)
    if scope is None or changed is None or not changed:
        return None
    rules = scope.paths
    if rules.include in ([], ["**"]) and not rules.exclude:
        return None
    try:
        included, excluded = _spec(tuple(rules.include or ["**"])), _spec(tuple(rules.exclude))
    except ValueError as problem:
        hint = "path rules are written as in .gitignore"
        raise ConfigError(f"scope {scope.repository}: paths: {problem}", hint=hint) from None
    if any(included.match_file(path) and not excluded.match_file(path) for path in changed):
        return None
    return f"all {len(changed)} changed files are left out by the path rules of scope {scope.repository}"


def scope_of(config: Config, repository: str, ref: str) -> Scope | None:
    """
    The scope entry for that branch; None when the configuration names none.

    Of the entries whose name or glob matches the repository, the first that names the branch, else the first that
    names no branch.
    """
    matching = entries(config, repository)
    naming = [scope for scope in matching if ref in scope.branches]
    return next(iter(naming or [scope for scope in matching if not scope.branches] or matching), None)


def mode_of(config: Config, repository: str, ref: str) -> str:
    """What a production change of that branch is: merge, deploy or release."""
    scope = scope_of(config, repository, ref)
    return scope.mode if scope else "merge"


def entries(config: Config, repository: str) -> list[Scope]:
    """The scope entries whose name or glob matches the repository."""
    return [scope for scope in config.scope if fnmatchcase(repository, scope.repository)]


def kinds(engine: Engine) -> Kinds | None:
    """Path rules by kind of production change, from the register; None when one of them cannot be read."""
    patterns: dict[str, list[str]] = defaultdict(list)
    for row in engine.stream("select * from register_change_kinds where included is not false"):
        patterns[row["kind"]] += row["paths"] or []
    try:
        return {kind: _spec(tuple(globs)) for kind, globs in sorted(patterns.items()) if globs}
    except ValueError:
        return None


def kinds_of(kinds: Kinds | None, changed: Sequence[str] | None) -> list[str] | None:
    """The kinds of a change; None when its files or the rules are not known."""
    if kinds is None or changed is None:
        return None
    return [kind for kind, spec in kinds.items() if any(map(spec.match_file, changed))]


@lru_cache(maxsize=256)
def _spec(globs: tuple[str, ...]) -> GitIgnoreSpec:
    """The patterns as .gitignore reads them: `docs/**`, `*.tf`, `/config`."""
    import pathspec

    return pathspec.GitIgnoreSpec.from_lines(globs)
