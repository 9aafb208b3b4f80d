-- Grain: one row per household and Monday (midnight in New York), from the Monday after its first basket to the end of
-- the year: what a shop would have known at that moment, from earlier baskets only.
with

active_weeks as (

    select
        household_id,
        date_trunc('week', purchased_at_new_york)::date as week_start,
        sum(total) as spend,
        count(*) as baskets,
        max(total) as largest_basket,
        max(purchased_at_new_york)::date as last_day
    from baskets
    group by household_id, week_start

),

weeks as (

    select
        household_id,
        unnest(
            generate_series(
                min(week_start), (select max(week_start) from active_weeks), interval 7 day
            )
        )::date as week_start
    from active_weeks
    group by household_id

),

observed as (

    select
        weeks.household_id,
        weeks.week_start + 7 as monday,
        sum(active.spend) over to_date as spend_to_date,
        sum(active.baskets) over to_date as baskets_to_date,
        max(active.largest_basket) over to_date as largest_basket,
        monday - max(active.last_day) over to_date as days_since_last_purchase,
        coalesce(sum(active.spend) over last_4_weeks, 0) as spend_last_28_days,
        coalesce(sum(active.spend) over last_12_weeks, 0) as spend_last_12_weeks
    from weeks
    left join active_weeks as active using (household_id, week_start)
    window
        to_date as (partition by weeks.household_id order by weeks.week_start),
        last_4_weeks as (partition by weeks.household_id order by weeks.week_start rows 3 preceding),
        last_12_weeks as (partition by weeks.household_id order by weeks.week_start rows 11 preceding)

)

select
    'complete-journey' as workspace_id,
    household_id::varchar as profile_id,
    new_york_to_utc(monday) as observed_at,
    to_json({
        -- who they are, where it is known (801 of 2,469 households): undated, so taken as known from the start
        age: age,
        income: income,
        home_ownership: home_ownership,
        marital_status: marital_status,
        household_size: household_size,
        household_composition: household_comp,
        kids_count: kids_count,

        -- what they did
        spend_to_date: spend_to_date,
        baskets_to_date: baskets_to_date::bigint,
        largest_basket: largest_basket,
        days_since_last_purchase: days_since_last_purchase,
        spend_last_28_days: spend_last_28_days,
        spend_last_12_weeks: spend_last_12_weeks,

        -- what a marketer calls them: gold from 75 dollars a week, silver from 25, over twelve weeks
        tier: case
            when spend_last_12_weeks >= 900 then 'gold'
            when spend_last_12_weeks >= 300 then 'silver'
            else 'bronze'
        end,
        lapsed: days_since_last_purchase > 28
    })::varchar as properties
from observed
left join demographics using (household_id)
order by observed_at, household_id
