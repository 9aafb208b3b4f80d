{# JSON in DuckDB. Documents stay the text that landed; RFC 6901 pointers address their properties. #}

{#
    Is the text JSON by RFC 8259? DuckDB's parser also accepts trailing commas, NaN and Infinity. If the text may contain one of them, the
    macro empties the strings and searches the rest. (A regular expression that begins with a literal is several times faster than one
    that combines them all.)
#}
{% macro is_json(text) %}{{ return(adapter.dispatch('is_json')(text)) }}{% endmacro %}
{% macro duckdb__is_json(text) -%}
    {%- set no_number = '[[:space:]]*[+-]?(?i:nan|inf)' -%}
    {%- set lax = ',[[:space:]]*[]}]|(?i:nan|inf)' -%}
    (json_valid({{ text }}) and case
        when regexp_matches({{ text }}, ',([[:space:]]*[]}]|{{ no_number }})')
            or regexp_matches({{ text }}, ':{{ no_number }}')
            or regexp_matches({{ text }}, '[[]{{ no_number }}')
            or regexp_matches({{ text }}, '^{{ no_number }}')
            then not regexp_matches(regexp_replace({{ text }}, '"([^"\\]|\\.)*"', '""', 'g'), '{{ lax }}')
        else true
    end)
{%- endmacro %}
{# Spark's parser stops at the end of the first value, and accepts single quotes and control characters. #}
{% macro spark__is_json(text) -%}
    {%- set strings = goalpost.spark__json_string() -%}
    {%- set brackets = "array_join(regexp_extract_all(regexp_replace(%s, r'" ~ strings ~ "', ''), r'[\\]\\[{}:,]', 0), '')" -%}
    {%- set high, low = '\\\\u[dD][89abAB][0-9a-fA-F]{2}', '\\\\u[dD][c-fC-F][0-9a-fA-F]{2}' -%}
    case when {{ text }} is not null then
        not {{ text }} rlike r'[\x00-\x08\x0b\x0c\x0e-\x1f]'
        and not regexp_replace({{ text }}, r'{{ strings }}', '') rlike '[\'"]'
        and not regexp_replace({{ text }}, r'\\\\|{{ high }}{{ low }}', '') rlike r'{{ high }}|{{ low }}'
        and coalesce(json_array_length('[' || {{ text }} || ']') = 1, false)
        and coalesce({{ brackets % text }} = {{ brackets % ("get_json_object(" ~ text ~ ", '$')") }}, false)
    end
{%- endmacro %}

{# Is it a JSON object? A JSON text that contains JSON is not an object. #}
{% macro is_json_object(text) -%}
    (left(trim(leading chr(32) || chr(9) || chr(10) || chr(13) from {{ text }}), 1) = '{' and {{ goalpost.is_json(text) }})
{%- endmacro %}

{# A list of ids from a JSON list: a text is an id, and a whole number becomes its integer text (42345.0: 42345); anything else: null. #}
{% macro json_id_list(text) %}{{ return(adapter.dispatch('json_id_list')(text)) }}{% endmacro %}
{% macro duckdb__json_id_list(text) -%}
    list_transform(
        cast(json_extract({{ text }}, '$[*]') as varchar[]),
        lambda item: case
            when item like '"%' then json_extract_string(item, '$')
            when regexp_full_match(item, '0|-?[1-9][0-9]*') then item
            when isfinite(try_cast(item as double)) and try_cast(item as double) = trunc(try_cast(item as double))
                then printf('%.0f', try_cast(item as double) + 0.0)
        end
    )
{%- endmacro %}
{% macro spark__json_id_list(text) -%}
    transform({{ goalpost.spark__json_elements(text) }}, item -> case
        when item like '"%' then {{ goalpost.spark__json_text_of('item') }}
        when item rlike '^(0|-?[1-9][0-9]*)$' then item
        when item rlike '^-?[0-9]' and cast(item as double) = floor(cast(item as double))
            then cast(cast(item as decimal(38, 0)) as string)
    end)
{%- endmacro %}

{% macro is_json_list_of_ids(text) %}{{ return(adapter.dispatch('is_json_list_of_ids')(text)) }}{% endmacro %}
{% macro duckdb__is_json_list_of_ids(text) -%}
    (json_type({{ text }}) = 'ARRAY' and len(list_filter({{ goalpost.json_id_list(text) }}, lambda id: id is null)) = 0)
{%- endmacro %}
{% macro spark__is_json_list_of_ids(text) -%}
    (ltrim({{ text }}) like '[%' and not exists({{ goalpost.json_id_list(text) }}, id -> id is null))
{%- endmacro %}

{# One value of a document, as text without quotes; null if it is missing or JSON null. #}
{% macro json_text(document, pointer) %}{{ return(adapter.dispatch('json_text')(document, pointer)) }}{% endmacro %}
{% macro duckdb__json_text(document, pointer) -%}
    json_extract_string({{ document }}, '{{ pointer }}')
{%- endmacro %}
{% macro spark__json_text(document, pointer) -%}
    get_json_object({{ document }}, {{ goalpost.spark__json_path('$', pointer) }})
{%- endmacro %}

{# A list of texts from a document; [] if it is missing. #}
{% macro json_text_list(document, pointer) %}{{ return(adapter.dispatch('json_text_list')(document, pointer)) }}{% endmacro %}
{% macro duckdb__json_text_list(document, pointer) -%}
    coalesce(from_json(json_extract({{ document }}, '{{ pointer }}'), '["VARCHAR"]'), [])
{%- endmacro %}
{% macro spark__json_text_list(document, pointer) -%}
    coalesce(from_json({{ goalpost.json_text(document, pointer) }}, 'array<string>'), cast(array() as array<string>))
{%- endmacro %}

{# An object of texts from a document, as a map; empty if it is missing. #}
{% macro json_text_map(document, pointer) %}{{ return(adapter.dispatch('json_text_map')(document, pointer)) }}{% endmacro %}
{% macro duckdb__json_text_map(document, pointer) -%}
    coalesce(from_json(json_extract({{ document }}, '{{ pointer }}'), '"MAP(VARCHAR, VARCHAR)"'), map())
{%- endmacro %}
{% macro spark__json_text_map(document, pointer) -%}
    coalesce(from_json({{ goalpost.json_text(document, pointer) }}, 'map<string,string>'), cast(map() as map<string, string>))
{%- endmacro %}

{#
    One value of a document as JSON text, at a pointer that is itself a column: of json_value null if it is missing or JSON null, of
    json_item null only if it is missing.
#}
{% macro json_value(document, pointer) -%}
nullif({{ goalpost.json_item(document, pointer) }}, 'null')
{%- endmacro %}

{% macro json_item(document, pointer) %}{{ return(adapter.dispatch('json_item')(document, pointer)) }}{% endmacro %}
{% macro duckdb__json_item(document, pointer) -%}
    cast(json_extract({{ document }}, {{ pointer }}) as varchar)
{%- endmacro %}
{% macro spark__json_item(document, pointer) -%}
    {%- set list = "'[' || " ~ goalpost.spark__without_odd_characters(document) ~ " || ']'" -%}
    {%- set path = "'$[*]' || replace(replace(regexp_replace(" ~ goalpost.spark__without_odd_characters(pointer)
        ~ ", '/([^/]*)', '[\\'$1\\']'), '~1', '/'), '~0', '~')" -%}
    coalesce(
        {{ goalpost.spark__with_odd_characters('get_json_object(' ~ list ~ ', ' ~ path ~ ')') }},
        {{ goalpost.spark__with_odd_characters(
            'get_json_object(' ~ list ~ ', regexp_replace(' ~ path ~ ", '\\\\[\\'([0-9]+)\\'\\\\]', '[$1]'))"
        ) }},
        case
            when array_contains(
                json_object_keys({{ document }}), replace(replace(substr({{ pointer }}, 2), '~1', '/'), '~0', '~')
            ) then 'null'
        end
    )
{%- endmacro %}

{#
    Several values of a document in one parse: a list in the order of the pointers, with each value as JSON text,
    null if it is missing or JSON null.
#}
{% macro json_values(document, pointers) %}{{ return(adapter.dispatch('json_values')(document, pointers)) }}{% endmacro %}
{% macro duckdb__json_values(document, pointers) -%}
    {%- if pointers -%}
    list_transform({{ goalpost.json_items(document, pointers) }}, lambda item: nullif(item, 'null'))
    {%- else -%}
    cast([] as varchar[])
    {%- endif -%}
{%- endmacro %}
{% macro spark__json_values(document, pointers) -%}
    {%- if pointers -%}
    transform({{ goalpost.json_items(document, pointers) }}, item -> nullif(item, 'null'))
    {%- else -%}
    {{ goalpost.list_of([], 'string') }}
    {%- endif -%}
{%- endmacro %}

{# As json_values, but JSON null is the text 'null': only what is missing is null. Of no document: null. #}
{% macro json_items(document, pointers) %}{{ return(adapter.dispatch('json_items')(document, pointers)) }}{% endmacro %}
{% macro duckdb__json_items(document, pointers) -%}
    cast(json_extract({{ document }}, [{% for pointer in pointers %}{{ goalpost.text_literal(pointer) }}{{ ', ' if not loop.last }}{% endfor %}]) as varchar[])
{%- endmacro %}
{% macro spark__json_items(document, pointers) -%}
    case
        when {{ document }} is not null then {{ goalpost.list_of([], 'string') }}
        {%- for pointer in pointers %} || array({{ goalpost.spark__json_item_at(document, pointer) }}){% endfor %}
    end
{%- endmacro %}

{# The keys of an object, and their values as json_items: lists in the same order, a repeated key included. Of no document: null. #}
{% macro json_keys(document) %}{{ return(adapter.dispatch('json_keys')(document)) }}{% endmacro %}
{% macro duckdb__json_keys(document) -%}
    json_keys({{ document }})
{%- endmacro %}
{% macro spark__json_keys(document) -%}
    json_object_keys({{ document }})
{%- endmacro %}

{% macro json_items_of_keys(document) %}{{ return(adapter.dispatch('json_items_of_keys')(document)) }}{% endmacro %}
{% macro duckdb__json_items_of_keys(document) -%}
    cast(json_extract({{ document }}, '$.*') as varchar[])
{%- endmacro %}
{% macro spark__json_items_of_keys(document) -%}
    transform(json_object_keys({{ document }}), key -> {{ goalpost.json_item(document, "'/' || replace(replace(key, '~', '~0'), '/', '~1')") }})
{%- endmacro %}

{# Of a group's rows: an object of keys and their values, which are JSON text, in the order of the keys. #}
{% macro json_object_of(key, json_value) %}{{ return(adapter.dispatch('json_object_of')(key, json_value)) }}{% endmacro %}
{% macro duckdb__json_object_of(key, json_value) -%}
    '{' || string_agg({{ goalpost.json_spelling(key) }} || ':' || {{ json_value }}, ',' order by {{ key }}) || '}'
{%- endmacro %}
{% macro spark__json_object_of(key, json_value) -%}
    '{' || array_join(
        transform(
            array_sort(collect_list(struct({{ key }} as key, {{ json_value }} as item))),
            each -> {{ goalpost.json_spelling('each.key') }} || ':' || each.item
        ), ','
    ) || '}'
{%- endmacro %}

{#
    The next macros take one value of json_values. DuckDB writes a value in one way only (compact, no needless escapes), so equal values
    have equal texts, and most comparisons need no second parse.
#}

{# The spelling of a text as a JSON value. #}
{% macro json_spelling(text) %}{{ return(adapter.dispatch('json_spelling')(text)) }}{% endmacro %}
{% macro duckdb__json_spelling(text) -%}
    cast(to_json({{ text }}) as varchar)
{%- endmacro %}
{% macro spark__json_spelling(text) -%}
    case when {{ text }} is not null then regexp_extract(to_json(array({{ text }})), r'(?s)^\[(.*)\]$', 1) end
{%- endmacro %}

{# The text of a JSON value that is a scalar (text without its quotes), else null. #}
{% macro scalar_text(json_value) %}{{ return(adapter.dispatch('scalar_text')(json_value)) }}{% endmacro %}
{% macro duckdb__scalar_text(json_value) -%}
    case when {{ json_value }} < '{' and {{ json_value }} not like '[%' then json_extract_string({{ json_value }}, '$') end
{%- endmacro %}
{% macro spark__scalar_text(json_value) -%}
    case
        when {{ json_value }} like '"%' then {{ goalpost.spark__json_text_of(json_value) }}
        when {{ json_value }} like '%E%' then {{ goalpost.spark__number_text(json_value) }}
        when {{ json_value }} < '{' and {{ json_value }} not like '[%' then {{ json_value }}
    end
{%- endmacro %}

{# The characters between the quotes of a JSON text: the text itself, if nothing in it is escaped. #}
{% macro between_quotes(json_value) -%}
    substr({{ json_value }}, 2, length({{ json_value }}) - 2)
{%- endmacro %}

{# The number in a JSON value: a number, or a text that is one. A JSON value that begins like a number is a number. #}
{% macro json_number(json_value) %}{{ return(adapter.dispatch('json_number')(json_value)) }}{% endmacro %}
{% macro duckdb__json_number(json_value) -%}
    {%- set text %}case
        when {{ json_value }} >= '-' and {{ json_value }} < ':' then {{ json_value }}
        when regexp_full_match({{ json_value }}, '"{{ goalpost.number_pattern() }}"') then {{ goalpost.between_quotes(json_value) }}
    end{% endset -%}
    {{ goalpost.finite("try_cast(" ~ text ~ " as double)") }}
{%- endmacro %}
{% macro spark__json_number(json_value) -%}
    {%- set text %}case
        when {{ json_value }} >= '-' and {{ json_value }} < ':' then {{ json_value }}
        when {{ json_value }} rlike '^"{{ goalpost.number_pattern() }}"$' then {{ goalpost.between_quotes(json_value) }}
    end{% endset -%}
    {{ goalpost.finite("try_cast(" ~ text ~ " as double)") }}
{%- endmacro %}

{# Is a JSON value a text, or an array? And: does any element of an array meet a condition on `item`? #}
{% macro is_json_text(json_value) -%}
    {{ json_value }} like '"%'
{%- endmacro %}

{% macro is_json_array(json_value) -%}
    {{ json_value }} like '[%'
{%- endmacro %}

{% macro any_element(json_value, condition) %}{{ return(adapter.dispatch('any_element')(json_value, condition)) }}{% endmacro %}
{% macro duckdb__any_element(json_value, condition) -%}
    len(list_filter(cast(json_extract({{ json_value }}, '$[*]') as varchar[]), lambda item: coalesce({{ condition }}, false))) > 0
{%- endmacro %}
{% macro spark__any_element(json_value, condition) -%}
    exists({{ goalpost.spark__json_elements(json_value) }}, item -> coalesce({{ condition }}, false))
{%- endmacro %}


{#
    JSON in Spark, by get_json_object. It gives a text without its quotes, so that "5" is as 5; but not if its path begins with the
    wildcard of a list, [*]. So a document becomes a list of one. Of a key whose value is JSON null it gives null; the list of keys tells
    it from a missing one. A path cannot name a key with ' or ? in it, the key * or an empty key: these characters, which have no other
    meaning in JSON, become characters of Unicode's private use while the path is followed.
#}
{% macro spark__json_path(root, pointer, lists=false) -%}
    {%- set path = [root] -%}
    {%- for part in pointer.split('/')[1:] -%}
    {%- set name = part | replace('~1', '/') | replace('~0', '~') -%}
    {%- do path.append('[' ~ part ~ ']' if lists and part.isdigit() else "['" ~ name ~ "']") -%}
    {%- endfor -%}
    {{ goalpost.text_literal(path | join) }}
{%- endmacro %}

{% macro spark__without_odd_characters(text) -%}
    replace(replace(translate({{ text }}, '\'?', '\ue001\ue002'), '"*"', '"\ue003"'), '""', '"\ue004"')
{%- endmacro %}

{% macro spark__with_odd_characters(text) -%}
    translate({{ text }}, '\ue001\ue002\ue003\ue004', '\'?*')
{%- endmacro %}

{# The value at a pointer that is known here, as JSON text: 'null' if it is JSON null, null if it is missing. #}
{% macro spark__json_item_at(document, pointer) -%}
    {%- set places = pointer.split('/')[1:] -%}
    {%- set name = places[-1] | replace('~1', '/') | replace('~0', '~') if places else '' -%}
    {%- set parent = goalpost.json_text(document, '/' ~ places[:-1] | join('/')) if places | length > 1 else document -%}
    {%- set is_odd = "'" in pointer or '?' in pointer or '*' in places or '' in places -%}
    {%- set list = "'[' || " ~ (goalpost.spark__without_odd_characters(document) if is_odd else document) ~ " || ']'" -%}
    {%- set asked = pointer -%}
    {%- if is_odd -%}
    {%- set followed = [] -%}
    {%- for place in places -%}
    {%- do followed.append({'*': '\ue003', '': '\ue004'}.get(place, place | replace("'", '\ue001') | replace('?', '\ue002'))) -%}
    {%- endfor -%}
    {%- set asked = '/' ~ followed | join('/') -%}
    {%- endif -%}
    {%- set found = ['get_json_object(' ~ list ~ ', ' ~ goalpost.spark__json_path('$[*]', asked) ~ ')'] -%}
    {%- if places | map('int', -1) | select('ge', 0) | list -%}
    {%- do found.append('get_json_object(' ~ list ~ ', ' ~ goalpost.spark__json_path('$[*]', asked, lists=true) ~ ')') -%}
    {%- endif -%}
    coalesce(
        {%- for value in found %}
        {{ goalpost.spark__with_odd_characters(value) if is_odd else value }},
        {%- endfor %}
        case when array_contains(json_object_keys({{ parent }}), {{ goalpost.text_literal(name) }}) then 'null' end
    )
{%- endmacro %}

{# The elements of a list, each as JSON text. #}
{% macro spark__json_elements(json_value) -%}
    case
        when json_array_length({{ json_value }}) > 0 then transform(
            sequence(0, json_array_length({{ json_value }}) - 1),
            place -> get_json_object('[' || {{ json_value }} || ']', '$[*][' || place || ']')
        )
        else {{ goalpost.list_of([], 'string') }}
    end
{%- endmacro %}

{# The text in a JSON text, without its quotes and escapes. #}
{% macro spark__json_text_of(json_value) -%}
    get_json_object('[' || {{ json_value }} || ']', '$[0]')
{%- endmacro %}

{# A number with an exponent, in the shortest form (SEMANTICS, section 3): 1.0E10 is 10000000000.0, 1.0E21 is 1e21. #}
{% macro spark__number_text(json_value) -%}
    {%- set size = 'abs(cast(' ~ json_value ~ ' as double))' -%}
    case
        when {{ size }} >= 1e-6 and {{ size }} < 1e21 then regexp_replace(regexp_replace(cast(case
            when {{ size }} < 1 then cast(cast({{ json_value }} as decimal(38, 30)) as string)
            else cast(cast({{ json_value }} as decimal(38, 17)) as string)
        end as string), '0+$', ''), '[.]$', '.0')
        else lower(replace({{ json_value }}, '.0E', 'E'))
    end
{%- endmacro %}

{# A JSON text with its quotes, as a regular expression. (Without possessive loops Java's stack overflows on a long text.) #}
{% macro spark__json_string() %}"[^"\\\x00-\x1f]*+(?:\\.[^"\\\x00-\x1f]*+)*+"{% endmacro %}
