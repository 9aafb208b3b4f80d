-- Grain: one row per workspace and hour (of UTC) in which impressions or achievements lie: how far ahead of UTC its clocks are
-- from the beginning of the hour to its end; null if they are changed in between. Only for speed: to convert each moment to its
-- time zone takes longer than all else that is done to count it.
-- Holds what this run recounts.
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
        {{ local_time('hours.hour_start', 'workspaces.time_zone') }} - hours.hour_start as ahead_at_first,
        {{ local_time(last_moment, 'workspaces.time_zone') }} - {{ last_moment }} as ahead_at_last
    from hours
    inner join {{ ref('int_workspaces') }} as workspaces on hours.workspace_id = workspaces.workspace_id

)

select
    workspace_id,
    hour_start,
    case when ahead_at_first = ahead_at_last then ahead_at_first end as ahead_of_utc
from at_both_ends
