-- Grain: the one workspace.
select
    'complete-journey' as workspace_id,
    'The Complete Journey' as name,
    'America/New_York' as time_zone,
    'USD' as currency
