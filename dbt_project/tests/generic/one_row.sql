{# The model has exactly one row: others are cross joined with it. #}
{% test one_row(model) %}
select count(*) as row_count
from {{ model }}
having count(*) <> 1
{% endtest %}
