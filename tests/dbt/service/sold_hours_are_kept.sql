-- Says: the days of technicians and the lines left out hold all hours sold, to the second.
-- Matters: hours lost between days would lower every ratio of the workshop.
-- Resolve: compare the lines of the rooftop in int_line_hours_worked with fct_technician_day.
with sold as (
    select
        rooftop,
        sum(cast(round(sold_hours * 3600) as bigint)) as seconds,
    from {{ ref('fct_repair_order_line') }}
    where kind = 'labour'
        and is_sold
        and coalesce(worked_on, closed_on, opened_on) is not null
    group by rooftop
),

kept as (
    select
        rooftop,
        sum(sold_seconds) as seconds,
    from {{ ref('fct_technician_day') }}
    group by rooftop
)

select
    sold.rooftop,
    sold.seconds,
    kept.seconds as kept_seconds,
from sold
left join kept
    on sold.rooftop = kept.rooftop
where coalesce(sold.seconds, 0) != coalesce(kept.seconds, 0)
