{#
    The body of every base model: the rows of one raw table, typed, judged and compared by key (SEMANTICS, section 2).

    Reads the contract (the columns and their meta in models/staging/_sources.yml). Adds to the typed columns:
      reason_code   why the row cannot be staged: the first match, in the order of the case below; null for a good row
      problem       where and what, in words; of a filter or definition what base_definitions says
      is_standing   of the good rows with one key, the one that stands

    A good row that does not stand is superseded. So for every table, always:
    rows landed = standing + superseded + quarantined.

    Besides, integers to join on: row_key of the table's key (null for a faulty row), profile_key, delivery_key, journey_key; and,
    with `moments`, the latest_moment of these columns, by which a scan can skip older rows.

    Incremental: the rows of files past the watermark are judged, and compared with those rows before it that have one of their
    keys. Both get touched_after, the watermark that this happened after: int_affected_profiles finds them by it.
#}
{% macro judged_rows(table_name, defined_by=none, moments=[]) -%}
{%- set columns = goalpost.contract_columns(table_name) -%}
{%- set names = columns | map(attribute='name') | list -%}
{%- set keys = columns | selectattr('key') | map(attribute='name') | list -%}
{%- set joined_by = ['profile', 'delivery', 'journey'] | select('in', names | map('replace', '_id', '') | list) | list -%}
{%- set moments = moments | select('in', names) | list -%}
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
-- Few keys land twice, and comparing is dear: only their rows are ordered.
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
    from ({{ goalpost.typed_and_judged('repeated_rows', columns, defined_by) }}) as judged
    where reason_code is null

),

superseded as (

    select
        file_id,
        row_number
    from ranked
    where place > 1

),

explained as (

    select
        *,
        case reason_code
            when 'bad_row' then coalesce({{ goalpost.field_counts('csv_delimiter', 'csv_fields') }}, 'the record is no JSON object')
                || '; raw_record holds it'
            when 'missing_key' then {{ goalpost.first_of(columns, 'is_missing', 'is required and absent') }}
            when 'bad_key' then {{ goalpost.first_of(columns, 'is_bad_key', 'holds a control character') }}
            when 'bad_timestamp' then {{ goalpost.first_of(columns, 'is_bad_timestamp', 'is no ISO 8601 time') }}
            when 'bad_json' then {{ goalpost.first_of(columns, 'is_bad_json', 'is no JSON') }}
            when 'bad_enum' then {{ goalpost.first_of(columns, 'is_bad_enum', 'is not one of the allowed values') }}
            when 'bad_definition' then {{ goalpost.first_of(columns, 'is_bad_definition', 'is no list of ids') }}
            when 'future_timestamp'
                then {{ goalpost.first_of(columns, 'is_future_timestamp', 'lies more than a day after its file landed') }}
        end as fault
    from ({{ goalpost.typed_and_judged(landed_rows, columns, defined_by) }}) as judged

)

select
    explained.file_id,
    explained.row_number,
    {%- for column in columns %}
    explained.{{ column.name }},
    {%- endfor %}
    {%- if defined_by %}
    explained.normal_form,
    explained.core_hash,
    explained.unknown_keys,
    {%- endif %}
    {%- if moments %}
    greatest(explained.{{ moments | join(', explained.') }}) as latest_moment,
    {%- endif %}
    case when explained.reason_code is null then {{ goalpost.key_of(keys) }} end as row_key,
    {%- for name in joined_by %}
    case when {{ name }}_id is not null then {{ goalpost.key_of(['workspace_id', name ~ '_id']) }} end as {{ name }}_key,
    {%- endfor %}
    explained.reason_code,
    coalesce(explained.fault, explained.problem) as problem,
    explained.reason_code is null and superseded.file_id is null as is_standing,
    cast({{ 0 if from_scratch else watermark }} as bigint) as touched_after
from explained
left join superseded on explained.file_id = superseded.file_id and explained.row_number = superseded.row_number
{%- endmacro %}


