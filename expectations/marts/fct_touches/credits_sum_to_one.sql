select
    achievement_id,
    sum(credit_first) as credit_first,
    sum(credit_last) as credit_last,
    sum(credit_linear) as credit_linear,
    sum(credit_position) as credit_position,
    sum(credit_time_decay) as credit_time_decay
from {batch}
group by achievement_id
having
    sum(credit_first) <> 1
    or sum(credit_last) <> 1
    or sum(credit_linear) <> 1
    or sum(credit_position) <> 1
    or sum(credit_time_decay) <> 1
