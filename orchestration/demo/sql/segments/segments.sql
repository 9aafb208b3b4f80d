-- Grain: one row per segment of seeds/demo/goals.
select
    workspace_id,
    id as segment_id,
    set_up_at() as updated_at,
    definition ->> 'name' as name,
    definition -> 'filter' as filter
from definitions
where kind = 'segments'
order by segment_id
