-- Grain: one row per goal, source and journey: its first impression. A journey that several people have is one all the same.
-- Holds those that may have begun on days that this run counts anew.
{{ config(materialized='view') }}

with firsts as (

    select *
    from (
        select
            *,
            row_number() over (
                partition by workspace_id, goal_id, source_id, journey_id
                order by received_at asc nulls last, delivery_id asc nulls last
            ) as number_in_journey
        from {{ recounted_rows(ref('fct_impressions'), 'received_at') }} as impressions
        where journey_id is not null
    ) as numbered
    where number_in_journey = 1

),

begun_before as (

    {%- if from_scratch() %}
    select * from firsts
    where false
    {%- else %}
    select distinct
        firsts.workspace_id,
        firsts.goal_id,
        firsts.source_id,
        firsts.journey_id
    from firsts
    inner join {{ ref('fct_impressions') }} as earlier
        on
            firsts.workspace_id = earlier.workspace_id
            and firsts.goal_id = earlier.goal_id
            and firsts.source_id = earlier.source_id
            and firsts.journey_id = earlier.journey_id
            and firsts.received_at > earlier.received_at
    {%- endif %}

)

select
    firsts.workspace_id,
    firsts.goal_id,
    firsts.source_id,
    firsts.channel,
    firsts.journey_id,
    firsts.received_at as begun_at
from firsts
left join begun_before
    on
        firsts.workspace_id = begun_before.workspace_id
        and firsts.goal_id = begun_before.goal_id
        and firsts.source_id = begun_before.source_id
        and firsts.journey_id = begun_before.journey_id
where begun_before.journey_id is null
