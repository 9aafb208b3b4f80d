-- Grain: one row per basket.
select
    'complete-journey' as workspace_id,
    'basket-' || basket_id as event_id,
    household_id::varchar as profile_id,
    'purchase' as name,
    to_json({
        basket_id: basket_id::varchar,
        store_id: store_id::varchar,
        total: total,
        products: products,
        retail_discount: retail_discount,
        coupon_discount: coupon_discount,
        coupon_match_discount: coupon_match_discount
    })::varchar as properties,
    purchased_at as occurred_at
from baskets
order by occurred_at, event_id
