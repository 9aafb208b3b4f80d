-- The person's whole state at each moment at which a snapshot or a change was observed.
select observed_at, properties
from intermediate.int_observed_states
where profile_key = $profile_key
