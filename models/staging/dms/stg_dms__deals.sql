with deals as (
    {{ in_force(source('dms', 'dms_deals')) }}
)

select
    * exclude (key),
    key as deal_key,
from deals
