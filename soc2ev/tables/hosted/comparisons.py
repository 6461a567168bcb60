"""
What comparisons prove about a branch that changed after it was approved.

A merge of the base is clean when the approved commit differs from it in just those files, and by just those patches, by
which the base moved on since the branch left it. Two patches are equal when they are so file by file. A file without a
patch to look at (binary, or too large) proves nothing, but where it is new or gone as a whole.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from soc2ev.tables.facts.evidence import Commit
from soc2ev.tables.facts.makers import is_merge

if TYPE_CHECKING:
    from soc2ev.model import Json

_WHOLE = frozenset({"added", "removed"})
File = tuple[str, "str | None", str, "str | None", "str | None"]
"""Path, path before, status, content, digest of the patch."""


_Patch = tuple[str, "str | None", str, "str | None"]
"""The same without the content."""


class Comparisons:
    """The whole comparisons of one repository from one run."""

    def __init__(self, compared: Iterable[Mapping[str, Json]], files: Iterable[Mapping[str, Json]]) -> None:
        self._files: dict[tuple[str, str], set[File]] = {(row["base"], row["head"]): set() for row in compared}
        self._blind: set[tuple[str, str]] = set()
        """Those with a file whose change cannot be looked at."""
        for row in files:
            pair = (row["base"], row["head"])
            if pair in self._files:
                self._files[pair].add((row["path"], row["previous"], row["status"], row["blob"], row["patch"]))
                if row["patch"] is None and row["status"] not in _WHOLE:
                    self._blind.add(pair)

    def clean_merges(self, commits: Sequence[Commit], head: str | None) -> frozenset[str]:
        """The merges of the base that followed an approved commit, when the head adds nothing to that and the base."""
        own = {one.sha: one for one in commits}
        if head not in own or not is_merge(own[head], own):
            return frozenset()
        found: set[str] = set()
        for reviewed in own:
            later = _after(reviewed, own)
            joins = bool(later) and all(is_merge(one, own) for one in later)
            if joins and self._same((reviewed, head), (reviewed, own[head].parents[1])):
                found |= {one.sha for one in later}
        return frozenset(found)

    def equal_patches(self, base: str | None, before: Collection[str], head: str | None) -> frozenset[str]:
        """Those of the replaced commits whose patch is that of the head."""
        merged = self._patch_of(base, head)
        return frozenset(
            sha for sha in before if merged and self._patch_of(base, sha) == merged and self._seen(base, sha, head)
        )

    def other_patches(self, base: str | None, before: Collection[str], head: str | None) -> frozenset[str]:
        """
        Those of the replaced commits whose patch is another one than that of the head.

        One that touches other files, or a file that both show otherwise; what has no patch to look at tells nothing.
        """
        if base is None or head is None or (base, head) not in self._files:
            return frozenset()
        merged = self._patch_of(base, head)
        known = [sha for sha in before if (base, sha) in self._files]
        return frozenset(sha for sha in known if _differ(self._patch_of(base, sha), merged))

    def _patch_of(self, base: str | None, sha: str | None) -> set[_Patch]:
        """Empty where nothing was compared."""
        if base is None or sha is None:
            return set()
        return {(path, old, status, patch) for path, old, status, _, patch in self._files.get((base, sha), ())}

    def _seen(self, base: str | None, *heads: str | None) -> bool:
        """Whether every file of these comparisons has a patch."""
        return all(patch is not None for head in heads for *_, patch in self._patch_of(base, head))

    def _same(self, one: tuple[str, str], other: tuple[str, str]) -> bool:
        """Whether both were compared, can be looked at, and list exactly the same."""
        known = one in self._files and other in self._files
        return known and not {one, other} & self._blind and self._files[one] == self._files[other]


def _differ(one: set[_Patch], other: set[_Patch]) -> bool:
    names = [{(path, old, status) for path, old, status, _ in side} for side in (one, other)]
    hidden = {path for path, _, _, patch in one | other if patch is None}
    return names[0] != names[1] or any(path not in hidden for path, *_ in one ^ other)


def _after(sha: str, own: Mapping[str, Commit]) -> list[Commit]:
    """The request's commits that this one does not build on."""
    seen: set[str] = set()
    waiting = [sha]
    while waiting:
        at = waiting.pop()
        if at in own and at not in seen:
            seen.add(at)
            waiting += own[at].parents
    return [one for one in own.values() if one.sha not in seen]
