-- Grain: one row per person who joined the club (1 of 20 had before the experiment), and one per person who ordered.
-- Whatever people do because of a message or without it, they do within four weeks, most of them soon.
with

joins as (

    select
        *,
        if(drawn('before', person) < 0.05, -60 * drawn('when joined', person), 27 * drawn('when joined', person) ^ 2) as days
    from people
    where joins or drawn('before', person) < 0.05

),

orders as (

    select
        *,
        27 * drawn('when ordered', person) ^ 2 as days
    from people
    where orders

),

everything as (

    select
        person,
        profile_id,
        'join' as name,
        '{}' as properties,
        assigned_at + to_seconds(floor(86400 * days)) as occurred_at
    from joins
    union all
    select
        person,
        profile_id,
        'order' as name,
        to_json({total: (spend_last_year::double * (0.1 + 0.1 * drawn('total', person)))::decimal(12, 2)})::varchar as properties,
        assigned_at + to_seconds(floor(86400 * days)) as occurred_at
    from orders

)

select
    'known-truth' as workspace_id,
    name || '-' || person as event_id,
    profile_id,
    name,
    properties,
    occurred_at
from everything
order by occurred_at, event_id
