with allocations as (
    {{ in_force(source('dms', 'dms_allocations')) }}
)

select
    * exclude (key),
    key as allocation_key,
from allocations
