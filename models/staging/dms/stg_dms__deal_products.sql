with deal_products as (
    {{ in_force(source('dms', 'dms_deal_products')) }}
)

select
    * exclude (key),
    key as deal_product_key,
from deal_products
