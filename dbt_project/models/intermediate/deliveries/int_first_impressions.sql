-- Grain: one row per `kind` and what it is the first of: the first impression by (received_at, delivery_id)
--   profile   of a goal and profile
--   journey   of a goal, source, profile and journey (none: null)
--   enrolled  of the same, among those that pass both checks: the one that enrolls (SEMANTICS, section 7)
-- Incremental: the firsts of affected profiles from affected_from on are looked for anew, where none lies before.
{{ config(materialized='recompute', meta={'recompute_from': 'received_at'}) }}

with impressions as (

    select
        profile_key,
        delivery_key,
        delivery_id,
        received_at,
        is_eligible and not is_in_goal_state as is_passing,
        {{ key_of(['goal_id', 'profile_key']) }} as of_the_profile,
        {{ enrollment_key('impressions') }} as of_the_journey,
        {{ shared_journey_key('impressions') }} as shared_journey_key
    from {{ ref('int_impressions') }} as impressions

),

firsts as (

    {% for kind, key in [('profile', 'of_the_profile'), ('journey', 'of_the_journey'), ('enrolled', 'of_the_journey')] %}
    select
        '{{ kind }}' as kind,
        {{ key }} as first_of,
        profile_key,
        {{ 'max(shared_journey_key)' if kind == 'journey' else 'cast(null as bigint)' }} as shared_journey_key,
        min(received_at) as received_at,
        {{ first_by('delivery_key', ['received_at', 'delivery_id']) }} as delivery_key
    from impressions
    where is_passing or '{{ kind }}' <> 'enrolled'
    group by {{ key }}, profile_key
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}

)

select firsts.*
from firsts
{%- if not from_scratch() %}
left join (  -- noqa: ST05
    select
        kept.kind,
        kept.first_of
    from {{ this }} as kept
    inner join {{ ref('int_affected_profiles') }} as affected
        on kept.profile_key = affected.profile_key and kept.received_at < affected.affected_from
) as kept
    on firsts.kind = kept.kind and firsts.first_of = kept.first_of
where kept.kind is null
{%- endif %}
