-- Braze Currents: https://www.braze.com/docs/user_guide/data/distribution/braze_currents/event_glossary/message_engagement_events
-- files: *event_type=users.canvas.Entry/* *event_type=users.campaigns.EnrollInControl/*
-- Not needed: id, campaign_name, canvas_name, canvas_step_id, canvas_step_name, canvas_variation_id, canvas_variation_name, send_id,
-- message_variation_id, message_variation_name, dispatch_id, app_id, app_group_api_id, canvas_api_id, campaign_api_id, device_id,
-- canvas_step_api_id, canvas_variation_api_id, timezone, country, gender, language
select
    field(record, 'app_group_id') as workspace_id,
    -- A Canvas tells both arms. A campaign tells its control group; whoever was sent it is the treatment (deliveries.sql).
    coalesce(field(record, 'canvas_id'), 'holdout:' || field(record, 'campaign_id')) as experiment_id,
    coalesce(field(record, 'external_user_id'), field(record, 'user_id')) as profile_id,
    case
        when folder(path, 'event_type') = 'users.campaigns.EnrollInControl' then 'control'
        when field(record, 'in_control_group') = 'true' then 'control'
        when field(record, 'in_control_group') = 'false' then 'treatment'
    end as arm,
    coalesce(field(record, 'canvas_id'), field(record, 'campaign_id')) as source_id,
    moment(field(record, 'time')) as assigned_at,
    -- Who enters again keeps the first assignment.
    -try_cast(field(record, 'time') as bigint) as sequence
from file
