-- The funnels of a workspace.
select distinct funnel_id from rpt_goal_funnel where workspace_id = $workspace order by funnel_id
