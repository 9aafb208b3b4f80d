-- A goal by segment. People are in several segments.
select
    coalesce(segments.name, segments.segment_id) as segment, enrolled, converted, conversion_rate, members, achievers,
    achiever_rate
from rpt_segment_performance as performance
inner join dim_segments as segments
    on performance.workspace_id = segments.workspace_id and performance.segment_id = segments.segment_id
where performance.workspace_id = $workspace and performance.goal_id = $goal
order by members desc, segment
