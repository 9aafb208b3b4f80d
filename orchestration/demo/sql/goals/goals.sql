-- Grain: one row per goal of seeds/demo/goals.
select
    workspace_id,
    id as goal_id,
    set_up_at() as updated_at,
    definition
from definitions
where kind = 'goals'
order by goal_id
