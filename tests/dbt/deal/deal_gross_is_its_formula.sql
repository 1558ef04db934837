-- Says: what the movements of a deal add up to, its reversal aside, is the formula over its parts
-- of today.
-- Matters: every figure of gross is a sum of movements; a cost or product counted twice or not at
-- all shows here.
-- Resolve: compare the deal's rows in fct_deal_movement with its cost lines and products; ours to
-- mend.

-- METRICS: 1.front-gross, 1.back-gross, 1.total-gross, 1.revenue
with moved as (
    select
        deal_key,
        sum(revenue) as revenue,
        sum(front) as front,
        sum(back) as back,
    from {{ ref('fct_deal_movement') }}
    where kind != 'reversal'
    group by deal_key
)

select
    deals.deal_key,
    deals.front_gross,
    moved.front,
    deals.back_gross,
    moved.back,
    deals.revenue,
    moved.revenue as moved_revenue,
from {{ ref('fct_deal') }} as deals
inner join moved
    on deals.deal_key = moved.deal_key
where deals.excluded is null
    and (
        moved.revenue is distinct from deals.revenue
        or moved.front is distinct from deals.front_gross
        or moved.back is distinct from deals.back_gross
    )
