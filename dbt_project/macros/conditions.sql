{#
    What each operator of a filter means in SQL: SEMANTICS, section 3, one place an operator.

    A condition reads a property through the columns that unpack_properties made: <name> (JSON text; null: the property is missing),
    <name>_text, <name>_number and <name>_moment. Negations are joined as `not` by the predicate; here are only the positive
    operators, and each gives true or false, never null. A text is written out by text_literal and can't leave its quotes.
#}

{% macro condition_sql(condition, columns) -%}
{%- set property = columns[condition.subject ~ condition.pointer] -%}
{%- set op, value = condition.op, condition['value'] -%}
{%- if op == 'exists' -%}
    ({{ property }} is not null)
{%- elif condition.other_subject is defined -%}
    coalesce({{ goalpost.compare_properties(op, property, columns[condition.other_subject ~ condition.other_pointer]) }}, false)
{%- elif op == 'eq' -%}
    coalesce({{ goalpost.equals_literal(value, property ~ '_text', property ~ '_number') }}, false)
{%- elif op == 'in' -%}
    (false{% for item in value %} or coalesce({{ goalpost.equals_literal(item, property ~ '_text', property ~ '_number') }}, false){% endfor %})
{%- elif op in ('gt', 'gte', 'lt', 'lte') -%}
    coalesce({{ goalpost.compares_with_literal(op, property, value) }}, false)
{%- elif op == 'contains' -%}
    coalesce({{ goalpost.contains_literal(property, value) }}, false)
{%- elif op in ('starts_with', 'ends_with') -%}
    coalesce({{ goalpost.is_json_text(property) }} and {{ op }}({{ property }}_text, {{ goalpost.text_literal(value) }}), false)
{%- endif -%}
{%- endmacro %}


{# eq. A number: the property is a number, or text that is one, and equal. A boolean: it, or its text. A text: exactly that text. #}
{% macro equals_literal(value, text, number) -%}
{%- if value is boolean -%}
    {{ text }} = '{{ 'true' if value else 'false' }}'
{%- elif value is number -%}
    {{ number }} = {{ goalpost.number_literal(value) }}
{%- else -%}
    {{ text }} = {{ goalpost.text_literal(value) }}
{%- endif -%}
{%- endmacro %}


{# gt, gte, lt, lte. A number compares with numbers; an ISO 8601 text with ISO 8601 text or Unix seconds; any other text with nothing. #}
{% macro compares_with_literal(op, property, value) -%}
{%- if value is number -%}
    {{ property }}_number {{ goalpost.comparison(op) }} {{ goalpost.number_literal(value) }}
{%- else -%}
    {{ property }}_moment {{ goalpost.comparison(op) }} {{ goalpost.read_timestamp(goalpost.text_literal(value)) }}
{%- endif -%}
{%- endmacro %}


{# contains. A text: substring. An array: any element eq. #}
{% macro contains_literal(property, value) -%}
{%- set item = goalpost.scalar_text('item') -%}
case
    {%- if value is string %}
    when {{ goalpost.is_json_text(property) }} then contains({{ property }}_text, {{ goalpost.text_literal(value) }})
    {%- endif %}
    when {{ goalpost.is_json_array(property) }}
        then {{ goalpost.any_element(property, goalpost.equals_literal(value, item, goalpost.read_number(item))) }}
end
{%- endmacro %}


{# Two properties: as numbers if both are, otherwise equality goes by their text and order by their moments. #}
{% macro compare_properties(op, property, other) -%}
case
    when {{ property }}_number is not null and {{ other }}_number is not null
        then {{ property }}_number {{ goalpost.comparison(op) }} {{ other }}_number
    {%- set compared = '_text' if op == 'eq' else '_moment' %}
    else {{ property }}{{ compared }} {{ goalpost.comparison(op) }} {{ other }}{{ compared }}
end
{%- endmacro %}


{# A moment out of a property: ISO 8601 text, or Unix seconds as a number or text that is one. #}
{% macro read_moment(text) -%}
coalesce({{ goalpost.read_timestamp(text) }}, {{ goalpost.from_unix_seconds(goalpost.read_number(text)) }})
{%- endmacro %}


{% macro comparison(op) -%}
{{ {'eq': '=', 'gt': '>', 'gte': '>=', 'lt': '<', 'lte': '<='}[op] }}
{%- endmacro %}


{% macro number_literal(value) -%}
cast('{{ value | tojson }}' as double)
{%- endmacro %}


{# A text as an SQL literal: quotes doubled, and U+0000, which no SQL text may hold, spelled as a function call. #}
{% macro text_literal(value) -%}
('{{ value | replace("'", "''") | replace("\u0000", "' || chr(0) || '") }}')
{%- endmacro %}
