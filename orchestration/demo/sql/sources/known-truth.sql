-- Grain: one row per broadcast; each is the message of the experiment with its name.
select
    'known-truth' as workspace_id,
    source_id,
    set_up_at() as updated_at,
    'broadcast' as source_type,
    name,
    'active' as status
from (values ('newsletter', 'Newsletter'), ('reminder', 'Reminder of the club')) as broadcasts(source_id, name)
order by source_id
