with time_clock as (
    {{ in_force(source('dms', 'dms_time_clock')) }}
)

select
    * exclude (key),
    key as technician_day_key,
from time_clock
