"""Whether what was collected suffices to say that something is not there."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from soc2ev.model import Coverage


def whole(coverages: Sequence[Coverage], sources: Collection[str], streams: Collection[str] = ()) -> bool:
    """
    Whether those streams of those sources were all collected whole and after the close; no streams mean all.

    What nobody collected at all, and a source that failed as a whole, is not.
    """
    of_source = [one for one in coverages if one.stream.partition(":")[0] in sources]
    here = [one for one in of_source if not streams or one.stream.rpartition(":")[2] in streams]
    failed = any(not one.run or one.stream in sources for one in of_source if not one.complete)
    return bool(here) and not failed and all(one.complete and not one.provisional for one in here)


def changes_whole(coverages: Sequence[Coverage]) -> bool:
    """Whether every change of the period is known, with what it names."""
    return whole(coverages, ("git", "github"), ("commits", "pull-requests", "activity"))
