-- Repair orders with their local days.
with orders as (
    select * from {{ ref('stg_dms__repair_orders') }}
),

rooftops as (
    select * from {{ ref('dim_rooftop') }}
)

select
    orders.repair_order_key,
    orders.rooftop,
    orders.ro_number,
    orders.vin,
    orders.customer_id,
    orders.appointment_id,
    nullif(trim(orders.comeback_of), '') as comeback_of,
    orders.file_id,
    orders.row_number,
    coalesce(nullif(trim(orders.advisor), ''), 'unknown') as advisor,
    rooftops.currency,
    orders.opened_at,
    {{ local_day('orders.opened_at', 'rooftops.time_zone') }} as opened_on,
    coalesce(orders.first_promised_at, orders.promised_at) as first_promised_at,
    {{ local_day('coalesce(orders.first_promised_at, orders.promised_at)', 'rooftops.time_zone') }}
        as first_promised_on,
    orders.promised_at,
    orders.completed_at,
    orders.closed_at,
    {{ local_day('orders.closed_at', 'rooftops.time_zone') }} as closed_on,
    {{ local_day('coalesce(orders.completed_at, orders.closed_at)', 'rooftops.time_zone') }}
        as finished_on,
    {{ data_day('orders.gone_at', 'rooftops.time_zone') }} as gone_on,
    orders.parts_eta,
    orders.odometer,
    coalesce(
        {{ names_hold('orders.day_only', "'opened_at'") }}
        or {{ names_hold('orders.day_only', "'closed_at'") }},
        false
    ) as is_day_only,
    coalesce(
        {{ names_hold('orders.day_only', "case when orders.first_promised_at is null then "
            ~ "'promised_at' else 'first_promised_at' end") }}
        or {{ names_hold('orders.day_only', "case when orders.completed_at is null then "
            ~ "'closed_at' else 'completed_at' end") }},
        false
    ) as is_promise_day_only,
    coalesce(orders.voided, false) as is_voided,
    coalesce(orders.waiting_for_parts, false) as is_waiting_for_parts,
from orders
inner join rooftops
    on orders.rooftop = rooftops.rooftop
