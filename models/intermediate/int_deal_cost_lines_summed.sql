-- What a deal's car had cost after each cost line of its stock unit, by the cost ladder of METRICS
-- section 1. Each deal of a stock unit takes all lines posted up to its own reversal: a car that is
-- sold again after it was taken back carries its whole cost into the new deal, and the old deal is
-- zero by its reversal.
with deals as (
    select * from {{ ref('int_deals_recognised') }}
),

vehicle_costs as (
    select * from {{ ref('int_vehicle_costs_booked') }}
),

matched as (
    select
        deals.deal_key,
        deals.stated_vehicle_cost,
        deals.purchase_price,
        deals.recognised_on,
        vehicle_costs.vehicle_cost_key,
        vehicle_costs.cost_id,
        vehicle_costs.file_id,
        vehicle_costs.row_number,
        vehicle_costs.category,
        vehicle_costs.posted_on,
        vehicle_costs.amount,
        coalesce(vehicle_costs.posted_on > deals.recognised_on, false) as is_late,
    from deals
    inner join vehicle_costs
        on deals.rooftop = vehicle_costs.rooftop
        and deals.stock_number = vehicle_costs.stock_number
        and (deals.reversed_on is null or vehicle_costs.posted_on <= deals.reversed_on)
    where not vehicle_costs.is_pack
        or {{ policy(
            'deal.pack',
            'coalesce(deals.recognised_on, vehicle_costs.posted_on)',
        ) }} = 'in_cost'
),

summed as (
    select
        *,
        row_number() over lines_so_far as line_number,
        sum(amount) over lines_so_far as sum_so_far,
        sum(case when is_late then amount else 0 end) over lines_so_far as late_so_far,
        bool_or(category = 'purchase') over lines_so_far as has_purchase_line,
        -- One amount whose rate is missing leaves the sum unknown from its line on.
        bool_or(amount is null) over lines_so_far as has_unknown_amount,
        bool_or(is_late and amount is null) over lines_so_far as has_unknown_late_amount,
    from matched
    window lines_so_far as (
        partition by deal_key
        order by posted_on, cost_id
        rows between unbounded preceding and current row
    )
),

laddered as (
    select
        *,
        case
            when has_purchase_line then 'lines'
            when stated_vehicle_cost is not null then 'deal'
            when purchase_price is not null then 'purchase_price'
        end as cost_source,
        case
            when has_purchase_line
                then case when not has_unknown_amount then sum_so_far end
            when stated_vehicle_cost is not null
                then case
                    when not has_unknown_late_amount then stated_vehicle_cost + late_so_far
                end
            when purchase_price is not null
                then case when not has_unknown_amount then purchase_price + sum_so_far end
        end as cost_so_far,
    from summed
)

select
    deal_key,
    vehicle_cost_key,
    cost_id,
    file_id,
    row_number,
    recognised_on,
    posted_on,
    line_number,
    is_late,
    cost_source,
    -- What was posted before the sale is in the deal's own cost already, known or not.
    case
        when cost_source = 'deal' then has_unknown_late_amount
        else cost_source is not null and has_unknown_amount
    end as has_unknown_amount,
    cast(cost_so_far as decimal(18, 2)) as cost_so_far,
    cast(
        coalesce(
            lag(cost_so_far) over (partition by deal_key order by line_number),
            case when line_number = 1 then coalesce(stated_vehicle_cost, purchase_price) end
        ) as decimal(18, 2)
    ) as cost_before,
from laddered
