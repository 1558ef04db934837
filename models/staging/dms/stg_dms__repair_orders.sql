with repair_orders as (
    {{ in_force(source('dms', 'dms_repair_orders')) }}
)

select
    * exclude (key, vin),
    key as repair_order_key,
    nullif(upper(trim(vin)), '') as vin,
from repair_orders
