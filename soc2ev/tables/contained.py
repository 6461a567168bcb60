"""The tables of scopes in which a change is a deployment or a release: what each of those contains."""

from __future__ import annotations

from soc2ev.model import Column, Table

CHANGE_PARTS = Table(
    name="change_parts",
    doc="What each change contains where a change is a deployment or a release (scope mode): the moves of the branch.",
    key=("item", "position"),
    columns=(
        Column("item", "TEXT", "the deployment or release, as in changes"),
        Column("position", "BIGINT", "place, from 0, in the order in which the parts landed"),
        Column("part", "TEXT", "the contained change, as in contained_changes; NULL for content that nobody can judge"),
        Column("what", "TEXT", "its title, or why it cannot be judged", required=True),
    ),
)
LANDED = """(
    select * from changes where integration not in ('deployment', 'release')
    union all by name select * from contained_changes
)"""
"""
SQL for every move of a production branch, whatever the scope calls a change, and every deployment of an older state:
rules are kept or bypassed when a branch moves, and when something goes back.
"""


def contained(changes: Table) -> Table:
    """The table of moves that are no items of their own, with the columns of the table of changes."""
    return Table(
        name="contained_changes",
        doc="Moves of production branches in scopes where a change is a deployment or a release; their facts stand in "
        "change_facts, and change_parts says which item contains each.",
        key=changes.key,
        columns=changes.columns,
    )
