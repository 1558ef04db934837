{{ config(severity = 'warn') }}
-- Says: two deals that both stand name the same stock unit.
-- Matters: each takes the car's whole cost, so the cost is counted twice.
-- Resolve: in the DMS reverse the deal that does not stand, or give the second one its own stock
-- number.
select
    rooftop,
    stock_number,
    count(*) as standing_deals,
    min(deal_key) as first_deal_key,
    max(deal_key) as last_deal_key,
from {{ ref('fct_deal') }}
where is_recognised
    and reversed_on is null
    and stock_number is not null
group by rooftop, stock_number
having count(*) > 1
