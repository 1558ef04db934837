{{ config(severity='warn') }}
-- Says: a later full file of the source no longer has these rows of money; the newest word of them
-- still counts in every figure.
-- Matters: money ends by a payment, a credit or a reversal, not by silence; what the source deleted
-- is in our figures and no longer in its own.
-- Resolve: ask why the rows were deleted and have them reversed, or delivered again.
{%- set feeds = [
    ('dms_vehicle_costs', 'vehicle_cost_key', 'amount'),
    ('dms_deals', 'deal_key', 'sale_price'),
    ('dms_deal_products', 'deal_product_key', 'sale'),
    ('dms_rentals', 'rental_key', 'revenue'),
    ('dms_claims', 'claim_key', 'amount_paid'),
    ('dms_invoices', 'invoice_key', 'amount'),
    ('dms_instalments', 'instalment_key', 'amount'),
    ('dms_payments', 'payment_key', 'amount'),
    ('dms_allocations', 'allocation_key', 'amount'),
    ('dms_counter_sales', 'counter_sale_key', 'sale'),
] %}

with vanished as (
    {% for feed, key, amount in feeds -%}
    select
        '{{ feed }}' as feed,
        {{ key }} as record_key,
        {{ amount }} as amount,
        gone_at,
        file_id,
        row_number,
    from {{ ref(feed | replace('dms_', 'stg_dms__')) }}
    where gone_at is not null
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

-- The first rows show as many feeds as there are.
select *
from vanished
order by row_number() over (partition by feed order by gone_at desc, record_key), feed
