{#
    What each operator of a filter means in SQL: SEMANTICS, section 3, one place an operator.

    A condition reads a property as two columns that unpack_properties made: `<name>` holds its value as JSON text (null: the
    property is missing) and `<name>_text` the text of a scalar. Negations are joined as `not` by the predicate; here are only the
    positive operators, and each gives true or false, never null. A text is written out by text_literal and can't leave its quotes.
#}

{% macro condition_sql(condition, columns) -%}
{%- set json = columns[condition.subject ~ condition.pointer] -%}
{%- set text = json ~ '_text' -%}
{%- if condition.op == 'exists' -%}
    ({{ json }} is not null)
{%- elif condition.other_subject is defined -%}
    {{ goalpost.compare_properties(condition.op, text, columns[condition.other_subject ~ condition.other_pointer] ~ '_text') }}
{%- elif condition.op == 'eq' -%}
    coalesce({{ goalpost.equals_literal(text, condition['value']) }}, false)
{%- elif condition.op == 'in' -%}
    (false{% for value in condition['value'] %} or coalesce({{ goalpost.equals_literal(text, value) }}, false){% endfor %})
{%- elif condition.op in ('gt', 'gte', 'lt', 'lte') -%}
    coalesce({{ goalpost.compares_with_literal(condition.op, text, condition['value']) }}, false)
{%- elif condition.op == 'contains' -%}
    coalesce({{ goalpost.contains_literal(json, text, condition['value']) }}, false)
{%- elif condition.op in ('starts_with', 'ends_with') -%}
    coalesce({{ goalpost.is_json_text(json) }} and {{ condition.op }}({{ text }}, {{ goalpost.text_literal(condition['value']) }}), false)
{%- endif -%}
{%- endmacro %}


{# eq. A number: the property is a number, or text that is one, and equal. A boolean: it, or its text. A text: exactly that text. #}
{% macro equals_literal(text, value) -%}
{%- if value is boolean -%}
    ({{ text }} = '{{ 'true' if value else 'false' }}')
{%- elif value is number -%}
    ({{ goalpost.read_number(text) }} = {{ goalpost.number_literal(value) }})
{%- else -%}
    ({{ text }} = {{ goalpost.text_literal(value) }})
{%- endif -%}
{%- endmacro %}


{# gt, gte, lt, lte. A number compares with numbers; an ISO 8601 text with ISO 8601 text or Unix seconds; any other text with nothing. #}
{% macro compares_with_literal(op, text, value) -%}
{%- if value is number -%}
    ({{ goalpost.read_number(text) }} {{ goalpost.comparison(op) }} {{ goalpost.number_literal(value) }})
{%- else -%}
    ({{ goalpost.read_moment(text) }} {{ goalpost.comparison(op) }} {{ goalpost.read_timestamp(goalpost.text_literal(value)) }})
{%- endif -%}
{%- endmacro %}


{# contains. A text: substring. An array: any element eq. #}
{% macro contains_literal(json, text, value) -%}
case
    {%- if value is string %}
    when {{ goalpost.is_json_text(json) }} then contains({{ text }}, {{ goalpost.text_literal(value) }})
    {%- endif %}
    when {{ goalpost.is_json_array(json) }}
        then {{ goalpost.any_element(json, goalpost.equals_literal(goalpost.scalar_text('item'), value)) }}
end
{%- endmacro %}


{# Two properties: as numbers if both are, otherwise equality goes by their text and order by their moments. #}
{% macro compare_properties(op, text, other_text) -%}
coalesce(
    case
        when {{ goalpost.read_number(text) }} is not null and {{ goalpost.read_number(other_text) }} is not null
            then {{ goalpost.read_number(text) }} {{ goalpost.comparison(op) }} {{ goalpost.read_number(other_text) }}
        {%- if op == 'eq' %}
        else {{ text }} = {{ other_text }}
        {%- else %}
        else {{ goalpost.read_moment(text) }} {{ goalpost.comparison(op) }} {{ goalpost.read_moment(other_text) }}
        {%- endif %}
    end,
    false
)
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
