with vehicles as (
    {{ in_force(source('dms', 'dms_vehicles')) }}
),

cleaned as (
    select
        * exclude (key, vin),
        key as stock_unit_key,
        nullif(upper(trim(vin)), '') as vin,
        nullif(upper(replace(registration, ' ', '')), '') as plain_registration,
    from vehicles
)

select
    *,
    coalesce(
        {{ vin_key('vin') }},
        'registration|' || {{ unless_placeholder('plain_registration') }},
        'stock|' || stock_unit_key
    ) as vehicle_key,
from cleaned
