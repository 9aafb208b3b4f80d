-- Grain: one row per rule (a version of a goal), delivery and touch time: a moment at which a received delivery, from a source
-- that the rule lists, met its criterion, by being sent or by an engagement (SEMANTICS, section 8).
-- A view of what this run computes: the touch times of profiles whose achievements are recomputed, from the longest attribution
-- window before affected_from on.
{{ config(materialized='view', meta={'holds': 'increment'}) }}

-- What a delivery of a source and channel must meet to be a touch, by the rules that list the source.
with criteria as (

    select
        rules.rule_number,
        {{ key_of(['rules.workspace_id', 'rules.source_id', 'channels.channel']) }} as sent_by,
        rules.attached_at,
        rules.counts_since,
        rules.time_zone,
        rules.attribution_window_days,
        rules.attribution_counts_machine,
        rules.webhook_message_ids,
        {{ criterion('rules', 'channels.channel') }} as touch_metric
    from {{ ref('int_source_rules') }} as rules
    cross join {{ ref('channels') }} as channels

),

deliveries as {{ read_where_used() }} (

    select
        profile_key,
        delivery_key,
        {{ key_of(['workspace_id', 'source_id', 'channel']) }} as sent_by,
        needs_opt_in,
        case when needs_opt_in then message_id end as opted_in_by,
        entered_at,
        sent_at
    from {{ ref('int_sendable_deliveries') }}
    where is_received
    {%- if not from_scratch() %}
    and profile_key in {{ profiles_of(affected_rows(ref('fct_achievements'), 'achieved_at') ~ ' as achievements') }}
    {%- endif %}

),

-- The deliveries that a rule credits, and what each must meet to be a touch. Joined first: only some need an engagement for it.
candidates as {{ read_where_used() }} (

    select
        criteria.*,
        deliveries.profile_key,
        deliveries.delivery_key,
        deliveries.sent_at
    from deliveries
    inner join criteria on deliveries.sent_by = criteria.sent_by
    where {{ is_candidate('deliveries', 'criteria', 'opted_in_by') }}

),

moments as (

    select
        candidates.*,
        candidates.sent_at as touch_at
    from candidates
    where {{ is_touch_time('candidates', "'sent'", 'candidates.sent_at', 'false') }}

    union all

    select
        candidates.*,
        engagements.occurred_at as touch_at
    from {{ ref('stg_engagements') }} as engagements
    inner join candidates
        on
            engagements.delivery_key = candidates.delivery_key
            and {{ is_touch_time('candidates', 'engagements.metric', 'engagements.occurred_at', 'engagements.is_machine') }}
    where candidates.touch_metric <> 'sent'

)

select
    rule_number,
    time_zone,
    attribution_window_days,
    profile_key,
    delivery_key,
    touch_metric,
    touch_at,
    sent_at
from {{ affected_rows('moments', 'touch_at', reaching_back_days=longest_attribution_window()) }} as touch_times
