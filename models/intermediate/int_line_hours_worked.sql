-- The hours of sold labour lines on the days on which they were worked: by the punches on the line,
-- or on its order where they name no line; without punches on the day the DMS gives. Sold hours go
-- by the share of the seconds, rounded on the sum so far, so that the days add up to them.
with lines as (
    select
        *,
        case when technician != 'unknown' then technician end as own_technician,
        cast(round(sold_hours * 3600) as bigint) as line_sold_seconds,
        cast(round(worked_hours * 3600) as bigint) as line_worked_seconds,
    from {{ ref('fct_repair_order_line') }}
    where kind = 'labour'
        and is_sold
),

punches as (
    select * from {{ ref('int_labour_punches_split') }}
),

on_the_line as (
    select
        lines.repair_order_line_key,
        punches.technician,
        punches.day,
        punches.seconds,
    from lines
    inner join punches
        on lines.rooftop = punches.rooftop
        and lines.ro_number = punches.ro_number
        and lines.line = punches.line
),

-- A punch on the whole order is work on those of its lines that have no punch of their own.
on_the_order as (
    select
        lines.repair_order_line_key,
        punches.technician,
        punches.day,
        punches.seconds,
    from lines
    inner join punches
        on lines.rooftop = punches.rooftop
        and lines.ro_number = punches.ro_number
        and punches.line is null
        and coalesce(lines.own_technician, punches.technician) = punches.technician
    where lines.repair_order_line_key not in (
        select on_the_line.repair_order_line_key from on_the_line
    )
),

per_day as (
    select
        repair_order_line_key,
        technician,
        day,
        sum(seconds) as seconds,
    from (
        select * from on_the_line
        union all
        select * from on_the_order
    ) as worked
    group by repair_order_line_key, technician, day
),

running as (
    select
        *,
        sum(seconds) over (partition by repair_order_line_key) as whole,
        sum(seconds) over (
            partition by repair_order_line_key
            order by day, technician
            rows between unbounded preceding and current row
        ) as so_far,
    from per_day
),

punched as (
    select
        lines.repair_order_line_key,
        lines.rooftop,
        running.technician,
        running.day,
        lines.file_id,
        lines.row_number,
        {% for part in ['so_far', '(so_far - seconds)'] -%}
        cast(round(
            lines.line_sold_seconds * {{ part }} / cast(running.whole as decimal(18, 6))
        ) as bigint)
        {%- if loop.first %} - {% endif %}
        {%- endfor %} as sold_seconds,
        cast(0 as bigint) as worked_seconds,
        false as is_worked_by_line,
        cast(null as varchar) as excluded,
    from running
    inner join lines
        on running.repair_order_line_key = lines.repair_order_line_key
    where lines.line_sold_seconds is not null
),

not_punched as (
    select
        repair_order_line_key,
        rooftop,
        technician,
        coalesce(worked_on, closed_on, opened_on) as day,
        file_id,
        row_number,
        line_sold_seconds as sold_seconds,
        line_worked_seconds as worked_seconds,
        line_worked_seconds is not null
        and worked_on is not null
        and own_technician is not null
        and repair_order_line_key not in (select per_day.repair_order_line_key from per_day)
            as is_worked_by_line,
        case
            when worked_on is null then 'hours without the day they were worked'
            when own_technician is null then 'hours without a technician'
        end as excluded,
    from lines
    where line_sold_seconds is null
        or repair_order_line_key not in (select per_day.repair_order_line_key from per_day)
)

select
    repair_order_line_key,
    rooftop,
    technician,
    day,
    file_id,
    row_number,
    sold_seconds,
    worked_seconds,
    is_worked_by_line,
    case
        when sold_seconds is null then 'hours sold are missing'
        else excluded
    end as excluded,
from (
    select * from punched
    union all
    select * from not_punched
) as hours
where day is not null
