-- Grain: one row per goal and snapshot at which a profile reaches a target with only a profile part (SEMANTICS, section 6).
-- enter: the snapshot matches and the previous one did not (or there is none); leave: it does not match and the previous one did.
-- A deleting snapshot is never an achievement.
-- A view of what this run computes: states of affected profiles from affected_from on.
{{ config(materialized='view', meta={'holds': 'increment'}) }}

select
    rules.rule_number,
    profiles.profile_id,
    states.profile_key,
    'profile' as kind,
    {{ moment_text('states.valid_from') }} as natural_key,
    states.valid_from as achieved_at,
    rules.impact_value,
    cast(null as string) as unconverted_currency
from {{ affected_rows(ref('int_profile_states'), 'valid_from') }} as states
inner join {{ ref('int_goal_rules') }} as rules
    on
        states.workspace_id = rules.workspace_id
        and states.valid_from >= rules.valid_from
        and states.valid_from < rules.valid_to
inner join {{ ref('dim_profiles') }} as profiles on states.profile_key = profiles.profile_key
where
    rules.is_profile_only
    and not states.is_deleted
    and states.valid_from >= rules.counts_since
    and states.valid_from < rules.counts_until
    and case rules.transition
        when 'leave'
            then
                not {{ is_match('states.matches', 'rules.profile_predicate') }}
                and coalesce({{ is_match('states.previous_matches', 'rules.profile_predicate') }}, false)
        else
            {{ is_match('states.matches', 'rules.profile_predicate') }}
            and not coalesce({{ is_match('states.previous_matches', 'rules.profile_predicate') }}, false)
    end
