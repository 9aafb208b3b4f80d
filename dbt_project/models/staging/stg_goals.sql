-- Grain: one row per goal and moment of change, its definition as columns, defaults filled in.
-- int_goal_rows decides later whether the row is accepted (currency, policy, lock).
{{ config(materialized='view') }}

select
    -- keys
    file_id,
    row_number,
    workspace_id,
    goal_id,
    updated_at,

    -- what people see
    {{ json_text('normal_form', '/name') }} as name,
    {{ json_text('normal_form', '/description') }} as description,
    {{ json_text_list('normal_form', '/tags') }} as tags,
    {{ json_text('normal_form', '/status') }} as status,
    {{ json_text('normal_form', '/definition_policy') }} as definition_policy,
    definition,
    core_hash as definition_hash,
    unknown_keys,

    -- who is a candidate
    {{ json_text('normal_form', '/eligibility') }} as eligibility,

    -- what counts as success
    {{ json_text('normal_form', '/target/profile') }} as profile_filter,
    {{ json_text('normal_form', '/target/transition') }} as transition,
    {{ json_text('normal_form', '/target/event/name') }} as event_name,
    {{ json_text('normal_form', '/target/event/filter') }} as event_filter,
    {{ json_text('normal_form', '/target/event/clock') }} as event_clock,
    {{ json_text('normal_form', '/target/trigger_match') }} as trigger_match,
    {{ json_text('normal_form', '/target/message/metric') }} as message_metric,
    {{ json_text('normal_form', '/target/message/source_id') }} as message_source_id,
    {{ json_text('normal_form', '/target/message/channel') }} as message_channel,
    coalesce(cast({{ json_text('normal_form', '/target/message/count_machine') }} as boolean), false) as message_counts_machine,
    {{ json_text('normal_form', '/evaluation_window/after/event') }} as evaluation_event_name,
    -- the years 1 to 9999 have no more days than this
    case
        when {{ json_text('normal_form', '/evaluation_window') }} is not null
            then cast(least(cast({{ json_text('normal_form', '/evaluation_window/days') }} as double), 3652059) as bigint)
    end as evaluation_window_days,

    -- how long they have
    cast(cast({{ json_text('normal_form', '/measurement_window_days') }} as double) as integer) as measurement_window_days,
    {{ json_text('normal_form', '/impression') }} as impression,

    -- which sources are credited
    {{ json_text_list('normal_form', '/sources') }} as sources,
    cast(cast({{ json_text('normal_form', '/attribution/window_days') }} as double) as integer) as attribution_window_days,
    {{ json_text_map('normal_form', '/attribution/criteria') }} as attribution_criteria,
    coalesce(cast({{ json_text('normal_form', '/attribution/count_machine') }} as boolean), false) as attribution_counts_machine,
    {{ json_text_list('normal_form', '/attribution/webhook_message_ids') }} as webhook_message_ids,

    -- what it is worth
    {{ json_text('normal_form', '/impact') }} is not null as has_impact,
    {{ json_text('normal_form', '/impact/currency') }} as impact_currency,
    {{ read_amount(json_text('normal_form', '/impact/value')) }} as impact_value,
    {{ json_text('normal_form', '/impact/event_property') }} as impact_event_property,
    {{ json_text('normal_form', '/impact/currency_property') }} as impact_currency_property
from {{ ref('base_goals') }}
where is_standing
