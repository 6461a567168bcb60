-- One row per production ref: the latest tip, and whether the tip seen before is still among its ancestors.
insert into history_checks by name
select
  tip.repository || ':' || tip.ref as item,
  tip.repository,
  tip.ref,
  kept.sha as earlier_tip,
  tip.sha as tip,
  kept.answer as kept,
  tip.observed_at,
  list_distinct([tip.evidence, coalesce(kept.evidence, tip.evidence)]) as evidence
from (
  select * from git_heads where role = 'tip' and sha is not null
  qualify row_number() over (partition by repository, ref order by observed_at desc) = 1
) tip
left join (
  -- Over several collections one lost commit is enough: false sorts before true.
  select * from git_heads where role = 'kept'
  qualify row_number() over (partition by repository, ref order by answer nulls first, observed_at desc) = 1
) kept on kept.repository = tip.repository and kept.ref = tip.ref;
