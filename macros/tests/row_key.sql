{#- The keys of a model that are missing or stand more than once, with how often each stands. -#}
{% test row_key(model, column_name) %}
select
    {{ column_name }} as row_key,
    count(*) as rows_with_this_key,
from {{ model }}
group by {{ column_name }}
having count(*) > 1 or {{ column_name }} is null
{% endtest %}
