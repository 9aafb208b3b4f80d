-- The sources that enrolled somebody for a goal.
select distinct curve.source_id, coalesce(sources.name, curve.source_id) as name
from rpt_conversion_curve as curve
left join dim_sources as sources
    on curve.workspace_id = sources.workspace_id and curve.source_id = sources.source_id
where curve.workspace_id = $workspace and curve.goal_id = $goal and curve.source_id is not null
order by name, curve.source_id
