{#
    What each operator of a filter means in SQL: SEMANTICS, section 3, one place an operator.

    A condition reads a property through the columns that unpack_properties made: <name> (JSON text; null: the property is missing),
    <name>_text, <name>_number and <name>_moment. Negations are joined as `not` by the predicate; here are only the positive
    operators, and each gives true or false, never null. A text is written out by text_literal and can't leave its quotes.

    Whatever can be asked of the JSON text itself is asked of it: the other columns are dear, and nobody computes one that no
    condition reads.
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
{%- endif -%}
{%- endmacro %}


{#
    eq to one of the literals. A number: the property is a number, or text that is one, and equal. A boolean or a text: the
    property is one of the ways to spell it in JSON.
#}
{% macro equals_any(values, property) -%}
{%- set numbers, texts, bare_texts = [], [], [] -%}
{%- for value in values -%}
{%- if value is boolean or value is string -%}
    {%- set text = value | tojson if value is boolean else value -%}
    {%- set literal = goalpost.text_literal(text) -%}
    {%- do texts.append(literal) -%}
    {%- if goalpost.may_be_bare(text) -%}
        {%- do bare_texts.append(literal) -%}
    {%- endif -%}
{%- else -%}
    {%- do numbers.append(goalpost.number_text(value)) -%}
{%- endif -%}
{%- endfor -%}
(false
{%- if texts %} or {{ goalpost.is_one_of(property, texts, 'spelling') }}{% endif %}
{%- if bare_texts %} or {{ goalpost.is_one_of(property, bare_texts, 'text') }}{% endif %}
{%- if numbers %} or {{ goalpost.is_one_of(property ~ '_number', numbers, 'number') }}{% endif %})
{%- endmacro %}


{#
    Is a value one of these? `texts` are literals, `read_as` is what they are read as: `text`, `spelling` (how JSON spells them) or
    `number`. Inside an expression DuckDB compares with each in turn, a microsecond a row for a thousand: a long list is looked up by
    hash. What reads them is then written once, for the compiler too has a time for each.
#}
{% macro is_one_of(value, texts, read_as) -%}
{%- if texts | length > 100 -%}
    {{ value }} in (select {{ goalpost.read_literal('item', read_as) }} from (select {{ goalpost.one_row_an_item(goalpost.list_of(texts, 'varchar')) }} as item) as items)
{%- else -%}
    {%- set items = [] -%}
    {%- for text in texts -%}
    {%- do items.append(goalpost.read_literal(text, read_as)) -%}
    {%- endfor -%}
    {{ value }} in ({{ items | join(', ') }})
{%- endif -%}
{%- endmacro %}


{% macro read_literal(text, read_as) -%}
{%- if read_as == 'spelling' -%}{{ goalpost.json_spelling(text) }}
{%- elif read_as == 'number' -%}cast({{ text }} as double)
{%- else -%}{{ text }}{%- endif -%}
{%- endmacro %}


{#
    The ways to spell a scalar whose text is this one: in quotes; and without, if it is true, false or begins like a number
    (where it is none, nothing is spelled so). A boolean literal means its text.
#}
{% macro spellings_of(value) -%}
{%- set text = value | tojson if value is boolean else value -%}
{%- set spellings = [goalpost.json_spelling(goalpost.text_literal(text))] -%}
{%- if goalpost.may_be_bare(text) -%}
    {%- do spellings.append(goalpost.text_literal(text)) -%}
{%- endif -%}
{{ return(spellings) }}
{%- endmacro %}


{# May a JSON value that is no text have this text? #}
{% macro may_be_bare(text) -%}
{{ return(text in ('true', 'false') or text[:1] in '-0123456789') }}
{%- endmacro %}


{# gt, gte, lt, lte. A number compares with numbers; an ISO 8601 text with ISO 8601 text or Unix seconds; any other text with nothing. #}
{% macro compares_with_literal(op, property, value) -%}
{%- if value is number -%}
    {{ property }}_number {{ goalpost.comparison(op) }} {{ goalpost.number_literal(value) }}
{%- else -%}
    {{ property }}_moment {{ goalpost.comparison(op) }} {{ goalpost.read_timestamp(goalpost.text_literal(value)) }}
{%- endif -%}
{%- endmacro %}


{# contains, starts_with and ends_with of a text. Where the JSON spelling doesn't hold the literal's, the text doesn't hold the literal. #}
{% macro when_text(op, property, value) -%}
{%- set text = goalpost.text_literal(value) -%}
when {{ goalpost.is_json_text(property) }} and contains({{ property }}, {{ goalpost.between_quotes(goalpost.json_spelling(text)) }})
        then {{ op }}({{ goalpost.scalar_text(property) }}, {{ text }})
{%- endmacro %}


{# contains. A text: substring. An array: any element eq; what is spelled nowhere in it needs no look at its elements. #}
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


{# Two properties: as numbers if both are, otherwise equality goes by their text and order by their moments. #}
{% macro compare_properties(op, property, other) -%}
case
    when {{ property }}_number is not null and {{ other }}_number is not null
        then {{ property }}_number {{ goalpost.comparison(op) }} {{ other }}_number
    {%- set compared = '_text' if op == 'eq' else '_moment' %}
    else {{ property }}{{ compared }} {{ goalpost.comparison(op) }} {{ other }}{{ compared }}
end
{%- endmacro %}


{# A moment out of a property: ISO 8601 text (nothing in it is ever escaped), or Unix seconds as a number or text that is one. #}
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
{{ goalpost.read_literal(goalpost.number_text(value), 'number') }}
{%- endmacro %}


{% macro number_text(value) -%}
'{{ value | tojson }}'
{%- endmacro %}


{# A text as an SQL literal: quotes doubled, and U+0000, which no SQL text may hold, spelled as a function call. #}
{% macro text_literal(value) -%}
('{{ value | replace("'", "''") | replace("\u0000", "' || chr(0) || '") }}')
{%- endmacro %}
