-- Achievements over time by the source of the credited touch; unattributed: no message gets the credit.
select
    period_start,
    case $by
        when 'source' then coalesce(sources.name, progress.source_id, 'unattributed')
        when 'channel' then coalesce(channel, 'unattributed')
        else 'all'
    end as series,
    sum(case when $cumulative then running_achievers else achievers end) as achievers,
    sum(case when $cumulative then running_achievements else achievements end) as achievements,
    sum(case when $cumulative then running_impact else impact end) as impact
from rpt_goal_progress as progress left join dim_sources as sources using (workspace_id, source_id)
where workspace_id = $workspace and goal_id = $goal and period = $period
    and period_start between date_trunc($period, $first_day) and $last_day and ($unattributed or progress.source_id is not null)
group by all order by all
