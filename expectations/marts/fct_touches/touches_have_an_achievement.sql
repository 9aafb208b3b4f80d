select
    achievement_id,
    delivery_id
from {batch} as touches
anti join marts.fct_achievements as achievements using (achievement_id)
