{#
    What each operator of a filter means in SQL: SEMANTICS, section 3, one place for each operator.

    A condition reads a property through the columns that unpack_properties made: <name> (JSON text; null: the property is missing),
    <name>_text, <name>_number and <name>_moment. The predicate adds negations as `not`; here are only the positive operators, and
    each gives true or false, never null. text_literal writes a text so that it cannot end its own quotes.

    A condition tests the JSON text itself wherever that is enough: the other columns are expensive, and are computed only if a
    condition reads them.
#}

{% macro condition_sql(condition, columns) -%}
{%- set property = columns[condition.subject ~ condition.pointer] -%}
{%- set op, value = condition.op, condition['value'] -%}
{%- if op == 'exists' -%}
    ({{ property }} is not null)
{%- elif condition.other_subject is defined -%}
    coalesce({{ goalpost.compare_properties(op, property, columns[condition.other_subject ~ condition.other_pointer]) }}, false)
{%- elif op == 'eq' -%}
    coalesce({{ goalpost.equals_any([value], property) }}, false)
{%- elif op == 'in' -%}
    coalesce({{ goalpost.equals_any(value, property) }}, false)
{%- elif op in ('gt', 'gte', 'lt', 'lte') -%}
    coalesce({{ goalpost.compares_with_literal(op, property, value) }}, false)
{%- elif op == 'contains' -%}
    coalesce({{ goalpost.contains_literal(property, value) }}, false)
{%- elif op in ('starts_with', 'ends_with') -%}
    coalesce(case {{ goalpost.when_text(op, property, value) }} end, false)
{%- else -%}
    {%- do exceptions.raise_compiler_error("condition_sql() knows no operator " ~ op) -%}
{%- endif -%}
{%- endmacro %}


{#
    Equal to one of the literals. A number: the property is an equal number, or a text that is one. A boolean or a text: the property
    is one of its spellings in JSON. A long list becomes one literal, and a hash join looks it up: in an expression DuckDB compares
    with each value in turn, a microsecond per row for a thousand values, and dbt needs time for each value.
#}
{% macro equals_any(values, property) -%}
{%- if values | length > 100 -%}
    {{ goalpost.equals_any_of_many(values, property) }}
{%- else -%}
{%- set numbers, spellings = [], [] -%}
{%- for value in values -%}
{%- if value is boolean or value is string -%}
    {%- do spellings.extend(goalpost.spellings_of(value)) -%}
{%- else -%}
    {%- do numbers.append(goalpost.number_literal(value)) -%}
{%- endif -%}
{%- endfor -%}
(false
{%- if spellings %} or {{ property }} in ({{ spellings | join(', ') }}){% endif %}
{%- if numbers %} or {{ property }}_number in ({{ numbers | join(', ') }}){% endif %})
{%- endif -%}
{%- endmacro %}


{% macro equals_any_of_many(values, property) -%}
{%- set texts = values | select('string') | list + (values | select('boolean') | map('tojson') | list) -%}
{%- set numbers = values | reject('string') | reject('boolean') | map('tojson') | list -%}
(false
{%- if texts %}
    or {{ property }} in (select {{ goalpost.json_spelling('item') }} from ({{ goalpost.rows_of_texts(texts) }}) as items)
    or {{ property }} in (select item from ({{ goalpost.rows_of_texts(texts) }}) as items where {{ goalpost.may_stand_bare('item') }})
{%- endif %}
{%- if numbers %}
    or {{ property }}_number in (select cast(item as double) from ({{ goalpost.rows_of_texts(numbers) }}) as items)
{%- endif %})
{%- endmacro %}


{# Rows of one column, item. #}
{% macro rows_of_texts(texts) -%}
select {{ goalpost.one_row_an_item(goalpost.json_text_list(goalpost.text_literal(texts | tojson), '')) }} as item
{%- endmacro %}


{#
    The JSON spellings of a scalar with this text: in quotes; also without quotes, if it is true, false or begins like a number
    (if it is not a number, no JSON value has that spelling). A boolean literal means its text.
#}
{% macro spellings_of(value) -%}
{%- set text = value | tojson if value is boolean else value -%}
{%- set spellings = [goalpost.json_spelling(goalpost.text_literal(text))] -%}
{%- if text in ('true', 'false') or text[:1] in '-0123456789' -%}
    {%- do spellings.append(goalpost.text_literal(text)) -%}
{%- endif -%}
{{ return(spellings) }}
{%- endmacro %}


{# The same for a text in SQL: can a JSON value that is not a text have this spelling? #}
{% macro may_stand_bare(text) -%}
({{ text }} in ('true', 'false') or substr({{ text }}, 1, 1) in ('-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'))
{%- endmacro %}


{# gt, gte, lt, lte. A number compares with numbers, an ISO 8601 text with ISO 8601 text or Unix seconds, any other text with nothing. #}
{% macro compares_with_literal(op, property, value) -%}
{%- if value is number -%}
    {{ property }}_number {{ goalpost.comparison(op) }} {{ goalpost.number_literal(value) }}
{%- else -%}
    {{ property }}_moment {{ goalpost.comparison(op) }} {{ goalpost.read_timestamp(goalpost.text_literal(value)) }}
{%- endif -%}
{%- endmacro %}


{# contains, starts_with and ends_with for a text. If its JSON spelling does not contain the literal's, the text does not either. #}
{% macro when_text(op, property, value) -%}
{%- set text = goalpost.text_literal(value) -%}
when {{ goalpost.is_json_text(property) }} and contains({{ property }}, {{ goalpost.between_quotes(goalpost.json_spelling(text)) }})
        then {{ goalpost.compares_texts(op, goalpost.scalar_text(property), text) }}
{%- endmacro %}


{# contains. A text: substring. An array: any element is equal; elements are read only if the array's text contains the spelling. #}
{% macro contains_literal(property, value) -%}
case
    {%- if value is string %}
    {{ goalpost.when_text('contains', property, value) }}
    {%- endif %}
    {%- if value is boolean or value is string %}
    {%- set spellings = goalpost.spellings_of(value) %}
    when {{ goalpost.is_json_array(property) }} and (false{% for spelling in spellings %} or contains({{ property }}, {{ spelling }}){% endfor %})
        then {{ goalpost.any_element(property, 'item in (' ~ spellings | join(', ') ~ ')') }}
    {%- else %}
    when {{ goalpost.is_json_array(property) }}
        then {{ goalpost.any_element(property, goalpost.json_number('item') ~ ' = ' ~ goalpost.number_literal(value)) }}
    {%- endif %}
end
{%- endmacro %}


{# Compares two properties: as numbers if both are numbers; otherwise equality compares their texts, and order their moments. #}
{% macro compare_properties(op, property, other) -%}
case
    when {{ property }}_number is not null and {{ other }}_number is not null
        then {{ property }}_number {{ goalpost.comparison(op) }} {{ other }}_number
    {%- set compared = '_text' if op == 'eq' else '_moment' %}
    else {{ property }}{{ compared }} {{ goalpost.comparison(op) }} {{ other }}{{ compared }}
end
{%- endmacro %}


{# The moment in a property: ISO 8601 text (JSON never escapes anything in it), or Unix seconds as a number or as text. #}
{% macro read_moment(json_value) -%}
coalesce(
    {{ goalpost.read_timestamp(goalpost.between_quotes(json_value)) }},
    {{ goalpost.from_unix_seconds(goalpost.json_number(json_value)) }}
)
{%- endmacro %}


{% macro comparison(op) -%}
{{ {'eq': '=', 'gt': '>', 'gte': '>=', 'lt': '<', 'lte': '<='}[op] }}
{%- endmacro %}


{% macro number_literal(value) -%}
cast('{{ value | tojson }}' as double)
{%- endmacro %}
