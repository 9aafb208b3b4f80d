{# The sum of integers, also where it is larger than a bigint. #}
{% macro exact_sum(number) %}{{ return(adapter.dispatch('exact_sum')(number)) }}{% endmacro %}
{% macro duckdb__exact_sum(number) -%}
    sum({{ number }})
{%- endmacro %}
{% macro spark__exact_sum(number) -%}
    sum(cast({{ number }} as decimal(38, 0)))
{%- endmacro %}

{#
    Moments of the numbers of a group, always added in the same order: floats in another order have another sum, and an increment must
    give what a full refresh gives. `where` limits the rows. Null: fewer than two rows (a mean: none).
#}
{% macro mean_of(number, where) %}{{ return(adapter.dispatch('mean_of')(number, where)) }}{% endmacro %}
{% macro duckdb__mean_of(number, where) -%}
    avg({{ number }} order by {{ number }} asc nulls last) filter (where {{ where }})
{%- endmacro %}
{% macro spark__mean_of(number, where) -%}
    {{ goalpost.spark__fold('array_sort(collect_list(' ~ number ~ ') filter (where ' ~ where ~ '))', {'total': '0D'}, {
        'total': 'state.total + each'
    }, 'case when state.n > 0 then state.total / state.n end') }}
{%- endmacro %}

{% macro variance_of(number, where) %}{{ return(adapter.dispatch('variance_of')(number, where)) }}{% endmacro %}
{% macro duckdb__variance_of(number, where) -%}
    var_samp({{ number }} order by {{ number }} asc nulls last) filter (where {{ where }})
{%- endmacro %}
{% macro spark__variance_of(number, where) -%}
    {{ goalpost.spark__fold('array_sort(collect_list(' ~ number ~ ') filter (where ' ~ where ~ '))', {'mean': '0D', 'squares': '0D'}, {
        'mean': 'state.mean + (each - state.mean) / (state.n + 1)',
        'squares': 'state.squares + (each - (state.mean + (each - state.mean) / (state.n + 1))) * (each - state.mean)',
    }, 'case when state.n > 1 then state.squares / (state.n - 1) end') }}
{%- endmacro %}

{% macro covariance_of(number, other, where) %}{{ return(adapter.dispatch('covariance_of')(number, other, where)) }}{% endmacro %}
{% macro duckdb__covariance_of(number, other, where) -%}
    covar_samp({{ number }}, {{ other }} order by {{ number }} asc nulls last, {{ other }} asc nulls last)
    filter (where {{ where }})
{%- endmacro %}
{% macro spark__covariance_of(number, other, where) -%}
    {%- set pairs = 'array_sort(collect_list(struct(' ~ number ~ ' as x, ' ~ other ~ ' as y)) filter (where '
        ~ where ~ ' and ' ~ number ~ ' is not null and ' ~ other ~ ' is not null))' -%}
    {{ goalpost.spark__fold(pairs, {'mean_x': '0D', 'mean_y': '0D', 'products': '0D'}, {
        'mean_x': 'state.mean_x + (each.x - state.mean_x) / (state.n + 1)',
        'mean_y': 'state.mean_y + (each.y - state.mean_y) / (state.n + 1)',
        'products': 'state.products + (each.x - state.mean_x) * (each.y - (state.mean_y + (each.y - state.mean_y) / (state.n + 1)))',
    }, 'case when state.n > 1 then state.products / (state.n - 1) end') }}
{%- endmacro %}

{#
    Folds a list: `state` has the fields `first` names and n, the number of items before; each step computes all fields from `state`
    and `each`; `result` reads the last state. In order, as floats need.
#}
{% macro spark__fold(list, first, step, result) -%}
    aggregate(
        {{ list }},
        struct(0L as n{% for name, value in first.items() %}, {{ value }} as {{ name }}{% endfor %}),
        (state, each) -> struct(state.n + 1 as n{% for name, value in step.items() %}, {{ value }} as {{ name }}{% endfor %}),
        state -> {{ result }}
    )
{%- endmacro %}
