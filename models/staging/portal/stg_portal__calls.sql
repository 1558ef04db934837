with calls as (
    {{ in_force(source('portal', 'portal_calls')) }}
)

select
    * exclude (key),
    key as call_key,
from calls
