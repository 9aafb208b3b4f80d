-- The segments of a workspace.
select segment_id, coalesce(name, segment_id) as name, filter
from dim_segments
where workspace_id = $workspace
order by name
