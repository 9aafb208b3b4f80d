select source_id, coalesce(name, source_id) as name, source_type, status, exit_condition
from dim_sources where workspace_id = $workspace order by name
