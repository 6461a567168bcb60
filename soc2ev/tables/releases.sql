-- Tags on commits of the period. A tag can be moved: the commit is the one seen at collection.
insert into releases by name
select
  r.repository,
  substr(r.ref, length('refs/tags/') + 1) as tag,
  r.commit_sha as sha,
  any_value(c.item) as item,
  any_value(r.created_at) as created_at,
  any_value(nullif(trim(coalesce(r.tagger_name, '') || ' ' || coalesce(r.tagger_email, '')), '')) as tagger,
  list_distinct(list(r.evidence)) as evidence
from git_refs r
join change_commits c on c.repository = r.repository and c.sha = r.commit_sha
where r.ref like 'refs/tags/%'
group by r.repository, r.ref, r.commit_sha;
