-- Grain: one row per person: what was known on 1 September, before anybody was assigned.
select
    'known-truth' as workspace_id,
    profile_id,
    new_york_to_utc('2017-09-01') as observed_at,
    to_json({spend_last_year: spend_last_year})::varchar as properties
from people
order by person
