-- Journeys of a source: how many should have ended early, why, and what was sent after.
select coalesce(exit_reason, 'none') as exit, count(*) as journeys, sum(messages_after_exit) as messages_after_exit
from fct_journey_exits
where workspace_id = $workspace and source_id = $source
group by all order by journeys desc
