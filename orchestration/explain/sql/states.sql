-- The person's whole state at each moment at which a snapshot or a change was observed.
select
    moments.observed_at,
    '{' || string_agg(to_json(properties.name) || ':' || properties.value, ',') || '}' as properties
from (
    select distinct observed_at
    from intermediate.int_profile_observations
    where profile_key = $profile_key
) as moments
left join (
    select * from intermediate.int_profile_properties
    where profile_key = $profile_key
) as properties
    on moments.observed_at >= properties.valid_from and moments.observed_at < properties.valid_to
group by moments.observed_at
