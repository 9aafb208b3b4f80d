-- Grain: one row per goal version in force, as the facts use it: its interval, the numbers of its predicates, the positions of
-- its impact's properties. Definitions and texts stay in int_goal_versions.
with predicates as (

    select
        workspace_id,
        owner_id as goal_id,
        owner_updated_at as goal_version,
        max(case when role = 'eligibility' then predicate_number end) as eligibility_predicate,
        max(case when role = 'profile' then predicate_number end) as profile_predicate,
        max(case when role = 'event' then predicate_number end) as event_predicate,
        max(case when role = 'trigger_match' then predicate_number end) as trigger_predicate,
        max(case when role = 'event' and reads_profile then 1 else 0 end) = 1 as event_reads_profile
    from {{ ref('int_predicates') }}
    where role in ('eligibility', 'profile', 'event', 'trigger_match')
    group by workspace_id, owner_id, owner_updated_at

),

-- Intervals of earlier versions that used the other clock, or the other moment for impressions: what is in them belongs to these.
earlier_versions as (

    select
        versions.workspace_id,
        versions.goal_id,
        versions.goal_version,
        {{ list_of_intervals('earlier.valid_from', 'earlier.valid_to', 'versions.event_clock <> earlier.event_clock') }}
            as by_other_clock,
        {{ list_of_intervals('earlier.valid_from', 'earlier.valid_to', 'versions.impression <> earlier.impression') }}
            as by_other_moment
    from {{ ref('int_goal_versions') }} as versions
    inner join {{ ref('int_goal_versions') }} as earlier
        on
            versions.workspace_id = earlier.workspace_id
            and versions.goal_id = earlier.goal_id
            and versions.valid_from > earlier.valid_from
    group by versions.workspace_id, versions.goal_id, versions.goal_version

)

select
    versions.workspace_id,
    versions.goal_id,
    versions.goal_version,
    -- a number to join on, valid in this run only
    row_number() over (order by versions.workspace_id, versions.goal_id, versions.goal_version) as rule_number,
    {{ key_of(['versions.workspace_id', 'versions.goal_id']) }} as goal_key,
    versions.time_zone,

    -- when it judges and counts
    versions.valid_from,
    versions.valid_to,
    versions.counts_since,
    versions.counts_until,
    versions.data_start_at,
    earlier_versions.by_other_clock as earlier_by_other_clock,
    earlier_versions.by_other_moment as earlier_by_other_moment,

    -- who is a candidate, and what counts as success
    predicates.eligibility_predicate,
    predicates.profile_predicate,
    versions.transition,
    versions.event_name,
    predicates.event_predicate,
    versions.event_clock,
    predicates.trigger_predicate,
    versions.message_metric,
    versions.message_source_id,
    versions.message_channel,
    versions.message_counts_machine,
    versions.event_name is null and versions.message_metric is null as is_profile_only,
    coalesce(predicates.event_reads_profile, false) as event_reads_profile,
    coalesce(predicates.profile_predicate is not null or predicates.event_reads_profile, false) as reads_profile,
    versions.evaluation_window_days,
    versions.evaluation_event_name,

    -- how long they have
    versions.impression,
    versions.measurement_window_days,

    -- which sources are credited
    versions.attribution_window_days,
    versions.attribution_criteria,
    versions.attribution_counts_machine,
    versions.webhook_message_ids,

    -- what it is worth
    case when versions.has_impact then versions.goal_currency end as impact_currency,
    versions.impact_value,
    properties.position as impact_position,
    currency_properties.position as currency_position
from {{ ref('int_goal_versions') }} as versions
left join predicates
    on
        versions.workspace_id = predicates.workspace_id
        and versions.goal_id = predicates.goal_id
        and versions.goal_version = predicates.goal_version
left join earlier_versions
    on
        versions.workspace_id = earlier_versions.workspace_id
        and versions.goal_id = earlier_versions.goal_id
        and versions.goal_version = earlier_versions.goal_version
left join {{ ref('int_properties') }} as properties
    on
        properties.reader = 'event'
        and properties.pointer = {{ property_pointer('versions.impact_event_property') }}
left join {{ ref('int_properties') }} as currency_properties
    on
        currency_properties.reader = 'event'
        and currency_properties.pointer = {{ property_pointer('versions.impact_currency_property') }}
