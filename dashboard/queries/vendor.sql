-- By source: the messages that we credit, those that the vendor says converted, and why the two differ.
select
    coalesce(sources.name, conversions.source_id) as source, our_conversions, vendor_conversions, agreeing, only_ours, only_theirs,
    not_an_impression, not_an_achievement, no_qualifying_touch, another_delivery_credited, conversions.source_id
from rpt_vendor_conversions as conversions
left join dim_sources as sources
    on conversions.workspace_id = sources.workspace_id and conversions.source_id = sources.source_id
where conversions.workspace_id = $workspace and conversions.goal_id = $goal
order by vendor_conversions desc, our_conversions desc, source
