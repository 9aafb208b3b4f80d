-- Grain: one row per workspace and hour (of UTC) with impressions or achievements: how far the workspace's clocks are ahead of
-- UTC in this hour; null if they change within it. Only for speed: converting each moment to its time zone takes longer than all
-- other work to count it.
-- Holds the hours that this run recounts.
{{ config(meta={'holds': 'increment'}) }}
{%- set last_moment = "(hours.hour_start + interval '3599.999999' second)" %}

with hours as (

    select
        workspace_id,
        date_trunc('hour', received_at) as hour_start
    from {{ recounted_rows(ref('fct_impressions'), 'received_at') }} as impressions

    union

    select
        workspace_id,
        date_trunc('hour', achieved_at) as hour_start
    from {{ recounted_rows(ref('fct_attributions'), 'achieved_at') }} as achievements

),

at_both_ends as (

    select
        hours.workspace_id,
        hours.hour_start,
        {{ elapsed_microseconds('hours.hour_start', local_time('hours.hour_start', 'workspaces.time_zone')) }} as ahead_at_first,
        {{ elapsed_microseconds(last_moment, local_time(last_moment, 'workspaces.time_zone')) }} as ahead_at_last
    from hours
    inner join {{ ref('int_workspaces') }} as workspaces on hours.workspace_id = workspaces.workspace_id

)

select
    workspace_id,
    hour_start,
    case when ahead_at_first = ahead_at_last then cast(ahead_at_first / 1000000 as bigint) end as seconds_ahead_of_utc
from at_both_ends
