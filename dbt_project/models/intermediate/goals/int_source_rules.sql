-- Grain: one row per goal version in force and source that it lists: its rules (int_goal_rules), and since when the source's
-- deliveries count. Join deliveries to it on workspace and source.
select
    sources.source_id,
    sources.attached_at,
    {{ key_of(['rules.workspace_id', 'rules.goal_id', 'sources.source_id']) }} as goal_and_source_key,
    rules.*
from {{ ref('int_goal_rules') }} as rules
inner join {{ ref('int_goal_sources') }} as sources
    on
        rules.workspace_id = sources.workspace_id
        and rules.goal_id = sources.goal_id
        and rules.goal_version = sources.goal_version
