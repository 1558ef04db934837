with inspections as (
    {{ in_force(source('dms', 'dms_inspections')) }}
)

select
    * exclude (key, vin),
    key as inspection_key,
    nullif(upper(trim(vin)), '') as vin,
from inspections
