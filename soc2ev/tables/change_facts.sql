-- What plain git tells about attributes A-H: nothing. Approvals, checks, tickets and deployments live on servers;
-- messages and trailers are claims of whoever made the commit. So every fact is NULL, and says where it would be.
insert into change_facts by name
select
  item,
  'Plain git holds no tickets and no approvals of them'
    || case when len(tickets) > 0 then ' (the messages name ' || array_to_string(tickets, ', ') || ')' else '' end
    || '; collect GitHub or Jira.' as ticket_reason,
  'Plain git holds no check results; collect GitHub.' as checks_reason,
  'Plain git holds no approvals'
    || case when len(claimed_reviewers) > 0
         then ' (trailers name ' || array_to_string(claimed_reviewers, ', ') || ', which the committer could write)' else '' end
    || '; collect GitHub.' as review_reason,
  'Plain git holds neither approvals nor the time at which a server received the change; collect GitHub.' as approval_reason,
  'Plain git does not tell who approved, who merged, or which rules were bypassed; collect GitHub.' as duties_reason,
  'Plain git does not tell whether this was declared as an emergency; collect GitHub or Jira.' as emergency_reason,
  'Plain git holds no description of the pull request and no rollback plan; collect GitHub or Jira.' as documentation_reason,
  'Plain git holds no deployments; collect GitHub.' as deployment_reason,
  evidence
from changes
where item not in (select item from change_facts);
