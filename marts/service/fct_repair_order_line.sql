with lines as (
    select * from {{ ref('stg_dms__ro_lines') }}
),

orders as (
    select * from {{ ref('int_repair_orders_dated') }}
),

rooftops as (
    select * from {{ ref('dim_rooftop') }}
),

routine_codes as (
    select op_code from {{ ref('routine_op_codes') }}
),

joined as (
    select
        lines.*,
        orders.repair_order_key,
        orders.vin,
        {{ vin_key('orders.vin') }} as vin_key,
        orders.customer_id,
        coalesce(orders.advisor, 'unknown') as advisor,
        rooftops.currency,
        orders.opened_at,
        orders.opened_on,
        orders.closed_on,
        coalesce(lines.outcome = 'sold' and not orders.is_voided, false) as is_sold,
        coalesce(lines.outcome = 'declined' and not orders.is_voided, false) as is_declined,
        coalesce(orders.is_voided, false) as is_voided,
    from lines
    left join orders
        on lines.rooftop = orders.rooftop
        and lines.ro_number = orders.ro_number
    left join rooftops
        on lines.rooftop = rooftops.rooftop
),

-- Declined work that is sold after all: on a later order of the same car with the same operation. A
-- car is the same car at every rooftop of the company.
sold_later as (
    select
        declined.repair_order_line_key,
        min(sold.closed_on) as sold_later_on,
    from joined as declined
    inner join joined as sold
        on declined.vin_key = sold.vin_key
        and declined.op_code = sold.op_code
        and declined.repair_order_key != sold.repair_order_key
        and sold.opened_at >= declined.opened_at
        and sold.closed_on >= declined.closed_on
    where declined.is_declined
        and sold.is_sold
    group by declined.repair_order_line_key
),

final as (
    select
        joined.repair_order_line_key,
        joined.repair_order_key,
        joined.rooftop,
        joined.ro_number,
        joined.line,
        joined.vin,
        joined.customer_id,
        joined.file_id,
        joined.row_number,
        joined.kind,
        case when joined.kind = 'part' then 'parts' else 'service' end as department,
        coalesce(joined.op_code, 'unknown') as op_code,
        joined.pay_type,
        joined.outcome,
        joined.advisor,
        coalesce(nullif(trim(joined.technician), ''), 'unknown') as technician,
        joined.part_number,
        joined.supplier,
        joined.currency,
        case
            when joined.sale is null or joined.cost is null then 'sale or cost missing'
        end as excluded,
        case
            when joined.vin_key is null then 'no VIN'
            when joined.op_code is null then 'no operation code'
        end as excluded_recovery,
        joined.opened_on,
        joined.closed_on,
        joined.worked_on,
        joined.ordered_on,
        joined.eta as eta_on,
        joined.received_on,
        sold_later.sold_later_on,
        joined.sold_hours,
        joined.worked_hours,
        joined.quantity,
        joined.quantity_filled,
        case when joined.cost is not null then joined.sale end as revenue,
        case when joined.sale is not null then joined.cost end as cost,
        cast(joined.sale - joined.cost as decimal(18, 2)) as gross,
        joined.is_sold,
        joined.is_declined,
        joined.is_voided,
        joined.op_code in (select routine_codes.op_code from routine_codes) as is_routine,
    from joined
    left join sold_later
        on joined.repair_order_line_key = sold_later.repair_order_line_key
)

select * from final
