-- The journeys of a source: which should have ended early, why, and what was sent after.
select exit_reason, count(*) as journeys, sum(messages_after_exit) as messages_after_exit
from fct_journey_exits
where workspace_id = $workspace and source_id = $source and entered_at <= $as_of
group by 1
order by journeys desc
