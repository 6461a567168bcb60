"""What a pack holds: one value that every writer reads, so that no two files can disagree."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from soc2ev.checklist.assessment import Assessment
from soc2ev.model import EvidenceItem, Finding
from soc2ev.tables.engine import Rows

LIMITS = (
    "It proves what the sources answered when asked, and that nothing was changed since the named checkpoint.",
    "It does not prove that a source told the truth, nor that nothing was changed in the source before it was asked.",
    "It does not prove that no event was withheld from the source, nor that the collecting machine was honest.",
    "It says nothing about systems, repositories and periods that are not named in its coverage.",
    "Dates in git are set by the clients that made the commits; without a server's record, a time is their claim.",
    "Whether a control was effective is the conclusion of the CPA who examines it, never of this tool.",
)
"""What a pack proves and does not prove, in the words that every rendition uses."""


@dataclass(frozen=True, slots=True)
class EvidenceFile:
    """One answer of a source and the place of its body in the pack; equal bodies share a place."""

    path: str
    """Relative to the payload folder, with forward slashes."""
    item: EvidenceItem
    title: str
    """What a reader may call it: the register's title, or what was run."""
    owner: str
    """Who answers for it: the register's owner; empty when nobody is named."""
    criteria: tuple[str, ...]
    tickets: tuple[str, ...]
    status: str
    """Review status: the register's own, else `Collected`."""


@dataclass(frozen=True, slots=True)
class Content:
    """Everything that the writers of a pack need."""

    assessment: Assessment
    prepared_at: datetime
    """When the newest evidence in it was recorded: the same vault gives the same pack, whenever it is rendered."""
    tool: str
    """Name and version of the tool."""
    configuration: str
    """Digest of the configuration file."""
    checkpoint: str
    """Size and root of the journal: `<lines> lines, root <hex>`."""
    signed_by: tuple[str, ...]
    """Names of the keys that signed the checkpoint; empty when it is unsigned."""
    evidence: tuple[EvidenceFile, ...]
    workbooks: tuple[tuple[Finding, str], ...]
    """Each finding with the path of its population workbook, relative to the payload folder."""
    late_changes: Rows = field(default_factory=lambda: Rows((), ()))
    """Rows of the table of that name: what a source answered otherwise when it was asked again."""
