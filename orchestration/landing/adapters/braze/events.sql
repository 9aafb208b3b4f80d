-- Braze Currents: https://www.braze.com/docs/user_guide/data/distribution/braze_currents/event_glossary/customer_behavior_events
-- files: *event_type=users.behaviors.CustomEvent/* *event_type=users.behaviors.Purchase/*
-- Not needed: ad_id, ad_id_type, ad_tracking_enabled, app_id, app_group_api_id, device_id, device_model, os_version, platform, country,
-- gender, language, sdk_version, timezone
select
    field(record, 'app_group_id') as workspace_id,
    field(record, 'id') as event_id,
    coalesce(field(record, 'external_user_id'), field(record, 'user_id')) as profile_id,
    case folder(path, 'event_type') when 'users.behaviors.Purchase' then 'purchase' else field(record, 'name') end as name,
    -- Of a purchase, also what was bought and for how much: product_id, price, currency.
    case
        when folder(path, 'event_type') <> 'users.behaviors.Purchase' then field(record, 'properties')
        when not json_valid(coalesce(nullif(field(record, 'properties'), ''), '{}')) then field(record, 'properties')
        else json_merge_patch(
            coalesce(nullif(field(record, 'properties'), ''), '{}'),
            json_object(
                'product_id', field(record, 'product_id'),
                'price', try_cast(field(record, 'price') as double),
                'currency', field(record, 'currency')
            )
        )::varchar  -- else the other branches would be read as JSON
    end as properties,
    moment(field(record, 'time')) as occurred_at
from file
