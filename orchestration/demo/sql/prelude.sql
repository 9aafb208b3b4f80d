-- What the statements beside this file share. The package's tables are views with the same names; set_up_at() exists.

-- The package's dates are New York's, its transaction times UTC (the evidence: docs/demo.md).
create macro new_york_to_utc(moment) as timezone('UTC', timezone('America/New_York', moment::timestamp));
create macro utc_to_new_york(moment) as timezone('America/New_York', timezone('UTC', moment));

create macro campaign_source_id(campaign_id) as 'campaign-' || campaign_id;

-- Grain: one row per mailing of a campaign to a household.
create view mailings as
select
    campaigns.campaign_id,
    campaigns.household_id,
    descriptions.campaign_type,
    descriptions.end_date::date as end_date,
    new_york_to_utc(descriptions.start_date) as mailed_at,
    'journey-' || campaigns.campaign_id || '-' || campaigns.household_id as journey_id
from campaigns
inner join campaign_descriptions as descriptions using (campaign_id);

-- Grain: one row per basket. Amounts are whole cents, stored as doubles in the package: as decimals they add up
-- exactly, in any order. `quantity` is left out, because it counts fuel in thousands.
create table baskets as
select
    basket_id,
    household_id,
    store_id,
    transaction_timestamp as purchased_at,
    utc_to_new_york(transaction_timestamp) as purchased_at_new_york,
    sum(sales_value::decimal(12, 2)) as total,
    count(distinct product_id) as products,
    sum(retail_disc::decimal(12, 2)) as retail_discount,
    sum(coupon_disc::decimal(12, 2)) as coupon_discount,
    sum(coupon_match_disc::decimal(12, 2)) as coupon_match_discount
from transactions
group by basket_id, household_id, store_id, transaction_timestamp;
