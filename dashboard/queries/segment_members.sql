-- Members at the end of each day on which somebody came or left, by the workspace's calendar.
with changes as (
    select entered_at as moment, 1 as change from fct_segment_memberships
    where workspace_id = $workspace and segment_id = $segment
    union all
    select left_at, -1 from fct_segment_memberships
    where workspace_id = $workspace and segment_id = $segment and left_at is not null
),
days as (
    select
        timezone(time_zone, timezone('UTC', moment))::date as day,
        count(*) filter (change = 1) as entered, count(*) filter (change = -1) as departed
    from changes join dim_workspaces on workspace_id = $workspace and moment <= as_of
    group by day
)
select *, sum(entered - departed) over (order by day) as members from days order by day
