-- Grain: one row per profile and moment at which anything was observed of it: all of its properties as of then. A view for
-- questions about a few people.
{{ config(materialized='view') }}

with moments as (

    select
        workspace_id,
        profile_id,
        profile_key,
        observed_at as moment,
        max(max(case when is_whole then observed_at end)) over (
            partition by profile_key order by observed_at asc nulls last
        ) as whole_at,
        bool_or(is_deleted) as is_deleted
    from {{ ref('int_profile_observations') }}
    group by workspace_id, profile_id, profile_key, observed_at

),

until_then as (

    select
        observations.*,
        moments.moment
    from moments
    inner join {{ ref('int_profile_observations') }} as observations
        on
            moments.profile_key = observations.profile_key
            and observations.observed_at >= coalesce(moments.whole_at, observations.observed_at)
            and observations.observed_at <= moments.moment

),

states as (

    {{ laid_over('until_then', by=['profile_key', 'moment']) | indent(4) }}

)

select
    moments.workspace_id,
    moments.profile_id,
    moments.moment as observed_at,
    moments.is_deleted,
    states.properties,
    moments.profile_key
from moments
left join states on moments.profile_key = states.profile_key and moments.moment = states.moment
