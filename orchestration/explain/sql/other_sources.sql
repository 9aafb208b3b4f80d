-- The number of messages of sources that no row of the goal ever listed.
select source_id, count(*) as messages
from staging.stg_deliveries as deliveries
where
    workspace_id = $workspace_id
    and profile_id = $profile_id
    and not exists (
        select 1
        from intermediate.int_goal_sources as listed
        where
            listed.workspace_id = deliveries.workspace_id
            and listed.goal_id = $goal_id
            and listed.source_id = deliveries.source_id
    )
group by source_id
order by messages desc, source_id
