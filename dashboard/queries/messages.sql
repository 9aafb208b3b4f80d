-- Which message of a source did it, until the clock.
select
    message_id as message, sum(impressions) as impressions, sum(enrollments) as enrollments, sum(conversions) as conversions,
    sum(converted_deliveries) as converted_deliveries,
    1.0 * sum(converted_deliveries) / nullif(sum(impressions), 0) as converted_delivery_share,
    sum(achievers) as attributed_achievers, sum(impact) as attributed_impact
from (
    select
        message_id, count(*) as impressions, count(enrollments.delivery_id) as enrollments,
        count(case when converted_at <= $as_of then 1 end) as conversions,
        0 as converted_deliveries, 0 as achievers, 0 as impact
    from fct_impressions
    left join (select workspace_id, goal_id, delivery_id, converted_at from fct_enrollments) as enrollments
        using (workspace_id, goal_id, delivery_id)
    where workspace_id = $workspace and goal_id = $goal and source_id = $source and received_at <= $as_of
    group by 1
    union all
    select message_id, 0, 0, 0, count(*), 0, 0
    from fct_delivery_conversions
    where workspace_id = $workspace and goal_id = $goal and source_id = $source and first_converted_at <= $as_of
    group by 1
    union all
    select message_id, 0, 0, 0, 0, count(case when is_first then 1 end), coalesce(sum(impact_value), 0)
    from fct_attributions
    where workspace_id = $workspace and goal_id = $goal and source_id = $source and achieved_at <= $as_of
    group by 1
) as facts
group by 1
order by converted_deliveries desc, impressions desc, message
