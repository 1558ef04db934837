with vehicle_events as (
    {{ in_force(source('dms', 'dms_vehicle_events')) }}
)

select
    * exclude (key),
    key as event_key,
from vehicle_events
