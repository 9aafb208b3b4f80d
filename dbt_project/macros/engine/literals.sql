{# A text as an SQL literal. U+0000, which SQL text may not contain, becomes a function call. #}
{% macro text_literal(value) %}{{ return(adapter.dispatch('text_literal')(value)) }}{% endmacro %}
{% macro duckdb__text_literal(value) -%}
('{{ value | replace("'", "''") | replace("\u0000", "' || chr(0) || '") }}')
{%- endmacro %}
{# A backslash escapes what follows it, and two quotes are none. #}
{% macro spark__text_literal(value) -%}
('{{ value | replace("\\", "\\\\") | replace("'", "\\'") | replace("\u0000", "' || chr(0) || '") }}')
{%- endmacro %}

{# Does a text contain, start with or end with another (op: contains, starts_with, ends_with)? #}
{% macro compares_texts(op, text, other) %}{{ return(adapter.dispatch('compares_texts')(op, text, other)) }}{% endmacro %}
{% macro duckdb__compares_texts(op, text, other) -%}
    {{ op }}({{ text }}, {{ other }})
{%- endmacro %}
{% macro spark__compares_texts(op, text, other) -%}
    {{ op | replace('_', '') }}({{ text }}, {{ other }})
{%- endmacro %}

{# Executes a statement outside any model, and commits it. (Spark gives no rows to fetch.) #}
{% macro execute_at_once(sql) %}{{ return(adapter.dispatch('execute_at_once')(sql)) }}{% endmacro %}
{% macro duckdb__execute_at_once(sql) -%}
{%- do run_query(sql) -%}
{%- endmacro %}
{% macro spark__execute_at_once(sql) -%}
{%- call statement() -%}{{ sql }}{%- endcall -%}
{%- endmacro %}

{# Does the table exist? On DuckDB, dbt's own question would begin a transaction, in which the next statement is lost. #}
{% macro is_there(schema, table) %}{{ return(adapter.dispatch('is_there')(schema, table)) }}{% endmacro %}
{% macro duckdb__is_there(schema, table) -%}
{{ return(run_query(
    "select 1 from information_schema.tables where table_schema = '" ~ schema ~ "' and table_name = '" ~ table ~ "'"
).rows | length > 0) }}
{%- endmacro %}
{% macro spark__is_there(schema, table) -%}
{{ return(adapter.get_relation(database=none, schema=schema, identifier=table) is not none) }}
{%- endmacro %}
