-- Grain: one row per goal and source, as in rpt_source_performance: the deliveries that we credit, those that the vendor says
-- converted (its `converted` engagements), and why the two differ, up to as_of (SEMANTICS, section 10). A vendor does not say
-- which goal: each goal that lists the source is compared with all of the source's conversions.
{#- Most vendors say of no delivery that it converted: then DuckDB needs none of the facts. -#}
{%- set engagements = ref('base_engagements') %}
{%- set any_conversion = "select 1 from " ~ engagements ~ " where is_standing and metric = 'converted' limit 1" %}
{%- set are_there_any = (asked_once(any_conversion) if execute else [1]) | length > 0 %}

with theirs as (

    select
        ours.goal_id,
        deliveries.workspace_id,
        deliveries.source_id,
        deliveries.delivery_id,
        deliveries.profile_key,
        deliveries.sent_at
    from {{ ref('int_deliveries') }} as deliveries
    inner join {{ ref('rpt_source_performance') }} as ours
        on deliveries.workspace_id = ours.workspace_id and deliveries.source_id = ours.source_id
    where
        {{ 'true' if are_there_any else 'false' }}
        and deliveries.delivery_key in (
            select engagements.delivery_key
            from {{ ref('base_engagements') }} as engagements
            inner join {{ source('control', 'clock') }} as clock on engagements.occurred_at <= clock.as_of
            where engagements.is_standing and engagements.metric = 'converted'
        )

),

-- What each of them is for the goal: facts of one delivery, and achievements of its person.
known as (
    {% for kind, fact, moment in [
        ('credited', 'fct_delivery_conversions', 'first_converted_at'),
        ('impression', 'fct_impressions', 'received_at'),
        ('touch', 'fct_touches', 'achieved_at'),
    ] %}
    select
        theirs.workspace_id,
        theirs.goal_id,
        theirs.delivery_id,
        '{{ kind }}' as kind
    from theirs
    inner join {{ ref(fact) }} as facts
        on
            theirs.profile_key = facts.profile_key
            and theirs.goal_id = facts.goal_id
            and theirs.delivery_id = facts.delivery_id
    inner join {{ source('control', 'clock') }} as clock on facts.{{ moment }} <= clock.as_of

    union all
    {% endfor %}
    select
        theirs.workspace_id,
        theirs.goal_id,
        theirs.delivery_id,
        'achievement' as kind
    from theirs
    inner join {{ ref('fct_achievements') }} as achievements
        on
            theirs.profile_key = achievements.profile_key
            and theirs.goal_id = achievements.goal_id
            and theirs.sent_at <= achievements.achieved_at
    inner join {{ source('control', 'clock') }} as clock on achievements.achieved_at <= clock.as_of

),

kinds as (

    select
        workspace_id,
        goal_id,
        delivery_id,
        bool_or(kind = 'credited') as is_credited,
        bool_or(kind = 'impression') as is_impression,
        bool_or(kind = 'achievement') as is_achieved,
        bool_or(kind = 'touch') as is_touch
    from known
    group by workspace_id, goal_id, delivery_id

),

judged as (

    select
        theirs.workspace_id,
        theirs.goal_id,
        theirs.source_id,
        case
            when kinds.is_credited then 'agreeing'
            when not coalesce(kinds.is_impression, false) then 'not_an_impression'
            when not kinds.is_achieved then 'not_an_achievement'
            when not kinds.is_touch then 'no_qualifying_touch'
            else 'another_delivery_credited'
        end as verdict
    from theirs
    left join kinds
        on
            theirs.workspace_id = kinds.workspace_id
            and theirs.goal_id = kinds.goal_id
            and theirs.delivery_id = kinds.delivery_id

),

counted as (

    select
        workspace_id,
        goal_id,
        source_id,
        count(*) as vendor_conversions,
        count(case when verdict = 'agreeing' then 1 end) as agreeing,
        count(case when verdict = 'not_an_impression' then 1 end) as not_an_impression,
        count(case when verdict = 'not_an_achievement' then 1 end) as not_an_achievement,
        count(case when verdict = 'no_qualifying_touch' then 1 end) as no_qualifying_touch,
        count(case when verdict = 'another_delivery_credited' then 1 end) as another_delivery_credited
    from judged
    group by workspace_id, goal_id, source_id

)

select
    ours.workspace_id,
    ours.goal_id,
    ours.source_id,
    ours.converted_deliveries as our_conversions,
    coalesce(counted.vendor_conversions, 0) as vendor_conversions,
    coalesce(counted.agreeing, 0) as agreeing,
    ours.converted_deliveries - coalesce(counted.agreeing, 0) as only_ours,
    coalesce(counted.vendor_conversions - counted.agreeing, 0) as only_theirs,
    coalesce(counted.not_an_impression, 0) as not_an_impression,
    coalesce(counted.not_an_achievement, 0) as not_an_achievement,
    coalesce(counted.no_qualifying_touch, 0) as no_qualifying_touch,
    coalesce(counted.another_delivery_credited, 0) as another_delivery_credited
from {{ ref('rpt_source_performance') }} as ours
left join counted
    on
        ours.workspace_id = counted.workspace_id
        and ours.goal_id = counted.goal_id
        and ours.source_id = counted.source_id
