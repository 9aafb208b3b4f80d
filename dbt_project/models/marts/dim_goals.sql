-- Grain: one row per goal version, that is per accepted row of a goal that is not deleted (SEMANTICS, section 4). Of a
-- retroactive goal, only the newest row is in force, from the beginning (valid_from is null).
with versions as (

    select
        *,
        lead(updated_at) over goal_history as next_updated_at,
        last_value(status) over whole_history as newest_status
    from {{ of_readable_workspaces(ref('int_goal_rows')) }} as goal_rows
    where reason_code is null
    window
        goal_history as (partition by workspace_id, goal_id order by updated_at asc nulls last),
        whole_history as (
            partition by workspace_id, goal_id
            order by updated_at asc nulls last
            rows between unbounded preceding and unbounded following
        )

)

select
    versions.workspace_id,
    versions.goal_id,
    versions.updated_at as goal_version,
    versions.version_number,
    versions.name,
    versions.description,
    versions.tags,
    versions.status,
    versions.definition_policy,
    versions.definition_hash,
    case
        when versions.goal_policy <> 'retroactive' or versions.next_updated_at is not null then versions.updated_at
    end as valid_from,
    versions.next_updated_at as valid_to,
    versions.next_updated_at is null as is_current,
    versions.first_sent_at,
    versions.goal_policy = 'locked' and coalesce(versions.first_sent_at <= clock.as_of, false) as is_locked,
    versions.measurement_window_days,
    versions.evaluation_window_days,
    versions.attribution_window_days,
    versions.impression,
    versions.sources,
    case when versions.has_impact then versions.goal_currency end as impact_currency,
    versions.impact_value,
    versions.impact_event_property,
    versions.impact_currency_property,
    versions.definition
from versions
cross join {{ source('control', 'clock') }} as clock
where versions.newest_status <> 'deleted'
