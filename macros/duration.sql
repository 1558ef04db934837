{#-
    Elapsed seconds between two instants (METRICS section 0): in whole days where one of them is
    only a day. `started_on` and `stopped_on` are their local days.
-#}
{% macro elapsed_seconds(started_at, stopped_at, started_on, stopped_on, is_day_only) -%}
    case
        when {{ is_day_only }}
            then {{ days_between(started_on, stopped_on) }} * cast(86400 as bigint)
        else {{ seconds_between(started_at, stopped_at) }}
    end
{%- endmacro %}

{#-
    Why a duration of these seconds is counted as excluded (METRICS section 2), in words;
    null = it counts.
-#}
{% macro why_no_duration(seconds) -%}
    case
        when {{ seconds }} < 0 then 'stopped before it started'
        when {{ seconds }} > 365 * 86400 then 'took more than 365 days'
    end
{%- endmacro %}
