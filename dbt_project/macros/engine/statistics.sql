{#
    Moments of the numbers of a group, always added in the same order: floats in another order have another sum, and an increment must
    give what a full refresh gives. `where` limits the rows. Null: fewer than two rows (a mean: none).
#}
{% macro mean_of(number, where) %}{{ return(adapter.dispatch('mean_of')(number, where)) }}{% endmacro %}
{% macro duckdb__mean_of(number, where) -%}
    avg({{ number }} order by {{ number }} asc nulls last) filter (where {{ where }})
{%- endmacro %}

{% macro variance_of(number, where) %}{{ return(adapter.dispatch('variance_of')(number, where)) }}{% endmacro %}
{% macro duckdb__variance_of(number, where) -%}
    var_samp({{ number }} order by {{ number }} asc nulls last) filter (where {{ where }})
{%- endmacro %}

{% macro covariance_of(number, other, where) %}{{ return(adapter.dispatch('covariance_of')(number, other, where)) }}{% endmacro %}
{% macro duckdb__covariance_of(number, other, where) -%}
    covar_samp({{ number }}, {{ other }} order by {{ number }} asc nulls last, {{ other }} asc nulls last)
    filter (where {{ where }})
{%- endmacro %}
