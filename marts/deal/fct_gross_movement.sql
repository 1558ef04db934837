with deal_movements as (
    select * from {{ ref('fct_deal_movement') }}
),

rentals as (
    select * from {{ ref('fct_rental') }}
),

business_days as (
    select * from {{ ref('dim_business_day') }}
),

order_lines as (
    select * from {{ ref('fct_repair_order_line') }}
),

counter_sales as (
    select * from {{ ref('int_counter_sales_booked') }}
),

vehicle_rows as (
    select
        movement_key || '|vehicle' as gross_movement_key,
        deal_key as record_key,
        rooftop,
        file_id,
        row_number,
        -- A car that nobody called new or used is neither.
        case when condition in ('new', 'used') then condition else 'other' end as department,
        currency,
        excluded,
        moved_on,
        dated_on,
        gross_moved_on,
        gross_dated_on,
        front_revenue as revenue,
        front as gross,
    from deal_movements
),

finance_rows as (
    select
        movement_key || '|finance and insurance' as gross_movement_key,
        deal_key as record_key,
        rooftop,
        file_id,
        row_number,
        'F&I' as department,
        currency,
        excluded,
        moved_on,
        dated_on,
        gross_moved_on,
        gross_dated_on,
        back_revenue as revenue,
        back as gross,
    from deal_movements
    where back_revenue != 0
        or back != 0
),

-- A hire earns its revenue second by second; an open one over the time agreed. Rounded on the sum
-- so far, so that the days add up to the revenue.
hires as (
    select
        rental_key,
        rooftop,
        file_id,
        row_number,
        currency,
        out_at,
        out_on,
        coalesce(returned_at, due_back_at) as ends_at,
        coalesce(returned_on, due_back_on) as ends_on,
        {{ seconds_between('out_at', 'coalesce(returned_at, due_back_at)') }} as seconds,
        revenue,
        source_revenue,
    from rentals
    where source_revenue is not null
),

hire_days as (
    select
        *,
        {{ each_day('out_on', 'least(ends_on, (select max(day) from business_days))') }} as day,
    from hires
    where seconds > 0
        and revenue is not null
),

earning as (
    select
        hire_days.*,
        {{ seconds_between(
            'hire_days.out_at',
            'greatest(business_days.start_utc, hire_days.out_at)',
        ) }} as seconds_before,
        {{ seconds_between(
            'hire_days.out_at',
            'least(business_days.end_utc, hire_days.ends_at)',
        ) }} as seconds_after,
    from hire_days
    inner join business_days
        on hire_days.rooftop = business_days.rooftop
        and hire_days.day = business_days.day
        and business_days.start_utc < hire_days.ends_at
),

rental_rows as (
    select
        rental_key || '|' || cast(day as varchar) as gross_movement_key,
        rental_key as record_key,
        rooftop,
        file_id,
        row_number,
        'rental' as department,
        currency,
        cast(null as varchar) as excluded,
        day as moved_on,
        day as dated_on,
        day as gross_moved_on,
        day as gross_dated_on,
        {{ money_share('revenue', 'seconds_after', 'seconds') }}
            - {{ money_share('revenue', 'seconds_before', 'seconds') }} as revenue,
        {{ money_share('revenue', 'seconds_after', 'seconds') }}
            - {{ money_share('revenue', 'seconds_before', 'seconds') }} as gross,
    from earning
),

-- Revenue without a time or a rate to count it by is counted, never guessed; a hire of no length
-- earns on its day.
other_rental_rows as (
    select
        rental_key || '|' || cast(out_on as varchar) as gross_movement_key,
        rental_key as record_key,
        rooftop,
        file_id,
        row_number,
        'rental' as department,
        currency,
        case
            when revenue is null then 'exchange rate of the hire missing'
            when seconds is null then 'hire still open without a day it is due back'
            when seconds < 0 then 'hire ends before it starts'
        end as excluded,
        out_on as moved_on,
        out_on as dated_on,
        out_on as gross_moved_on,
        out_on as gross_dated_on,
        revenue,
        revenue as gross,
    from hires
    where revenue is null
        or seconds is null
        or seconds <= 0
),

-- A sold line of the workshop earns on the day its order is closed.
order_rows as (
    select
        repair_order_line_key || '|repair order' as gross_movement_key,
        repair_order_line_key || '|repair order' as record_key,
        rooftop,
        file_id,
        row_number,
        department,
        currency,
        excluded,
        closed_on as moved_on,
        closed_on as dated_on,
        closed_on as gross_moved_on,
        closed_on as gross_dated_on,
        revenue,
        gross,
    from order_lines
    where is_sold
        and closed_on is not null
),

counter_rows as (
    select
        counter_sale_key || '|counter' as gross_movement_key,
        counter_sale_key || '|counter' as record_key,
        rooftop,
        file_id,
        row_number,
        department,
        currency,
        excluded,
        sold_on as moved_on,
        sold_on as dated_on,
        sold_on as gross_moved_on,
        sold_on as gross_dated_on,
        case when excluded is null then revenue end as revenue,
        case when excluded is null then revenue - cost end as gross,
    from counter_sales
),

united as (
    select * from vehicle_rows
    union all
    select * from finance_rows
    union all
    select * from rental_rows
    union all
    select * from other_rental_rows
    union all
    select * from order_rows
    union all
    select * from counter_rows
),

final as (
    select
        gross_movement_key,
        record_key,
        rooftop,
        file_id,
        row_number,
        department,
        currency,
        excluded,
        moved_on,
        dated_on,
        gross_moved_on,
        gross_dated_on,
        cast(revenue as decimal(18, 2)) as revenue,
        cast(revenue - gross as decimal(18, 2)) as cost,
        cast(gross as decimal(18, 2)) as gross,
    from united
)

select * from final
