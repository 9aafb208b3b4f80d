-- Grain: one row per goal and delivery that is credited within its own source (SEMANTICS, section 8), which
-- int_delivery_credits decides.
-- Incremental: the deliveries with a credit from affected_from on, now or before this run, are recounted.
{{ config(
    materialized='recompute', unique_key=['profile_key', 'goal_id', 'delivery_id'],
    meta={'recompute_from': 'last_converted_at'},
) }}

with credits as (

    select credits.*
    from {{ ref('int_delivery_credits') }} as credits
    {%- if not from_scratch() %}
    inner join (  -- noqa: ST05
        select
            profile_key,
            goal_id,
            delivery_id
        from {{ affected_rows(ref('int_delivery_credits'), 'achieved_at') }} as new_credits
        union
        select
            profile_key,
            goal_id,
            delivery_id
        from {{ affected_rows(this, 'last_converted_at') }} as old_credits
    ) as touched
        on
            credits.profile_key = touched.profile_key
            and credits.goal_id = touched.goal_id
            and credits.delivery_id = touched.delivery_id
    {%- endif %}

)

select
    workspace_id,
    goal_id,
    profile_id,
    source_id,
    journey_id,
    delivery_id,
    message_id,
    channel,
    min(achieved_at) as first_converted_at,
    max(achieved_at) as last_converted_at,
    count(*) as achievements,
    profile_key
from credits
group by workspace_id, goal_id, profile_id, source_id, journey_id, delivery_id, message_id, channel, profile_key
