{# The columns of every row refer to a row of another model, which has columns of the same names; a row with a null refers to none. #}
{% test refers_to(model, to, columns) %}
select distinct
    {% for column in columns %}
    referring.{{ column }}{{ ',' if not loop.last }}
    {%- endfor %}
from {{ rows_to_check(model) }} as referring
left join {{ to }} as named
    on
        {%- for column in columns %}
        {{ 'and ' if not loop.first }}referring.{{ column }} = named.{{ column }}
        {%- endfor %}
where
    named.{{ columns[0] }} is null
    {%- for column in columns %}
    and referring.{{ column }} is not null
    {%- endfor %}
{% endtest %}
