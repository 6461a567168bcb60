"""What a verification found, and how much that bears: a chain that its owner can rewrite is no evidence."""

from __future__ import annotations

from dataclasses import dataclass

GRADES = {
    "G0": (
        "G0 not consistent",
        "nothing: stored evidence is not what was recorded",
        "which parts can still be trusted, or whether damage or intent changed them",
    ),
    "G1": (
        "G1 consistent, unauthenticated",
        "every body and line is what the journal says, and no part was edited alone",
        "who wrote it: whoever can write the folder could have rewritten all of it",
    ),
    "G2": (
        "G2 signed by a pinned key",
        "the holder of the pinned key committed to every line; a rewrite needs that key",
        "that the key's holder did not rewrite it, or that it was not cut back to an older checkpoint",
    ),
    "G3": (
        "G3 signed by a pinned key and anchored outside",
        "this history existed when its checkpoint was put out of its owner's reach, unchanged since",
        "what was never collected, or that everybody was shown the same history",
    ),
    "G4": (
        "G4 witnessed",
        "independent witnesses saw one and the same history grow",
        "that the sources told the truth before they were asked",
    ),
}
"""By grade: its name, what it proves, what it does not."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What reading everything again found."""

    ok: bool
    grade: str
    """`G0 ...` to `G4 ...`; never better than G1, `unauthenticated`, without a pinned key."""
    problems: tuple[str, ...]
    """At most a hundred, the last of them says how many more there are."""
    notes: tuple[str, ...]
    """Harmless, and worth knowing."""
    lines: int
    objects: int
    """Bodies that were read and hashed."""
    root: str
    """Hexadecimal tree hash of all lines."""
    signed_by: tuple[str, ...]
    """Who signed the newest checkpoint: pinned keys, or names followed by `(claimed)`."""
    proves: str
    does_not_prove: str
