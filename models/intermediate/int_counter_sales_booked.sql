-- Counter lines in the rooftop's currency, with the department that earns them: accessories are
-- parts, inspections and the rest the other department.
with sales as (
    select * from {{ ref('stg_dms__counter_sales') }}
),

rooftops as (
    select * from {{ ref('dim_rooftop') }}
),

rated as (
    select
        sales.*,
        rooftops.currency as rooftop_currency,
        {{ booked_rate(
            'sales.currency',
            'cast(null as decimal(18, 6))',
            'rooftops.currency',
        ) }} as booked_rate,
    from sales
    inner join rooftops
        on sales.rooftop = rooftops.rooftop
)

select
    counter_sale_key,
    rooftop,
    ticket,
    line,
    file_id,
    row_number,
    case when department in ('parts', 'accessories') then 'parts' else 'other' end as department,
    rooftop_currency as currency,
    case
        when sale is null or cost is null then 'sale or cost missing'
        when booked_rate is null then 'exchange rate of the sale missing'
    end as excluded,
    sold_on,
    {{ money_times('sale', 'booked_rate') }} as revenue,
    {{ money_times('cost', 'booked_rate') }} as cost,
    gone_at is not null as is_vanished,
from rated
