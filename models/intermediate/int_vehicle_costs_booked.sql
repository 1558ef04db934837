-- Cost lines in the currency of their rooftop; an amount whose rate is missing is unknown.
with vehicle_costs as (
    select * from {{ ref('stg_dms__vehicle_costs') }}
),

rooftops as (
    select * from {{ ref('dim_rooftop') }}
),

rated as (
    select
        vehicle_costs.*,
        vehicle_costs.rooftop || '|' || vehicle_costs.stock_number as stock_unit_key,
        rooftops.currency as rooftop_currency,
        {{ booked_rate(
            'vehicle_costs.currency',
            'vehicle_costs.rate',
            'rooftops.currency',
        ) }} as booked_rate,
    from vehicle_costs
    left join rooftops
        on vehicle_costs.rooftop = rooftops.rooftop
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
    coalesce(nullif(upper(trim(currency)), ''), rooftop_currency) as source_currency,
    rooftop_currency as currency,
    posted_on,
    amount as source_amount,
    booked_rate,
    {{ money_times('amount', 'booked_rate') }} as amount,
    {{ money_times('internal_profit', 'booked_rate') }} as internal_profit,
    category = 'pack' as is_pack,
    gone_at is not null as is_vanished,
from rated
