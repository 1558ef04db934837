-- Says: what a deal has moved is one unit and its total gross, or nothing at all when it was taken
-- back.
-- Matters: a reversal that leaves something behind, or a deal counted twice, would stay in every
-- later period.
-- Resolve: look at the deal's rows in fct_deal_movement; ours to mend.

-- METRICS: 1.fct-deal-movement
with moved as (
    select
        deal_key,
        sum(unit) as units,
        sum(revenue) as revenue,
        sum(total) as total,
    from {{ ref('fct_deal_movement') }}
    group by deal_key
)

select
    deals.deal_key,
    moved.units,
    moved.total,
    deals.total_gross,
from {{ ref('fct_deal') }} as deals
left join moved
    on deals.deal_key = moved.deal_key
where coalesce(moved.units, 0)
        != case when deals.is_recognised and not deals.is_reversed then 1 else 0 end
    or (deals.is_reversed and (moved.revenue != 0 or moved.total != 0))
    or (deals.is_recognised and not deals.is_reversed and moved.total != deals.total_gross)
