with quotes as (
    select * from {{ ref('stg_crm__quotes') }}
),

rooftops as (
    select * from {{ ref('dim_rooftop') }}
),

leads as (
    select rooftop, lead_id, lead_key from {{ ref('int_leads_united') }}
    where is_in_crm
)

select
    quotes.rooftop,
    quotes.quote_id,
    quotes.quote_key,
    leads.lead_key,
    quotes.lead_id,
    quotes.stock_number,
    quotes.file_id,
    quotes.row_number,
    coalesce(quotes.approval_status, 'unknown') as approval_status,
    coalesce(quotes.approved_by, 'unknown') as approved_by,
    quotes.requested_at,
    {{ local_day('quotes.requested_at', 'rooftops.time_zone') }} as requested_on,
    quotes.approved_at,
    {{ local_day('quotes.approved_at', 'rooftops.time_zone') }} as approved_on,
    quotes.sent_at,
    {{ local_day('quotes.sent_at', 'rooftops.time_zone') }} as sent_on,
    quotes.valid_until,
    quotes.amount,
    coalesce(quotes.currency, rooftops.currency) as currency,
    {{ seconds_between('quotes.requested_at', 'quotes.approved_at') }} as approval_seconds,
from quotes
inner join rooftops
    on quotes.rooftop = rooftops.rooftop
left join leads
    on quotes.rooftop = leads.rooftop
    and quotes.lead_id = leads.lead_id
