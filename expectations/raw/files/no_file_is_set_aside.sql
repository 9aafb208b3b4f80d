select
    path,
    arg_max(reason, file_id) as reason
from {batch}
group by path
having arg_max(outcome, file_id) = 'set_aside'
