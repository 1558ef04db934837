with claims as (
    {{ in_force(source('dms', 'dms_claims')) }}
)

select
    * exclude (key, vin),
    key as claim_key,
    nullif(upper(trim(vin)), '') as vin,
from claims
