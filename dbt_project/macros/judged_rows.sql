{#
    The body of every base model: the rows of one raw table, typed, judged and compared by key (SEMANTICS, section 2).

    Reads the contract (the columns and their meta in models/staging/_sources.yml). Adds to the typed columns:
      reason_code   why the row cannot be staged: the first match, in the order of the case below; null for a good row
      problem       which column is wrong and how, in words; for a filter or definition, the text from base_definitions
      is_standing   true for the one row that stands among the good rows with the same key

    A good row that does not stand is superseded. So for every table, always:
    rows landed = standing + superseded + quarantined.

    In a column that the contract marks is_earliest, every good row of a key gets the earliest value of all of them, whichever row stands:
    what was received cannot be un-received. If no row has one, each gets its own default_column. A column that is not_after another
    column is never later than that column. The reason_code is about the row's own values.

    It also adds integers to join on: row_key for the table's key (null for a faulty row), profile_key, delivery_key, journey_key.

    Incremental: a run judges the rows of files after the watermark, and judges again the earlier rows that share a key with one of
    them. Both get touched_after, the watermark of this run; int_affected_profiles finds them by it.
#}
{% macro judged_rows(table_name, defined_by=none) -%}
{%- set columns = goalpost.contract_columns(table_name) -%}
{%- set names = columns | map(attribute='name') | list -%}
{%- set keys = columns | selectattr('key') | map(attribute='name') | list -%}
{%- set joined_by = ['profile', 'delivery', 'journey'] | select('in', names | map('replace', '_id', '') | list) | list -%}
{%- set earliest = columns | selectattr('is_earliest') | map(attribute='name') | list -%}
{%- set from_scratch, watermark = goalpost.from_scratch(), goalpost.watermark() -%}
{%- set all_landed_rows = goalpost.landed_rows(table_name) -%}
{%- set landed_rows = all_landed_rows if from_scratch else 'landed_rows' -%}
{%- set landed_key = goalpost.key_of(goalpost.key_columns(columns)) -%}
with {% if not from_scratch -%}
new_keys as (

    select distinct {{ landed_key }} as row_key
    from {{ all_landed_rows }} as landed
    where file_id > {{ watermark }}

),

rivals as (

    select
        base.file_id,
        base.row_number
    from {{ this }} as base
    inner join new_keys on base.row_key = new_keys.row_key
    where base.file_id <= {{ watermark }}

),

landed_rows as (

    select * from {{ all_landed_rows }} as landed
    where file_id > {{ watermark }}

    union all

    select landed.*
    from {{ source('raw', table_name) }} as landed
    inner join rivals on landed.file_id = rivals.file_id and landed.row_number = rivals.row_number

),

{% endif -%}
-- Few keys land twice, and comparing is expensive: only the rows of these keys are ordered.
repeated_keys as (

    select {{ landed_key }} as row_key
    from {{ landed_rows }}
    group by 1
    having count(*) > 1

),

repeated_rows as (

    select * from {{ landed_rows }}
    where {{ landed_key }} in (select row_key from repeated_keys)

),

ranked as (

    select
        file_id,
        row_number,
        row_number() over (
            partition by {{ keys | join(', ') }}
            order by
                coalesce(sequence, 0) desc nulls last,
                {%- for column in columns if not column.key and column.name != 'sequence' %}
                {{ goalpost.tie_breaker(column) }} desc nulls last,
                {%- endfor %}
                file_id asc nulls last,
                row_number asc nulls last
        ) as place
        {%- for name in earliest %},
        min({{ name }}) over (partition by {{ keys | join(', ') }}) as earliest_{{ name }}
        {%- endfor %}
    from ({{ goalpost.typed_and_judged('repeated_rows', columns, defined_by) }}) as judged
    where reason_code is null

),

explained as (

    select
        *,
        case reason_code
            when 'bad_row' then coalesce({{ goalpost.field_counts('csv_delimiter', 'csv_fields') }}, 'the record is not a JSON object')
                || '; raw_record holds it'
            {%- for reason_code, fault in goalpost.faults().items() %}
            when '{{ reason_code }}' then {{ goalpost.first_of(columns, fault) }}
            {%- endfor %}
        end as fault
    from ({{ goalpost.typed_and_judged(landed_rows, columns, defined_by) }}) as judged

)

select
    explained.file_id,
    explained.row_number,
    {%- for column in columns %}
    {{ goalpost.settled(column, earliest) }} as {{ column.name }},
    {%- endfor %}
    {%- if defined_by %}
    explained.normal_form,
    explained.core_hash,
    explained.unknown_keys,
    {%- endif %}
    case when explained.reason_code is null then {{ goalpost.key_of(keys) }} end as row_key,
    {%- for name in joined_by %}
    case when {{ name }}_id is not null then {{ goalpost.key_of(['workspace_id', name ~ '_id']) }} end as {{ name }}_key,
    {%- endfor %}
    explained.reason_code,
    coalesce(explained.fault, explained.problem) as problem,
    explained.reason_code is null and coalesce(ranked.place, 1) = 1 as is_standing,
    cast({{ 0 if from_scratch else watermark }} as bigint) as touched_after
from explained
left join ranked on explained.file_id = ranked.file_id and explained.row_number = ranked.row_number
{%- endmacro %}


{# A column's final value, from all rows of its key: the earliest receipt, and nothing happened after its receipt. #}
{% macro settled(column, earliest) -%}
{%- if column.name in earliest -%}
coalesce(ranked.earliest_{{ column.name }}, explained.{{ column.name }}, explained.{{ column.default_column }})
{%- elif column.not_after in earliest -%}
case
        when explained.{{ column.name }} > coalesce(ranked.earliest_{{ column.not_after }}, explained.{{ column.not_after }})
            then coalesce(ranked.earliest_{{ column.not_after }}, explained.{{ column.not_after }})
        else explained.{{ column.name }}
    end
{%- else -%}
explained.{{ column.name }}
{%- endif -%}
{%- endmacro %}


{# The typed values of landed rows, and the reason_code of rows that cannot be staged. Times, booleans and numbers also as landed. #}
{% macro typed_and_judged(landed_rows, columns, defined_by) -%}
{%- set converted = columns | selectattr('type', 'in', ['timestamp', 'boolean', 'integer', 'share']) | list -%}
select
        *,
        case
            when raw_record is not null then 'bad_row'
            when {{ goalpost.any_of(columns, 'is_missing') }} then 'missing_key'
            when {{ goalpost.any_of(columns, 'is_bad_key') }} then 'bad_key'
            when {{ goalpost.any_of(columns, 'is_bad_timestamp') }} then 'bad_timestamp'
            when {{ goalpost.any_of(columns, 'is_bad_json') }} then 'bad_json'
            when {{ goalpost.any_of(columns, 'is_bad_enum') }} then 'bad_enum'
            {%- if defined_by %}
            when definition_reason_code is not null then definition_reason_code
            {%- endif %}
            when {{ goalpost.any_of(columns, 'is_bad_definition') }} then 'bad_definition'
            when {{ goalpost.any_of(columns, 'is_future_timestamp') }} then 'future_timestamp'
        end as reason_code
    from (
        select
            landed.file_id,
            landed.row_number,
            files.loaded_at,
            landed.raw_record,
            files.csv_delimiter,
            files.csv_fields,
            {%- for column in columns %}
            {{ goalpost.read_as(column.type, 'landed.' ~ column.name) }} as {{ column.name }},
            {%- endfor %}
            {%- for column in converted %}
            landed.{{ column.name }} as landed_{{ column.name }},
            {%- endfor %}
            {%- if defined_by %}
            readings.reason_code as definition_reason_code,
            readings.problem,
            readings.normal_form,
            readings.core_hash,
            readings.unknown_keys
            {%- else %}
            cast(null as string) as problem
            {%- endif %}
        from {{ landed_rows }} as landed
        inner join {{ source('raw', 'files') }} as files on landed.file_id = files.file_id
        {%- if defined_by %}
        left join {{ ref('base_definitions') }} as readings
            on
                landed.{{ defined_by }} = readings.landed_text
                and readings.kind = '{{ 'definition' if defined_by == 'definition' else 'filter' }}'
        {%- endif %}
    ) as typed
{%- endmacro %}


{# The key columns of a raw table, converted so that they equal the typed columns: landed times become timestamps. #}
{% macro key_columns(columns) -%}
{%- set values = [] -%}
{%- for column in columns if column.key -%}
{%- do values.append(goalpost.read_as(column.type, column.name)) -%}
{%- endfor -%}
{{ return(values) }}
{%- endmacro %}


{#
    The raw tables of the contract, without the ledger. dbt needs a model's dependencies before it has read the contract, so this list
    repeats their names. A list that differs from the contract is refused.
#}
{% macro raw_tables() -%}
{%- set tables = [
    'workspaces', 'profile_snapshots', 'profile_changes', 'events', 'sources', 'journeys', 'deliveries', 'engagements', 'segments',
    'goals', 'funnels', 'holdouts', 'experiments',
] -%}
{%- set landed = graph.sources.values() | selectattr('source_name', 'equalto', 'raw') | map(attribute='name') | reject('equalto', 'files')
    if execute else tables -%}
{%- if landed | sort != tables | sort -%}
{%- do exceptions.raise_compiler_error("raw_tables() in macros/judged_rows.sql does not name the tables of models/staging/_sources.yml.") -%}
{%- endif -%}
{{ return(tables) }}
{%- endmacro %}


{# The columns of a raw table, as the contract lists them: dicts of name, type, key, required, values, is_earliest, not_after. #}
{% macro contract_columns(table_name) -%}
{%- set columns = [] -%}
{%- for node in (graph.sources.values() if execute else []) if node.source_name == 'raw' and node.name == table_name -%}
{%- for column in node.columns.values() -%}
{%- do columns.append(dict(dict(key=false, required=false, values=[], is_earliest=false, not_after=none), name=column.name, **column.config.meta)) -%}
{%- endfor -%}
{%- endfor -%}
{{ return(columns) }}
{%- endmacro %}


{# The text that breaks a tie: the column as text, its default if null. Times order like ISO text, booleans like true and false. #}
{% macro tie_breaker(column) -%}
{%- if column.type == 'boolean' -%}{%- set text = 'cast(' ~ column.name ~ ' as string)' -%}
{%- else -%}{%- set text = ('landed_' if column.type in ['integer', 'share'] else '') ~ column.name -%}
{%- endif -%}
{%- if column.default is defined -%}coalesce({{ text }}, '{{ column.default }}')
{%- elif column.default_column is defined -%}coalesce({{ text }}, {{ column.default_column }})
{%- else -%}{{ text }}{%- endif -%}
{%- endmacro %}


{% macro read_as(type, text) -%}
{%- if type == 'timestamp' -%}{{ goalpost.read_timestamp(text) }}
{%- elif type == 'boolean' -%}{{ goalpost.read_boolean(text) }}
{%- elif type == 'integer' -%}{{ goalpost.read_integer(text) }}
{%- elif type == 'share' -%}{{ goalpost.read_number(text) }}
{%- elif type in ['id', 'text', 'json', 'json_list', 'time_zone', 'enum', 'filter', 'definition'] -%}{{ text }}
{%- else -%}{%- do exceptions.raise_compiler_error("read_as() knows no type " ~ type ~ " of a column") -%}{%- endif -%}
{%- endmacro %}


{# For each column that can have a fault: its name, and the condition under which it has the fault. #}
{% macro faults_of(columns, fault) -%}
{%- if fault not in goalpost.faults().values() -%}{%- do exceptions.raise_compiler_error("faults_of() knows no fault " ~ fault) -%}{%- endif -%}
{%- set conditions = [] -%}
{%- for column in columns -%}
{%- set name, type = column.name, column.type -%}
{%- if fault == 'is_missing' and column.required == 'unless_anonymous' -%}
    {%- do conditions.append([name, '(' ~ name ~ ' is null and not coalesce(is_anonymous, false))']) -%}
{%- elif fault == 'is_missing' and column.required -%}
    {%- do conditions.append([name, ('landed_' if type == 'timestamp' else '') ~ name ~ ' is null']) -%}
{%- elif fault == 'is_bad_key' and type == 'id' -%}
    {%- do conditions.append([name, goalpost.has_control_character(name)]) -%}
{%- elif fault == 'is_bad_timestamp' and type == 'timestamp' -%}
    {%- do conditions.append([name, '(' ~ name ~ ' is null and landed_' ~ name ~ ' is not null)']) -%}
{%- elif fault == 'is_bad_json' and type == 'json' -%}
    {%- do conditions.append([name, 'not ' ~ goalpost.is_json_object(name)]) -%}
{%- elif fault == 'is_bad_json' and type == 'json_list' -%}
    {%- do conditions.append([name, 'not ' ~ goalpost.is_json(name)]) -%}
{%- elif fault == 'is_bad_enum' and type in ['boolean', 'integer'] -%}
    {%- do conditions.append([name, '(' ~ name ~ ' is null and landed_' ~ name ~ ' is not null)']) -%}
{%- elif fault == 'is_bad_enum' and type == 'share' -%}
    {%- do conditions.append([name, '(landed_' ~ name ~ ' is not null and not coalesce(' ~ name ~ ' > 0 and ' ~ name ~ ' < 1, false))']) -%}
{%- elif fault == 'is_bad_enum' and type == 'enum' -%}
    {%- do conditions.append([name, name ~ " not in ('" ~ column['values'] | join("', '") ~ "')"]) -%}
{%- elif fault == 'is_bad_enum' and type == 'time_zone' -%}
    {%- do conditions.append([name, 'not ' ~ goalpost.is_time_zone(name)]) -%}
{%- elif fault == 'is_bad_definition' and type == 'json_list' -%}
    {%- do conditions.append([name, 'not ' ~ goalpost.is_json_list_of_ids(name)]) -%}
{%- elif fault == 'is_future_timestamp' and type == 'timestamp' and name != 'data_start_at' -%}
    {%- set unless_received = column.not_after ~ ' is null and ' if column.not_after else '' -%}
    {%- do conditions.append([name, '(' ~ unless_received ~ name ~ " > loaded_at + interval '1' day)"]) -%}
{%- endif -%}
{%- endfor -%}
{{ return(conditions) }}
{%- endmacro %}


{# Does any column have the fault? #}
{% macro any_of(columns, fault) -%}
{{ goalpost.faults_of(columns, fault) | map('last') | join(' or ') or 'false' }}
{%- endmacro %}


{# The first column with the fault: its name, what landed in it, what is wrong with that and what is allowed. #}
{% macro first_of(columns, fault) -%}
{%- for name, condition in goalpost.faults_of(columns, fault) -%}
{%- set column = columns | selectattr('name', 'equalto', name) | first -%}
{%- set landed = ('landed_' if column.type in ['timestamp', 'boolean', 'integer', 'share'] else '') ~ name -%}
{{ 'case' if loop.first }}
                when {{ condition }}
                    then '{{ name }} ' || coalesce({{ goalpost.quoted(landed) }} || ' ', '') || {{ goalpost.what_is_wrong(column, fault) }}
{{- '\n            end' if loop.last }}
{%- else -%}
null
{%- endfor -%}
{%- endmacro %}


{# For each reason code, the fault of a column (faults_of) that it names. #}
{% macro faults() -%}
{{ return({
    'missing_key': 'is_missing',
    'bad_key': 'is_bad_key',
    'bad_timestamp': 'is_bad_timestamp',
    'bad_json': 'is_bad_json',
    'bad_enum': 'is_bad_enum',
    'bad_definition': 'is_bad_definition',
    'future_timestamp': 'is_future_timestamp',
}) }}
{%- endmacro %}


{# What is wrong with a column's value, and what is allowed instead, as an SQL text. #}
{% macro what_is_wrong(column, fault) -%}
{%- set of_type = {
    'boolean': 'is not a boolean; allowed are true or false, t or f, 1 or 0',
    'integer': 'is not a whole number of 64 bits such as 7',
    'share': 'is not a number between 0 and 1, both excluded, such as 0.1',
    'time_zone': 'is not an IANA time zone such as Europe/Berlin',
    'enum': 'is not one of ' ~ column['values'] | join(', '),
} -%}
{%- set of_fault = {
    'is_missing': 'is required and absent',
    'is_bad_key': 'holds a control character',
    'is_bad_timestamp': 'is not an ISO 8601 time; allowed are YYYY-MM-DD, or with T or a space HH:MM[:SS[.f]]'
        ~ ' and Z, an offset such as +02:00 or nothing (UTC)',
    'is_bad_json': 'is not JSON',
    'is_bad_enum': of_type.get(column.type, ''),
    'is_bad_definition': 'is not a list of ids such as ["g1", "g2"]',
    'is_future_timestamp': 'is more than a day after its file landed',
} -%}
{%- if fault == 'is_bad_json' and column.type == 'json' -%}
case when {{ goalpost.is_json(column.name) }} then 'is JSON, but not an object such as {"plan": "paid"}' else 'is not JSON' end
{%- else -%}
'{{ of_fault[fault] }}'
{%- endif -%}
{%- endmacro %}


{# For a CSV record whose number of fields differs from the header's: both numbers, in words. Null without a delimiter. #}
{% macro field_counts(delimiter, header_fields) -%}
'the record has ' || {{ goalpost.count_fields('raw_record', delimiter) }} || ' fields, the header has ' || {{ header_fields }}
{%- endmacro %}
