-- The achievements on the days chosen that have a touch, shared among their sources by five models. Each column has the same sum.
select
    coalesce(sources.name, touches.source_id) as source, sum(credit_first) as first, sum(credit_last) as last,
    sum(credit_linear) as linear, sum(credit_position) as position, sum(credit_time_decay) as time_decay
from fct_touches as touches
join dim_workspaces as workspaces using (workspace_id)
left join dim_sources as sources using (workspace_id, source_id)
where workspace_id = $workspace and goal_id = $goal
    and timezone(workspaces.time_zone, timezone('UTC', achieved_at))::date between $first_day and $last_day and achieved_at <= as_of
group by all order by last desc, source
