select segment_id, coalesce(name, segment_id) as name, filter, updated_at
from dim_segments where workspace_id = $workspace order by name
