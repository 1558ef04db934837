with deals as (
    {{ in_force(source('dms', 'dms_deals')) }}
)

select
    * exclude (key, vin),
    key as deal_key,
    nullif(upper(trim(vin)), '') as vin,
from deals
