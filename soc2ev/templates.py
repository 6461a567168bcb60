"""The one way to the files that users copy and pages are made from: `templates/` in a checkout, packaged in a wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGED = Path(__file__).parent / "_templates"
_CHECKOUT = Path(__file__).parent.parent / "templates"


def folder(name: str = "") -> Path:
    """
    The templates folder, or the one named inside it.

    A wheel carries the files as `soc2ev/_templates`; an editable install reads the checkout's `templates/`.
    """
    root = _PACKAGED if _PACKAGED.is_dir() else _CHECKOUT
    return root / name if name else root
