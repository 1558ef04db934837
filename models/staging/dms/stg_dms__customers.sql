with customers as (
    {{ in_force(source('dms', 'dms_customers')) }}
)

select
    * exclude (key),
    key as customer_key,
from customers
