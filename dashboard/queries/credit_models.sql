-- The achievements of these dates that have a touch, shared among their sources by five models.
select
    coalesce(sources.name, touches.source_id) as source,
    sum(credit_first * $worth) as first, sum(credit_last * $worth) as last, sum(credit_linear * $worth) as linear,
    sum(credit_position * $worth) as position, sum(credit_time_decay * $worth) as time_decay
from fct_touches as touches
inner join fct_achievements as achievements on touches.achievement_id = achievements.achievement_id
left join dim_sources as sources on touches.workspace_id = sources.workspace_id and touches.source_id = sources.source_id
where touches.workspace_id = $workspace and touches.goal_id = $goal and touches.achieved_at <= $as_of
    and cast(timezone($time_zone, timezone('UTC', touches.achieved_at)) as date) between $first_day and $last_day
group by 1
order by last desc, source
