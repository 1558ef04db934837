-- Every message of a portal, a lead or a call, with the lead of the CRM that it became. A portal
-- lead matches by its id; else, as calls do, by telephone or e-mail within 24 hours where the
-- vehicles do not differ (a side that names none does not differ). The nearest lead in time is
-- taken. A forwarding address or a placeholder matches nothing.
with phones as (
    select rooftop, raw, contact from {{ source('settings', 'contacts') }}
    where kind = 'phone'
),

emails as (
    select rooftop, raw, contact from {{ source('settings', 'contacts') }}
    where kind = 'email'
),

received as (
    select
        'portal_lead' as origin,
        rooftop,
        lead_id as message_id,
        lead_key as message_key,
        received_at,
        email,
        phone,
        {{ vin_key('vin') }} as vin,
        stock_number,
        lower(trim(vehicle_text)) as vehicle_text,
        cast(null as boolean) as is_answered,
    from {{ ref('stg_portal__leads') }}

    union all

    select
        'portal_call' as origin,
        rooftop,
        call_id as message_id,
        rooftop || '|call|' || call_id as message_key,
        started_at as received_at,
        cast(null as varchar) as email,
        caller_phone as phone,
        {{ vin_key('vin') }} as vin,
        stock_number,
        cast(null as varchar) as vehicle_text,
        coalesce(answered, false) as is_answered,
    from {{ ref('stg_portal__calls') }}
),

messages as (
    select
        received.* replace (emails.contact as email, phones.contact as phone),
    from received
    left join emails
        on received.rooftop = emails.rooftop
        and received.email = emails.raw
    left join phones
        on received.rooftop = phones.rooftop
        and received.phone = phones.raw
),

leads as (
    select
        leads.rooftop,
        leads.lead_id,
        leads.lead_key,
        leads.received_at,
        emails.contact as email,
        phones.contact as phone,
        {{ vin_key('leads.vin') }} as vin,
        leads.stock_number,
        lower(trim(leads.vehicle_text)) as vehicle_text,
    from {{ ref('stg_crm__leads') }} as leads
    left join emails
        on leads.rooftop = emails.rooftop
        and leads.email = emails.raw
    left join phones
        on leads.rooftop = phones.rooftop
        and leads.phone = phones.raw
),

by_id as (
    select
        messages.message_key,
        leads.lead_key,
        'id' as matched_by,
        0 as seconds_apart,
    from messages
    inner join leads
        on messages.rooftop = leads.rooftop
        -- A message's id is written source:id; the CRM keeps the id alone.
        and leads.lead_id in (
            messages.message_id,
            substr(messages.message_id, instr(messages.message_id, ':') + 1)
        )
    where messages.origin = 'portal_lead'
),

contacts as (
    select
        messages.message_key,
        leads.lead_key,
        'phone' as matched_by,
    from messages
    inner join leads
        on messages.rooftop = leads.rooftop
        and messages.phone = leads.phone
        and abs({{ seconds_between('messages.received_at', 'leads.received_at') }}) <= 86400

    union

    select
        messages.message_key,
        leads.lead_key,
        'e-mail' as matched_by,
    from messages
    inner join leads
        on messages.rooftop = leads.rooftop
        and messages.email = leads.email
        and abs({{ seconds_between('messages.received_at', 'leads.received_at') }}) <= 86400
),

by_contact as (
    select
        contacts.message_key,
        contacts.lead_key,
        contacts.matched_by,
        abs({{ seconds_between('messages.received_at', 'leads.received_at') }}) as seconds_apart,
    from contacts
    inner join messages on contacts.message_key = messages.message_key
    inner join leads on contacts.lead_key = leads.lead_key
    where coalesce(messages.vin, messages.stock_number, messages.vehicle_text) is null
        or coalesce(leads.vin, leads.stock_number, leads.vehicle_text) is null
        or messages.vin = leads.vin
        or messages.stock_number = leads.stock_number
        or messages.vehicle_text = leads.vehicle_text
),

matches as (
    select * from by_id
    union all
    select * from by_contact
)

select
    messages.origin,
    messages.rooftop,
    messages.message_id,
    messages.message_key,
    messages.received_at,
    messages.is_answered,
    matches.lead_key,
    matches.matched_by,
from messages
left join matches
    on messages.message_key = matches.message_key
qualify row_number() over (
    partition by messages.message_key
    order by
        (matches.matched_by = 'id') desc nulls last,
        matches.seconds_apart,
        matches.lead_key,
        matches.matched_by
) = 1
