with rentals as (
    select * from {{ ref('stg_dms__rentals') }}
),

rooftops as (
    select * from {{ ref('dim_rooftop') }}
),

final as (
    select
        rentals.rental_key,
        rentals.rooftop,
        rentals.agreement_number,
        rentals.stock_number,
        rentals.rooftop || '|' || rentals.stock_number as stock_unit_key,
        rentals.customer_id,
        rentals.file_id,
        rentals.row_number,
        coalesce(rentals.kind, 'unknown') as kind,
        rooftops.currency,
        coalesce(nullif(upper(trim(rentals.currency)), ''), rooftops.currency) as source_currency,
        rentals.out_at,
        rentals.due_back_at,
        rentals.returned_at,
        {{ local_day('rentals.out_at', 'rooftops.time_zone') }} as out_on,
        {{ local_day('rentals.due_back_at', 'rooftops.time_zone') }} as due_back_on,
        {{ local_day('rentals.returned_at', 'rooftops.time_zone') }} as returned_on,
        case
            when rentals.returned_at >= rentals.out_at
                then {{ seconds_between('rentals.out_at', 'rentals.returned_at') }}
        end as hire_seconds,
        rentals.revenue as source_revenue,
        {{ money_times(
            'rentals.revenue',
            booked_rate('rentals.currency', 'cast(null as decimal(18, 6))', 'rooftops.currency'),
        ) }} as revenue,
        coalesce(rentals.returned_at > rentals.due_back_at, false) as is_late_return,
        coalesce(rentals.returned_at < rentals.out_at, false) as is_returned_before_out,
        rentals.gone_at is not null as is_vanished,
    from rentals
    left join rooftops
        on rentals.rooftop = rooftops.rooftop
)

select * from final
