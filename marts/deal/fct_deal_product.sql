with products as (
    select * from {{ ref('int_deal_products_booked') }}
)

select
    deal_product_key,
    deal_key,
    rooftop,
    deal_number,
    line,
    file_id,
    row_number,
    product,
    gross_side,
    currency,
    booked_on,
    cancelled_on,
    charged_back_on,
    sale,
    cost,
    cast(sale - cost as decimal(18, 2)) as gross,
    chargeback,
    is_late,
    is_vanished,
from products
