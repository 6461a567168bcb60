"""Which changes, deployments and tickets a difference concerns, and each difference told once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from soc2ev.tables.engine import Engine

# What several collections before the chosen one saw alike is told from the first of them.
_ONCE = """
    create temp table told_once as
    select *, row_number() over (order by "table", key, field, kind, first_at, run, stream) as number
    from found_changes
    qualify row_number() over (
        partition by stream, "table", key, field, kind, case when kind = 'changed' then before end
        order by first_at, run
    ) = 1
"""
_CONCERNED = """
    create temp table concerned as
    with named as (
        select repository, try_cast(unnest(pull_requests) as bigint) as request, item from changes
        union select repository, pull_request, item from changes
    ), brought as (
        select repository, unnest(commits) as sha, item from changes union select repository, sha, item from changes
    ), keyed as (select unnest(tickets) as ticket, item from changes)
    select f.number, n.item, 0 as place from told_once f join named n using (repository, request)
    union select f.number, b.item, 0 from told_once f join brought b using (repository, sha)
    union select f.number, k.item, 0 from told_once f join keyed k using (ticket)
    union select f.number, d.item, 1 from told_once f
        join deployments d on d.item = f.repository || '#deployment-' || f.deployment
    union select f.number, t.item, 1 from told_once f join finished_tickets t on t.site = f.site and t.key = f.ticket
"""
_TOLD = """
    insert into late_changes (item, items, stream, "table", key, field, before, after, kind, first_collected_at,
        last_collected_at, run, evidence)
    select c.items[1], coalesce(c.items, []), f.stream, f."table", f.key, f.field, f.before, f.after, f.kind,
        f.first_at, f.last_at, f.run, f.evidence
    from told_once f
    left join (
        select number, list(item order by place, item) as items
        from (select number, item, min(place) as place from concerned group by number, item) group by number
    ) c using (number)
    order by f.number
"""


def conclude(engine: Engine) -> None:
    """Fill `late_changes` from what was found to differ."""
    for sql in (_ONCE, _CONCERNED, _TOLD, "drop table told_once", "drop table concerned"):
        engine.derive(sql)


__all__ = ["conclude"]
