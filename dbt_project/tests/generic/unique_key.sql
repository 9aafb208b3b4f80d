{# The columns together are a key: no two rows have the same values (nulls count as equal), and only nullable columns contain null. #}
{% test unique_key(model, columns, nullable=[]) %}
select
    {{ columns | join(', ') }},
    count(*) as rows_with_key
from {{ rows_to_check(model, key=columns) }} as checked
group by {{ columns | join(', ') }}
having
    count(*) > 1
    {%- for column in columns if column not in nullable %}
    or {{ column }} is null
    {%- endfor %}
{% endtest %}
