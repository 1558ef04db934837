{#-
    The rows of a model whose key stands more than once; fails with the keys and how often each
    stands.
-#}
{% test unique_together(model, columns) %}
select
    {{ columns | join(', ') }},
    count(*) as rows_with_this_key,
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1
{% endtest %}
