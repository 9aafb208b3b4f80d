{# Every row names one of another model by the columns, which are called the same in both; a row with a null in one names none. #}
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
