with exceptions as (
    {{ in_force(source('dms', 'dms_exceptions')) }}
)

select
    * exclude (key),
    key as exception_event_key,
from exceptions
