-- Grain: one row per goal and received delivery of a source that the goal's version in force then lists, with the first two
-- checks that decide its outcome (int_impression_checks), and the texts of the goal and the delivery.
-- A view of what this run computes: deliveries of affected profiles received from affected_from on.
{{ config(materialized='view', meta={'holds': 'increment'}) }}
{#- With this condition, a run with few impressions skips deliveries sent long before them. -#}
{%- set checks = ref('int_impression_checks') %}
{%- set first_sent = "select min(sent_at) from " ~ checks %}

select
    rules.workspace_id,
    rules.goal_id,
    rules.goal_version,
    deliveries.profile_id,
    deliveries.source_id,
    deliveries.journey_id,
    deliveries.delivery_id,
    deliveries.message_id,
    deliveries.channel,
    checks.received_at,
    checks.delivery_key,
    checks.profile_key,
    checks.enrollment_key,
    checks.is_eligible,
    checks.is_in_goal_state
from {{ checks }} as checks
inner join {{ ref('int_goal_rules') }} as rules on checks.rule_number = rules.rule_number
inner join {{ ref('stg_deliveries') }} as deliveries on checks.delivery_key = deliveries.delivery_key
{%- if not from_scratch() %}
where
    deliveries.sent_at >= {{ moment_or_end_of_time(asked_once(first_sent) if execute else []) }}
    or deliveries.sent_at is null
{%- endif %}
