-- The ageing at the newest day of the data by both bases: the body of receivable_ageing as a model,
-- for its tests.
{% for basis in ["'due'", "'invoice'"] -%}
select
    {{ basis }} as aged_by,
    *,
from (
    {{ receivable_ageing_at(
        ref('fct_receivable'),
        ref('fct_receivable_movement'),
        ref('dim_ageing_bucket'),
        ref('dim_fx_rate'),
        ref('fct_document'),
        '(select newest_on from ' ~ ref('int_data_days_reached') ~ ')',
        basis,
    ) | indent(4) }}
)
{{ 'union all' if not loop.last }}
{% endfor %}
