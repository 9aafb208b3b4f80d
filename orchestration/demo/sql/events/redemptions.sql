-- Grain: one row per household, campaign, coupon and day: the package has no duplicates. It has only the day, so the
-- moment is that of the household's basket on that New York day; of several, the one with the greatest coupon discount.
-- (Every redemption has such a basket.) One coupon may count for two campaigns on one day, so the id has the campaign.
with

days_with_a_basket as (

    select
        household_id,
        purchased_at_new_york::date as day,
        first(basket_id order by coupon_discount desc, purchased_at, basket_id) as basket_id
    from baskets
    group by household_id, day

)

select
    'complete-journey' as workspace_id,
    concat_ws(
        '-', 'redemption', coupon_redemptions.campaign_id, coupon_redemptions.household_id,
        coupon_redemptions.coupon_upc, strftime(coupon_redemptions.redemption_date, '%Y%m%d')
    ) as event_id,
    coupon_redemptions.household_id::varchar as profile_id,
    'redemption' as name,
    to_json({
        campaign_id: campaign_source_id(coupon_redemptions.campaign_id),
        coupon_upc: coupon_redemptions.coupon_upc::varchar,
        basket_id: baskets.basket_id::varchar
    })::varchar as properties,
    baskets.purchased_at as occurred_at
from coupon_redemptions
inner join days_with_a_basket
    on coupon_redemptions.household_id = days_with_a_basket.household_id
    and coupon_redemptions.redemption_date::date = days_with_a_basket.day
inner join baskets on days_with_a_basket.basket_id = baskets.basket_id
order by occurred_at, event_id
