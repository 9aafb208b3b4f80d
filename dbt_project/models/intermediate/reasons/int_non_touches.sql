-- Grain: one row per achievement, candidate for its credit and moment of the candidate's touch metric that is not a touch time:
-- the reason (SEMANTICS, section 8), that is the first condition of int_candidates that fails. tests/test_explain.py proves that
-- the latest of the other moments is the candidate's touch_at. A view: it costs a run nothing.
{{ config(materialized='view') }}

with moments as (

    select
        candidates.*,
        engagements.engagement_id,
        engagements.occurred_at,
        engagements.is_machine
    from {{ ref('int_candidates') }} as candidates
    inner join {{ ref('stg_engagements') }} as engagements
        on
            candidates.workspace_id = engagements.workspace_id
            and candidates.delivery_id = engagements.delivery_id
            and candidates.touch_metric = engagements.metric
            and engagements.metric <> 'sent'

    union all

    select
        *,
        cast(null as string) as engagement_id,
        sent_at as occurred_at,
        false as is_machine
    from {{ ref('int_candidates') }}
    where touch_metric = 'sent'

),

judged as (

    select
        workspace_id,
        goal_id,
        profile_id,
        achievement_id,
        delivery_id,
        engagement_id,
        touch_metric,
        occurred_at,
        case
            when is_machine and not attribution_counts_machine then 'machine'
            when occurred_at > achieved_at then 'after_achievement'
            when occurred_at < counts_since then 'before_start'
        end as reason
    from moments

)

select * from judged
where reason is not null