{# The values of landed rows, and the reason_code of those that cannot be staged. Times, booleans and numbers also as they landed. #}
{% macro typed_and_judged(landed_rows, columns, defined_by) -%}
{%- set converted = columns | selectattr('type', 'in', ['timestamp', 'boolean', 'integer', 'number']) | list -%}
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
            cast(null as varchar) as problem
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


{# The key columns of a raw table, as values that the typed ones equal: landed times are read. #}
{% macro key_columns(columns) -%}
{%- set values = [] -%}
{%- for column in columns if column.key -%}
{%- do values.append(goalpost.read_as(column.type, column.name)) -%}
{%- endfor -%}
{{ return(values) }}
{%- endmacro %}


{# The columns of a raw table, as the contract lists them: dicts of name, type, key, required, values. #}
{% macro contract_columns(table_name) -%}
{%- set columns = [] -%}
{%- for node in (graph.sources.values() if execute else []) if node.source_name == 'raw' and node.name == table_name -%}
{%- for column in node.columns.values() -%}
{%- do columns.append(dict(dict(key=false, required=false, values=[]), name=column.name, **column.config.meta)) -%}
{%- endfor -%}
{%- endfor -%}
{{ return(columns) }}
{%- endmacro %}


{# What breaks a tie: the column as text, its default where none landed. Times order as their ISO text does. #}
{% macro tie_breaker(column) -%}
{%- set text = ('landed_' if column.type in ['boolean', 'integer', 'number'] else '') ~ column.name -%}
{%- if column.default is defined -%}coalesce({{ text }}, '{{ column.default }}')
{%- elif column.default_column is defined -%}coalesce({{ text }}, {{ column.default_column }})
{%- else -%}{{ text }}{%- endif -%}
{%- endmacro %}


{% macro read_as(type, text) -%}
{%- if type == 'timestamp' -%}{{ goalpost.read_timestamp(text) }}
{%- elif type == 'boolean' -%}{{ goalpost.read_boolean(text) }}
{%- elif type == 'integer' -%}{{ goalpost.read_integer(text) }}
{%- elif type == 'number' -%}{{ goalpost.read_number(text) }}
{%- else -%}{{ text }}{%- endif -%}
{%- endmacro %}


{# For each column that a fault can befall: its name, and the condition under which it does. #}
{% macro faults_of(columns, fault) -%}
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
{%- elif fault == 'is_bad_json' and type in ['json', 'json_list'] -%}
    {%- do conditions.append([name, 'not ' ~ goalpost.is_json(name)]) -%}
{%- elif fault == 'is_bad_enum' and type in ['boolean', 'integer', 'number'] -%}
    {%- do conditions.append([name, '(' ~ name ~ ' is null and landed_' ~ name ~ ' is not null)']) -%}
{%- elif fault == 'is_bad_enum' and type == 'enum' -%}
    {%- do conditions.append([name, name ~ " not in ('" ~ column['values'] | join("', '") ~ "')"]) -%}
{%- elif fault == 'is_bad_enum' and type == 'time_zone' -%}
    {%- do conditions.append([name, 'not ' ~ goalpost.is_time_zone(name)]) -%}
{%- elif fault == 'is_bad_definition' and type == 'json_list' -%}
    {%- do conditions.append([name, 'not ' ~ goalpost.is_json_list_of_ids(name)]) -%}
{%- elif fault == 'is_future_timestamp' and type == 'timestamp' and name != 'data_start_at' -%}
    {%- do conditions.append([name, name ~ " > loaded_at + interval '1' day"]) -%}
{%- endif -%}
{%- endfor -%}
{{ return(conditions) }}
{%- endmacro %}


{# Does the fault befall any column? #}
{% macro any_of(columns, fault) -%}
{{ goalpost.faults_of(columns, fault) | map('last') | join(' or ') or 'false' }}
{%- endmacro %}


{# The first column that the fault befalls, what landed in it, and what is wrong with that. #}
{% macro first_of(columns, fault, what) -%}
{%- for name, condition in goalpost.faults_of(columns, fault) -%}
{{ 'case' if loop.first }}
                when {{ condition }} then '{{ name }} ' || {{ goalpost.what_landed(columns, name) }} || '{{ what }}'
{{- '\n            end' if loop.last }}
{%- else -%}
null
{%- endfor -%}
{%- endmacro %}


{% macro what_landed(columns, name) -%}
{%- set column = columns | selectattr('name', 'equalto', name) | first -%}
coalesce('''' || left({{ 'landed_' if column.type in ['timestamp', 'boolean', 'integer', 'number'] }}{{ name }}, 80) || ''' ', '')
{%- endmacro %}


{# Of a CSV record of another length than its header: how many fields each has. Null without a delimiter. #}
{% macro field_counts(delimiter, header_fields) -%}
'the record has ' || {{ goalpost.count_fields('raw_record', delimiter) }} || ' fields, the header has ' || {{ header_fields }}
{%- endmacro %}
