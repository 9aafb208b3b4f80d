-- The statuses and tags that goals have.
select 'status' as kind, status as label from rpt_goal_summary where workspace_id = $workspace
union
select 'tag', unnest(tags) from dim_goals where workspace_id = $workspace and is_current
order by 1, 2
