"""
Controls: YAML files that say what the company does and how each item shows it.

`load` reads them, `judge_all` judges a period's tables with them, `test` runs their worked examples.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from soc2ev.controls.catalog import AREAS, CHANGED, builtin, folder_of, load, missing_folders, parse, read
from soc2ev.controls.judge import judge, waivers
from soc2ev.model import Control, Finding

if TYPE_CHECKING:
    from soc2ev.tables import Tables


def judge_all(controls: Sequence[Control], tables: Tables) -> list[Finding]:
    """The finding of every control, in the order given, with the waivers of the registers."""
    given = waivers(tables)
    return [judge(control, tables, given) for control in controls]


__all__ = [
    "AREAS",
    "CHANGED",
    "builtin",
    "folder_of",
    "judge",
    "judge_all",
    "load",
    "missing_folders",
    "parse",
    "read",
    "waivers",
]
