-- Says: what a movement credits to people is the movement, to the cent and the unit.
-- Matters: the KPIs are read from the credits; a lost half would make the sales floor and the store
-- disagree.
-- Resolve: compare the rows of the movement in fct_deal_credit; ours to mend.

-- METRICS: 1.split-deal
with credited as (
    select
        movement_key,
        sum(unit) as unit,
        sum(revenue) as revenue,
        sum(front) as front,
        sum(back) as back,
        sum(total) as total,
    from {{ ref('fct_deal_credit') }}
    group by movement_key
)

select
    movements.movement_key,
    movements.total,
    credited.total as credited_total,
from {{ ref('fct_deal_movement') }} as movements
left join credited
    on movements.movement_key = credited.movement_key
where movements.unit is distinct from credited.unit
    or movements.revenue is distinct from credited.revenue
    or movements.front is distinct from credited.front
    or movements.back is distinct from credited.back
    or movements.total is distinct from credited.total
