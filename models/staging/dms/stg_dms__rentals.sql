with rentals as (
    {{ in_force(source('dms', 'dms_rentals')) }}
)

select
    * exclude (key),
    key as rental_key,
from rentals
