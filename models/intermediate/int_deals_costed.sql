-- What each deal's car had cost when the deal was recognised, and what it has cost since. Where no
-- cost was known on the recognition day and one became known later, the sale takes the first known
-- cost and cost_known_on says from which day it may be shown.
with deals as (
    select * from {{ ref('int_deals_recognised') }}
),

lines as (
    select * from {{ ref('int_deal_cost_lines_summed') }}
),

vehicle_costs as (
    select * from {{ ref('int_vehicle_costs_booked') }}
),

at_sale as (
    select deal_key, cost_so_far
    from lines
    where not is_late
    qualify row_number() over (partition by deal_key order by line_number desc) = 1
),

first_known as (
    select deal_key, posted_on, cost_so_far
    from lines
    where is_late and cost_so_far is not null
    qualify row_number() over (partition by deal_key order by line_number) = 1
),

newest as (
    select deal_key, cost_source, cost_so_far, has_unknown_amount
    from lines
    qualify row_number() over (partition by deal_key order by line_number desc) = 1
),

beside as (
    select
        deals.deal_key,
        sum(vehicle_costs.amount) filter (where vehicle_costs.is_pack) as pack,
        sum(vehicle_costs.internal_profit) as internal_profit,
    from deals
    inner join vehicle_costs
        on deals.rooftop = vehicle_costs.rooftop
        and deals.stock_number = vehicle_costs.stock_number
        and (deals.reversed_on is null or vehicle_costs.posted_on <= deals.reversed_on)
    group by deals.deal_key
),

opened as (
    select
        deals.deal_key,
        case
            when at_sale.deal_key is not null then at_sale.cost_so_far
            else coalesce(deals.stated_vehicle_cost, deals.purchase_price)
        end as cost_on_the_day,
        case
            when deals.stated_vehicle_cost is not null then 'deal'
            when deals.purchase_price is not null then 'purchase_price'
            else 'unknown'
        end as source_without_lines,
        deals.stated_vehicle_cost,
        deals.purchase_price,
    from deals
    left join at_sale
        on deals.deal_key = at_sale.deal_key
)

select
    opened.deal_key,
    coalesce(newest.cost_source, opened.source_without_lines) as cost_source,
    coalesce(opened.cost_on_the_day, first_known.cost_so_far) as cost_at_sale,
    case
        when newest.deal_key is not null then newest.cost_so_far
        else opened.cost_on_the_day
    end as vehicle_cost,
    case when opened.cost_on_the_day is null then first_known.posted_on end as cost_known_on,
    coalesce(newest.has_unknown_amount, false) as has_unknown_amount,
    cast(coalesce(beside.pack, 0) as decimal(18, 2)) as pack,
    cast(coalesce(beside.internal_profit, 0) as decimal(18, 2)) as internal_profit,
from opened
left join first_known
    on opened.deal_key = first_known.deal_key
left join newest
    on opened.deal_key = newest.deal_key
left join beside
    on opened.deal_key = beside.deal_key
