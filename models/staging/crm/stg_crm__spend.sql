with spend as (
    {{ in_force(source('crm', 'crm_spend')) }}
)

select
    * exclude (key),
    key as spend_key,
from spend
