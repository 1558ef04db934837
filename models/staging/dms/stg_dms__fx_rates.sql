with fx_rates as (
    {{ in_force(source('dms', 'fx_rates')) }}
)

select
    * exclude (key, "on"),
    key as fx_rate_key,
    "on" as quoted_on,
from fx_rates
