select any_value(profile_key) as profile_key
from intermediate.int_profile_observations
where workspace_id = $workspace_id and profile_id = $profile_id
