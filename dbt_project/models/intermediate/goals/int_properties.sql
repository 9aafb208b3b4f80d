-- Grain: one row per reader and property that a filter, trigger match or impact reads: its position in the list of values that
-- the reader extracts from each JSON document. Readers: see macros/predicates.sql.
with used as (

    select
        'snapshot' as reader,
        {{ one_row_an_item('properties') }} as pointer
    from {{ ref('int_filters') }}
    where role not in ('event', 'trigger_match')

    union

    select
        'snapshot' as reader,
        {{ one_row_an_item('profile_properties') }} as pointer
    from {{ ref('int_filters') }}
    where role = 'event'

    union

    select
        'state' as reader,
        {{ one_row_an_item('profile_properties') }} as pointer
    from {{ ref('int_filters') }}
    where role = 'event'
    {%- if has_profile_changes() %}

    union

    select
        'state' as reader,
        {{ one_row_an_item('properties') }} as pointer
    from {{ ref('int_filters') }}
    where role not in ('event', 'trigger_match')
    {%- endif %}

    union

    select
        'event' as reader,
        {{ one_row_an_item('properties') }} as pointer
    from {{ ref('int_filters') }}
    where role in ('event', 'trigger_match')

    union

    select
        'event' as reader,
        {{ property_pointer('impact_event_property') }} as pointer
    from {{ ref('int_goal_versions') }}
    where impact_event_property is not null

    union

    select
        'event' as reader,
        {{ property_pointer('impact_currency_property') }} as pointer
    from {{ ref('int_goal_versions') }}
    where impact_currency_property is not null

    union

    select
        'journey' as reader,
        {{ one_row_an_item('trigger_properties') }} as pointer
    from {{ ref('int_filters') }}
    where role = 'trigger_match'

)

select
    reader,
    pointer,
    row_number() over (partition by reader order by pointer asc nulls last) as position
from used
