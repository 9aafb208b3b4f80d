-- Members at the end of each day on which somebody came or left, and at the clock.
select
    cast(timezone($time_zone, timezone('UTC', moment)) as date) as day, sum(entered) as entered, sum(departed) as departed,
    sum(sum(entered) - sum(departed)) over (order by cast(timezone($time_zone, timezone('UTC', moment)) as date)) as members
from (
    select entered_at as moment, 1 as entered, 0 as departed
    from fct_segment_memberships where workspace_id = $workspace and segment_id = $segment
    union all
    select left_at, 0, 1
    from fct_segment_memberships where workspace_id = $workspace and segment_id = $segment
    union all
    select $as_of, 0, 0
) as changes
where moment <= $as_of
group by 1
order by 1
