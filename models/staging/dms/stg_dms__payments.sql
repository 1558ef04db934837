with payments as (
    {{ in_force(source('dms', 'dms_payments')) }}
)

select
    * exclude (key),
    key as payment_key,
from payments
