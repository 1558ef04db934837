{{ config(severity='warn') }}
-- Says: these rates are zero or below, or another than 1 beside the rooftop's own currency. A zero
-- beside that currency is left out: many systems write it.
-- Matters: such a rate is no rate, so the amount is unknown in the rooftop's currency; its own
-- currency counts at 1, which is wrong where the document was in another that it does not name.
-- Resolve: have the source export the currency and the booked rate: rooftop currency for one unit.
{%- set feeds = [
    ('dms_vehicles', 'stock_unit_key'),
    ('dms_vehicle_costs', 'vehicle_cost_key'),
    ('dms_deals', 'deal_key'),
    ('dms_invoices', 'invoice_key'),
    ('dms_payments', 'payment_key'),
] %}

with documents as (
    {% for feed, key in feeds -%}
    select
        '{{ feed }}' as feed,
        {{ key }} as record_key,
        rooftop,
        currency,
        rate,
        file_id,
        row_number,
    from {{ ref(feed | replace('dms_', 'stg_dms__')) }}
    where rate <> 1
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    documents.feed,
    documents.record_key,
    documents.currency,
    documents.rate,
    documents.file_id,
    documents.row_number,
from documents
left join {{ ref('dim_rooftop') }} as rooftops
    on documents.rooftop = rooftops.rooftop
where case
    when coalesce(nullif(upper(trim(documents.currency)), ''), rooftops.currency)
        = rooftops.currency
        then documents.rate <> 0
    else documents.rate <= 0
end

union all

select
    'fx_rates' as feed,
    fx_rate_key as record_key,
    currency,
    rate,
    file_id,
    row_number,
from {{ ref('stg_dms__fx_rates') }}
where rate <= 0
