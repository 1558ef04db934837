with customers as (
    {{ in_force(source('crm', 'crm_customers')) }}
)

select
    * exclude (key),
    key as customer_key,
from customers
