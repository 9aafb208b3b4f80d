select
    path,
    max_by(reason, file_id) as reason
from {batch}
group by path
having max_by(outcome, file_id) = 'set_aside'
