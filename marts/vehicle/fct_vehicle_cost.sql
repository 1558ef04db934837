with vehicle_costs as (
    select * from {{ ref('int_vehicle_costs_booked') }}
)

select
    vehicle_cost_key,
    rooftop,
    cost_id,
    stock_number,
    stock_unit_key,
    file_id,
    row_number,
    category,
    source_currency,
    currency,
    posted_on,
    source_amount,
    cast(booked_rate as decimal(18, 6)) as booked_rate,
    amount,
    internal_profit,
    is_pack,
    is_vanished,
from vehicle_costs
