-- Grain: one row per impression that was enrolled, with its measurement window, closed at both ends (SEMANTICS, section 7).
-- A view of what this run computes: impressions of affected profiles from affected_from on.
{{ config(materialized='view', meta={'holds': 'increment'}) }}

select
    impressions.workspace_id,
    impressions.goal_id,
    impressions.goal_version,
    impressions.profile_id,
    impressions.source_id,
    impressions.journey_id,
    impressions.delivery_id,
    impressions.message_id,
    impressions.channel,
    impressions.profile_key,
    impressions.received_at as enrolled_at,
    {{ window_end('impressions.received_at', 'rules.measurement_window_days', 'rules.time_zone') }} as window_ends_at
from {{ affected_rows(ref('fct_impressions'), 'received_at') }} as impressions
inner join {{ ref('int_goal_rules') }} as rules
    on
        impressions.workspace_id = rules.workspace_id
        and impressions.goal_id = rules.goal_id
        and impressions.goal_version = rules.goal_version
where impressions.outcome = 'enrolled'
