-- What is drawn: temporary macros that make rows from the numbers of range() and chance from hash(), so that a day is the same
-- for everyone, in whatever order days are drawn. world.py sets before:
--   messages()        how many messages go out on a day
--   first_number(day) a number that the day's rows begin with; no other day's rows reach it
--   profiles()        how many profiles there are

create or replace temp macro chance(seed, salt) as (hash(seed, salt, 42) >> 11)::double / 9007199254740992;

create or replace temp macro dice(seed, salt, sides) as (hash(seed, salt, 42) % sides::ubigint)::bigint;

-- Whose row it is: one in a hundred is of five very hot profiles, the others' are skewed.
create or replace temp macro profile_of(seed) as if(
    chance(seed, 'hot') < 0.01, dice(seed, 'hot one', 5), 5 + floor((profiles() - 5) * pow(chance(seed, 'profile'), 1.5))
)::bigint;

create or replace temp macro one_of(seed, salt, words) as
    split_part(words, ' ', 1 + dice(seed, salt, len(string_split(words, ' '))));

create or replace temp macro start_of(day) as timestamp '2020-01-01' + to_days(day::integer - 1);

create or replace temp macro moment_in(day, seed, salt) as start_of(day) + to_microseconds((chance(seed, salt) * 86400e6)::bigint);

create or replace temp macro on_days(first_day, last_day, rows_a_message) as table
    select day, place, first_number(day) * rows_a_message + place as number
    from range(first_day, last_day + 1) as days(day), range(messages() * rows_a_message) as places(place);

-- A campaign writes to a person four times, on days 0, 2, 5 and 9 of the journey; a broadcast once. A thread is the one or the
-- other, by the number of its first message.
create or replace temp macro drawn_messages(first_day, last_day) as table
    with threads as (
        select
            *,
            place // 4 % 10 < 7 as is_campaign,
            place % 4 as step,
            if(is_campaign, first_number(day - [0, 2, 5, 9][1 + step]) + place - step, number) as thread
        from on_days(first_day, last_day, 1)
    )
    select
        *,
        profile_of(thread) as profile,
        if(is_campaign, 'campaign-', 'broadcast-') || dice(thread, 'source', 20) as source_id,
        moment_in(day, thread, 'entered') as entered_at,
        if(is_campaign and step = 0, entered_at + to_seconds(30), moment_in(day, number, 'sent')) as sent_at
    from threads;

create or replace temp macro drawn_events(first_day, last_day) as table
    select
        *,
        profile_of(number + 1000000007) as profile,
        one_of(
            number, 'name',
            'visit visit visit visit visit visit visit visit page_view page_view page_view page_view page_view cart cart cart '
            || 'purchase course_completed app_opened subscribed'
        ) as name,
        dice(number, 'items', 9) as items,
        moment_in(day, number, 'event') as received_at
    from on_days(first_day, last_day, 2);

