{#-
    The opening time that has passed at given instants: one row per rooftop and instant of `moments` (columns
    rooftop, moment; both distinct together) with the local `day`, `open_seconds` since the calendar began and
    `is_open`. Business seconds between two instants of a rooftop are the difference of their open_seconds.
    An instant outside the calendar has no row: its business time is unknown.
-#}
{% macro open_seconds_at(moments) -%}
    select
        moments.rooftop,
        moments.moment,
        days.day,
        cast(days.open_seconds_before + coalesce(sum(
            {{ seconds_between(
                'intervals.opens_at', 'least(intervals.closes_at, moments.moment)'
            ) }}
        ), 0) as bigint) as open_seconds,
        coalesce(bool_or(moments.moment < intervals.closes_at), false) as is_open,
    from {{ moments }} as moments
    inner join {{ source('settings', 'rooftops') }} as rooftops
        on moments.rooftop = rooftops.rooftop
    inner join {{ source('settings', 'business_days') }} as days
        on moments.rooftop = days.rooftop
        and {{ local_day('moments.moment', 'rooftops.time_zone') }} = days.day
    left join {{ source('settings', 'business_intervals') }} as intervals
        on days.rooftop = intervals.rooftop
        and days.day = intervals.day
        and moments.moment >= intervals.opens_at
    group by moments.rooftop, moments.moment, days.day, days.open_seconds_before
{%- endmacro %}
