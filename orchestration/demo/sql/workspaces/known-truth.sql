-- Grain: the one workspace.
select
    'known-truth' as workspace_id,
    'Known truth (made up)' as name,
    'America/New_York' as time_zone,
    'USD' as currency
