-- Grain: the one workspace. By its name it comes after The Complete Journey, which people should see first.
select
    'known-truth' as workspace_id,
    'Two made-up experiments' as name,
    'America/New_York' as time_zone,
    'USD' as currency
