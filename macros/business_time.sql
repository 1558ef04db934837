{#-
    The opening time that has passed at given instants: one row per rooftop and instant of `moments`
    (columns rooftop, moment; both distinct together) with the local `day`, `open_seconds` since the
    calendar began and `is_open`. Business seconds between two instants of a rooftop are the
    difference of their open_seconds. An instant outside the calendar has no row: its business time
    is unknown.
-#}
{% macro open_seconds_at(moments) -%}
    select
        dated.rooftop,
        dated.moment,
        dated.day,
        cast(days.open_seconds_before + coalesce(sum(
            {{ seconds_between('intervals.opens_at', 'least(intervals.closes_at, dated.moment)') }}
        ), 0) as bigint) as open_seconds,
        coalesce(bool_or(dated.moment < intervals.closes_at), false) as is_open,
    from (
        -- The day is a column of its own first: a join on the expression would compare every day of
        -- the calendar.
        select
            moments.rooftop,
            moments.moment,
            {{ local_day('moments.moment', 'rooftops.time_zone') }} as day,
        from {{ moments }} as moments
        inner join {{ source('settings', 'rooftops') }} as rooftops
            on moments.rooftop = rooftops.rooftop
    ) as dated
    inner join {{ source('settings', 'business_days') }} as days
        on dated.rooftop = days.rooftop
        and dated.day = days.day
    left join {{ source('settings', 'business_intervals') }} as intervals
        on dated.rooftop = intervals.rooftop
        and dated.day = intervals.day
        and dated.moment >= intervals.opens_at
    group by dated.rooftop, dated.moment, dated.day, days.open_seconds_before
{%- endmacro %}
