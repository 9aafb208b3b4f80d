-- Braze Currents: https://www.braze.com/docs/user_guide/data/distribution/braze_currents/event_glossary/message_engagement_events
-- files: *event_type=users.messages.*.Delivery/* *event_type=users.messages.*.Open/* *event_type=users.messages.*.Read/*
-- files: *event_type=users.messages.*.Click/* *event_type=users.messages.*.ShortLinkClick/*
-- files: *event_type=users.messages.*.Bounce/* *event_type=users.messages.*.DeliveryFailure/*
-- files: *event_type=users.messages.*.Failure/* *event_type=users.messages.*.Rejection/*
-- files: *event_type=users.messages.*.MarkAsSpam/* *event_type=users.messages.*.Unsubscribe/*
-- files: *event_type=users.campaigns.Conversion/*
-- Not needed: campaign_id, canvas_id, campaign_name, canvas_name, canvas_step_name, canvas_variation_id, canvas_variation_name,
-- message_variation_name, external_user_id, app_id, app_group_api_id, campaign_api_id, canvas_api_id, company_id, device_id, platform,
-- os_version, device_model, device_class, device_os, browser, mailbox_provider, user_agent, email_address, to_phone_number,
-- from_phone_number, phone_number, subscription_group_id, subscription_group_api_id, ip_pool, sending_ip, esp, from_domain, is_amp,
-- link_id, link_alias, bounce_reason, error, provider_error_code, provider_error_title, timezone, country, gender, language,
-- conversion_behavior, conversion_behavior_index, button_action_type, button_string, short_url, inbound_phone_number, card_id,
-- content_card_id, slide_id, slide_action_type, ad_id, ad_id_type, ad_tracking_enabled, canvas_step_api_id, message_extras
select
    field(record, 'app_group_id') as workspace_id,
    field(record, 'id') as engagement_id,
    -- As in deliveries.sql.
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
    case split_part(folder(path, 'event_type'), '.', -1)
        when 'Delivery' then 'delivered'
        when 'Open' then 'opened'
        when 'Read' then 'opened'
        when 'Click' then 'clicked'
        when 'ShortLinkClick' then 'clicked'
        when 'Bounce' then case when field(record, 'is_drop') = 'true' then 'dropped' else 'bounced' end
        when 'MarkAsSpam' then 'spammed'
        when 'Unsubscribe' then 'unsubscribed'
        when 'Conversion' then 'converted'
        else 'failed'
    end as metric,
    moment(field(record, 'time')) as occurred_at,
    field(record, 'url') as url,
    -- machine_open is true or null today, and may name the machine. Without the setting "Remove bot clicks" Braze leaves
    -- is_suspected_bot_click empty, and tells only its reasons.
    coalesce(field(record, 'machine_open'), 'false') <> 'false'
    or coalesce(
        field(record, 'is_suspected_bot_click') = 'true',
        coalesce(field(record, 'suspected_bot_click_reason'), '[]') not in ('', '[]', '{}')
    ) as is_machine
from file
-- A conversion that names no message can be credited to none.
where not (
    folder(path, 'event_type') = 'users.campaigns.Conversion'
    and coalesce(field(record, 'dispatch_id'), field(record, 'send_id')) is null
)