-- A plan lasts about two months, a score a week; what a person has spent grows for half a year, then begins again. So no day is
-- unlike another, however long the history.
create or replace temp macro drawn_snapshots(first_day, last_day) as table
    select
        *,
        profile_of(number + 2000000011) as profile,
        moment_in(day, number, 'observed') as observed_at,
        dice(profile + (day + profile) // 7 * 1000003, 'score', 100) as score,
        dice(profile, 'spent', 600) + (day + dice(profile, 'half-year', 180)) % 180 * dice(profile, 'pace', 5) as spent,
        one_of(profile * 100 + (day + dice(profile, 'phase', 60)) // 60, 'plan', 'free trial paid paid pro churned') as plan
    from on_days(first_day, last_day, 2);


-- The same as it lands: a macro for each raw table.

create or replace temp macro id_of(kind, number) as
    kind || lpad(number::varchar, 11, '0') || '-' || to_hex(hash(number, kind, 42) & 281474976710655);  -- as long as a ULID, in order

create or replace temp macro landed(moment) as moment::varchar || 'Z';

create or replace temp macro journeys(first_day, last_day) as table
    select
        'acme' as workspace_id,
        id_of('j', thread) as journey_id,
        source_id,
        id_of('p', profile) as profile_id,
        landed(entered_at) as entered_at,
        '{"course_id":"course-' || dice(thread, 'course', 20) || '","reason":"segment"}' as trigger_properties
    from drawn_messages(first_day, last_day)
    where is_campaign and step = 0;

create or replace temp macro deliveries(first_day, last_day) as table
    select
        'acme' as workspace_id,
        id_of('d', number) as delivery_id,
        id_of('p', profile) as profile_id,
        if(is_campaign, 'campaign', 'broadcast') as source_type,
        source_id,
        case when is_campaign then id_of('j', thread) end as journey_id,
        source_id || '-message-' || step as message_id,
        one_of(
            thread, 'channel', 'email email email email email email email email email email email email email email email sms sms push push webhook'
        ) as channel,
        landed(sent_at) as sent_at
    from drawn_messages(first_day, last_day);

-- Three a delivery: delivered (2 %: bounced); opened, by 35 % of the people, else by a machine; opened again, or clicked, by 4 %.
-- They come in within a day, and land when they do: with landing_on those of that day only.
create or replace temp macro engagements(first_day, last_day, landing_on := null) as table
    with drawn as (
        select
            number,
            slot,
            chance(number, 'opened') < 0.35 as is_read,
            case
                when chance(number, 'bounced') < 0.02 then 'bounced'
                when slot = 0 then 'delivered'
                when slot = 2 and is_read and chance(number, 'clicked') < 0.115 then 'clicked'
                else 'opened'
            end as metric,
            sent_at + to_seconds(5 + slot * (10 + 40000 * pow(chance(number, 'delay'), 4))::bigint) as occurred_at
        from drawn_messages(first_day, last_day), range(3) as slots(slot)
    )
    select
        'acme' as workspace_id,
        id_of('e', number * 3 + slot) as engagement_id,
        id_of('d', number) as delivery_id,
        metric,
        landed(occurred_at) as occurred_at,
        case when metric = 'clicked' then 'https://shop.example.com/offers/' || dice(number, 'link', 50) end as url,
        case when metric = 'opened' and not is_read then 'true' end as is_machine
    from drawn
    where landing_on is null or date_trunc('day', occurred_at) = start_of(landing_on);

create or replace temp macro events(first_day, last_day) as table
    select
        'acme' as workspace_id,
        id_of('v', number) as event_id,
        id_of('p', profile) as profile_id,
        name,
        '{"total":' || round(chance(number, 'total') * 200, 2) || ',"currency":"EUR","items":' || items
        || ',"category":"' || one_of(number, 'category', 'shoes coats shirts hats bags belts socks scarves')
        || '","course_id":"course-' || dice(number, 'course', 20)
        || '","device":"' || one_of(number, 'device', 'ios android web') || '"}' as properties,
        landed(received_at - to_milliseconds((chance(number, 'delay') * 20000)::bigint)) as occurred_at,
        landed(received_at) as received_at
    from drawn_events(first_day, last_day);

create or replace temp macro profile_snapshots(first_day, last_day) as table
    select
        'acme' as workspace_id,
        id_of('p', profile) as profile_id,
        landed(observed_at) as observed_at,
        '{"email":"person-' || profile || '@example.com","country":"' || one_of(profile, 'country', 'DE FR US GB CA BR')
        || '","plan":"' || plan || '","tier":"' || if(spent > 900, 'gold', if(spent > 400, 'silver', 'bronze'))
        || '","score":' || score || ',"lifetime_value":' || spent || '.50,"orders":' || spent // 40
        || ',"average_order":' || 20 + dice(profile, 'order', 100)
        || ',"marketing_opt_in":true,"tags":["newsletter","season-' || day // 30 || '"],"app_version":"4.' || day // 14
        || '.0","last_seen":"' || landed(observed_at) || '"}' as properties
    from drawn_snapshots(first_day, last_day);
