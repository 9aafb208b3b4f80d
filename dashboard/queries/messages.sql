-- Which message of a source did it: its deliveries that were impressions of the goal, and those that earned an achievement.
select
    coalesce(impressions.message_id, 'no message id') as message, count(*) as impressions, count(converted.delivery_id) as converted_deliveries,
    count(converted.delivery_id) / count(*) as converted_delivery_share
from fct_impressions as impressions
left join fct_delivery_conversions as converted using (workspace_id, goal_id, delivery_id)
join dim_workspaces as workspaces using (workspace_id)
where workspace_id = $workspace and goal_id = $goal and impressions.source_id = $source and received_at <= as_of
group by all order by message
