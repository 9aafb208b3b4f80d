-- The workspace `known-truth`: made-up people in two experiments. What a message really changes is written here and
-- nowhere else. Chance is drawn by md5 of a word and the person's number, so every machine draws the same people.

create macro drawn(what, person) as (md5_number_lower(what || person) % 1000000)::double / 1000000;

-- Grain: one row per person. Who spends much joins and orders more often, with and without messages.
create table people as
with drawn_people as (

    select
        person,
        'person-' || person as profile_id,
        if(person <= 6000, 'reminder', 'newsletter') as experiment_id,
        if(drawn('arm', person) < 0.5, 'control', 'treatment') as arm,
        new_york_to_utc('2017-09-05 09:00') as assigned_at,
        drawn('loyalty', person) as loyalty
    from range(1, 8001) as numbers(person)

)

select
    *,
    (20 + 980 * loyalty * loyalty)::decimal(12, 2) as spend_last_year,

    -- The truth: the reminder makes 3 more of 100 people join. Nothing makes anybody order.
    drawn('join', person) < 0.04 + 0.08 * loyalty
    + if(experiment_id = 'reminder' and arm = 'treatment', 0.03, 0) as joins,
    drawn('order', person) < 0.2 + 0.6 * loyalty as orders,

    -- The mistake in the other experiment: an address check after the draw removed the least loyal people of one arm.
    experiment_id = 'newsletter' and arm = 'treatment' and loyalty < 0.2 as is_lost
from drawn_people;
