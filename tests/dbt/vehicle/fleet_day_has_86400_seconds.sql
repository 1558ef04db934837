-- Says: on hire and out of service of a fleet day lie between 0 and 86,400 seconds and do not
-- overlap.
-- Matters: utilisation above one, or days counted as both, would be a fault of ours, whatever the
-- source says.
-- Resolve: look at the car's hires and steps of that day; ours to mend.

-- METRICS: 3.vehicle-day
select
    vehicle_day_key,
    on_hire_seconds,
    out_of_service_seconds,
    available_seconds,
from {{ ref('fct_vehicle_day') }}
where on_hire_seconds < 0
    or out_of_service_seconds < 0
    or on_hire_seconds + out_of_service_seconds > in_fleet_seconds
    or available_seconds != in_fleet_seconds - out_of_service_seconds
