-- Grain: one row per goal, source and journey: its first impression. A journey that several people share is one journey.
-- Holds journeys that may have begun on a day that this run recounts.
{{ config(materialized='view', meta={'holds': 'increment'}) }}

with impressions as (

    select
        *,
        {{ shared_journey_key(
            key_of(['workspace_id', 'goal_id', 'source_id']), key_of(['workspace_id', 'journey_id'])
        ) }} as shared_journey_key
    from {{ recounted_rows(ref('fct_impressions'), 'received_at') }} as impressions
    where is_first_of_journey and journey_id is not null

),

firsts as (

    select *
    from (
        select
            *,
            row_number() over (
                partition by shared_journey_key
                order by received_at asc nulls last, delivery_id asc nulls last
            ) as number_in_journey
        from impressions
    ) as numbered
    where number_in_journey = 1

),

begun_before as (

    {%- if from_scratch() %}
    select * from firsts
    where false
    {%- else %}
    select distinct firsts.shared_journey_key
    from firsts
    inner join {{ ref('int_first_impressions') }} as earlier
        on firsts.shared_journey_key = earlier.shared_journey_key and firsts.received_at > earlier.received_at
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
left join begun_before on firsts.shared_journey_key = begun_before.shared_journey_key
where begun_before.shared_journey_key is null
-- depends_on: {{ ref('int_first_impressions') }}
