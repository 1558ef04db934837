select
    rooftop,
    day,
    start_utc,
    end_utc,
    is_holiday,
    open_seconds,
    open_seconds_before,
    intervals,
from {{ source('settings', 'business_days') }}
