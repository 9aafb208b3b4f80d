-- Progress over time, by the touch that gets the credit. No source: no message gets it.
select progress.period_start, $by as series, sum($figure) as figure
from rpt_goal_progress as progress
left join dim_sources as sources
    on progress.workspace_id = sources.workspace_id and progress.source_id = sources.source_id
where progress.workspace_id = $workspace and progress.goal_id = $goal and progress.period = $period
    and progress.period_start between date_trunc($period, $first_day) and $last_day
    and progress.source_id $attributed
group by 1, 2
order by 1, 2
