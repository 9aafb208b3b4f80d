-- The profiles that the user may have meant.
select profile_id
from (
    select profile_id from marts.dim_profiles where workspace_id = $workspace_id
    union
    select profile_id from staging.stg_deliveries where workspace_id = $workspace_id
    union
    select profile_id from staging.stg_events where workspace_id = $workspace_id
) as profiles
where profile_id is not null
order by jaro_winkler_similarity(lower(profile_id), lower($profile_id)) desc, profile_id
limit 3
