-- Braze Currents, Send: https://www.braze.com/docs/user_guide/data/distribution/braze_currents/event_glossary/message_engagement_events
-- files: *event_type=users.messages.*.Send/*
-- files: *event_type=users.campaigns.EnrollInControl/*
-- Not needed: id, campaign_name, canvas_name, canvas_step_name, canvas_variation_name, message_variation_name, app_id, app_group_api_id,
-- campaign_api_id, canvas_api_id, company_id, device_id, platform, os_version, device_model, ad_id, ad_id_type, ad_tracking_enabled,
-- email_address, to_phone_number, from_phone_number, phone_number, subscription_group_id, subscription_group_api_id, ip_pool,
-- message_extras, category, content_card_id, timezone, country, gender, language, canvas_variation_id, canvas_step_api_id, sending_ip
select
    field(record, 'app_group_id') as workspace_id,
    -- Braze numbers no message to a person: the dispatch, the message in it and the person are one.
    concat_ws(
        ':',
        coalesce(field(record, 'dispatch_id'), field(record, 'send_id')),
        coalesce(
            field(record, 'message_variation_id'),
            field(record, 'canvas_step_message_variation_id'),
            field(record, 'canvas_step_id'),
            field(record, 'campaign_id')
        ),
        field(record, 'user_id')
    ) as delivery_id,
    coalesce(field(record, 'external_user_id'), field(record, 'user_id')) as profile_id,
    case when field(record, 'canvas_id') is not null then 'campaign' else 'broadcast' end as source_type,
    coalesce(field(record, 'canvas_id'), field(record, 'campaign_id')) as source_id,
    coalesce(
        field(record, 'message_variation_id'),
        field(record, 'canvas_step_message_variation_id'),
        field(record, 'canvas_step_id')
    ) as message_id,
    case split_part(folder(path, 'event_type'), '.', 3)
        when 'pushnotification' then 'push'
        when 'contentcard' then 'content_card'
        when 'EnrollInControl' then 'control_group'  -- no message was sent
        else split_part(folder(path, 'event_type'), '.', 3)
    end as channel,
    moment(field(record, 'time')) as sent_at,
    -- The campaign's control group: with these, Goalpost has the experiment holdout:<campaign_id>.
    folder(path, 'event_type') = 'users.campaigns.EnrollInControl' as is_holdout
from file
