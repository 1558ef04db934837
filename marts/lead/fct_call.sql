with calls as (
    select * from {{ ref('stg_portal__calls') }}
),

messages as (
    select * from {{ ref('int_portal_messages_matched') }}
    where origin = 'portal_call'
),

rooftops as (
    select * from {{ ref('dim_rooftop') }}
)

select
    calls.rooftop,
    calls.call_id,
    calls.call_key,
    coalesce(messages.lead_key, messages.message_key) as lead_key,
    calls.vin,
    calls.stock_number,
    calls.file_id,
    calls.row_number,
    coalesce(calls.portal, 'unknown') as portal,
    coalesce(calls.source, 'unknown') as source_raw,
    calls.started_at,
    {{ local_day('calls.started_at', 'rooftops.time_zone') }} as started_on,
    calls.duration_seconds,
    messages.is_answered,
    messages.lead_key is not null as is_in_crm,
from calls
inner join messages
    on calls.rooftop || '|call|' || calls.call_id = messages.message_key
inner join rooftops
    on calls.rooftop = rooftops.rooftop
