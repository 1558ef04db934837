with counter_sales as (
    {{ in_force(source('dms', 'dms_counter_sales')) }}
)

select
    * exclude (key),
    key as counter_sale_key,
from counter_sales
