-- Is anything known about the person?
select 1 from marts.dim_profiles where workspace_id = $workspace_id and profile_id = $profile_id
union all
select 1 from staging.stg_deliveries where workspace_id = $workspace_id and profile_id = $profile_id
union all
select 1 from staging.stg_events where workspace_id = $workspace_id and profile_id = $profile_id
limit 1
