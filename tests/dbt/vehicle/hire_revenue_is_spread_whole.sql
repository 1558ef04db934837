-- Says: the days of a hire hold its whole revenue, to the cent.
-- Matters: a cent a hire would make the rental department drift from its agreements.
-- Resolve: compare the hire's rows in fct_gross_movement; hires outside the calendar of the data
-- (typing errors in their days) are left out.

-- METRICS: 1.rental
with spread as (
    select record_key, sum(revenue) as revenue
    from {{ ref('fct_gross_movement') }}
    where department = 'rental'
    group by record_key
)

select rentals.rental_key, rentals.revenue, spread.revenue as spread_revenue
from {{ ref('fct_rental') }} as rentals
left join spread
    on rentals.rental_key = spread.record_key
where rentals.revenue is not null
    and rentals.revenue is distinct from spread.revenue
    and coalesce(rentals.returned_on, rentals.due_back_on, rentals.out_on) <= (
        select max(day) from {{ ref('dim_business_day') }}
    )
    and rentals.out_on >= (select min(day) from {{ ref('dim_business_day') }})
