-- The sources of a workspace.
select source_id, coalesce(name, source_id) as name, source_type, status, exit_condition, is_deleted
from dim_sources
where workspace_id = $workspace
order by name
