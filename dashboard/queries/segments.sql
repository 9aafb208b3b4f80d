-- A goal by segment: who was in it when the window began, and who is in it now. People are in several segments.
select
    segment_id, coalesce(segments.name, segment_id) as segment, enrolled, converted, conversion_rate, members, achievers, achiever_rate
from rpt_segment_performance join dim_segments as segments using (workspace_id, segment_id)
where workspace_id = $workspace and goal_id = $goal
order by members desc, segment
