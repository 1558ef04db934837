-- Says: the store holds exactly what the deals moved, front and back together.
-- Matters: store gross and gross margin are two views of the same money.
-- Resolve: compare by record_key; ours to mend.

-- METRICS: 1.store-gross
with departments as (
    select record_key, sum(revenue) as revenue, sum(gross) as gross
    from {{ ref('fct_gross_movement') }}
    where department != 'rental'
    group by record_key
),

deals as (
    select deal_key, sum(revenue) as revenue, sum(total) as total
    from {{ ref('fct_deal_movement') }}
    group by deal_key
)

select deals.deal_key, deals.total, departments.gross
from deals
left join departments
    on deals.deal_key = departments.record_key
where deals.revenue is distinct from departments.revenue
    or deals.total is distinct from departments.gross
