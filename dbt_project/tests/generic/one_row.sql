{# The model has exactly one row: other models cross join with it. #}
{% test one_row(model) %}
select count(*) as row_count
from {{ model }}
having count(*) <> 1
{% endtest %}
