-- The leads of the CRM, and the portal messages that the CRM never got, in one shape. A lead is
-- received when the earliest of its messages came; an instant goes before a bare date of the same
-- day.
with rooftops as (
    select * from {{ ref('dim_rooftop') }}
),

messages as (
    select * from {{ ref('int_portal_messages_matched') }}
),

sources as (
    select * from {{ ref('int_sources_mapped') }}
),

own as (
    select
        'crm' as origin,
        rooftop,
        lead_id,
        lead_key,
        received_at,
        coalesce({{ names_hold('day_only', "'received_at'") }}, false) as is_day_only,
        source as source_raw,
        cast(null as varchar) as provider,
        channel,
        intent,
        customer_id,
        vin,
        stock_number,
        vehicle_text,
        budget,
        currency,
        owner,
        stage,
        stage_changed_at,
        quality,
        duplicate_of,
        next_action,
        next_action_due_at,
        lost_reason,
        cast(null as boolean) as is_call_answered,
        gone_at,
        file_id,
        row_number,
    from {{ ref('stg_crm__leads') }}
),

portal_only as (
    select
        'portal_lead' as origin,
        leads.rooftop,
        leads.lead_id,
        leads.lead_key,
        leads.received_at,
        coalesce({{ names_hold('leads.day_only', "'received_at'") }}, false) as is_day_only,
        coalesce(leads.source, leads.provider) as source_raw,
        leads.provider,
        coalesce(leads.channel, 'portal') as channel,
        leads.intent,
        leads.customer_id,
        leads.vin,
        leads.stock_number,
        leads.vehicle_text,
        leads.budget,
        leads.currency,
        leads.owner,
        leads.stage,
        leads.stage_changed_at,
        leads.quality,
        leads.duplicate_of,
        leads.next_action,
        leads.next_action_due_at,
        leads.lost_reason,
        cast(null as boolean) as is_call_answered,
        leads.gone_at,
        leads.file_id,
        leads.row_number,
    from {{ ref('stg_portal__leads') }} as leads
    inner join messages
        on leads.lead_key = messages.message_key
        and messages.origin = 'portal_lead'
    where messages.lead_key is null
),

calls_only as (
    select
        'portal_call' as origin,
        calls.rooftop,
        calls.call_id as lead_id,
        messages.message_key as lead_key,
        calls.started_at as received_at,
        coalesce({{ names_hold('calls.day_only', "'started_at'") }}, false) as is_day_only,
        coalesce(calls.source, calls.portal) as source_raw,
        calls.portal as provider,
        'phone' as channel,
        cast(null as varchar) as intent,
        cast(null as varchar) as customer_id,
        calls.vin,
        calls.stock_number,
        cast(null as varchar) as vehicle_text,
        cast(null as decimal(18, 2)) as budget,
        cast(null as varchar) as currency,
        cast(null as varchar) as owner,
        cast(null as varchar) as stage,
        cast(null as timestamp) as stage_changed_at,
        cast(null as varchar) as quality,
        cast(null as varchar) as duplicate_of,
        cast(null as varchar) as next_action,
        cast(null as timestamp) as next_action_due_at,
        cast(null as varchar) as lost_reason,
        messages.is_answered as is_call_answered,
        calls.gone_at,
        calls.file_id,
        calls.row_number,
    from {{ ref('stg_portal__calls') }} as calls
    inner join messages
        on calls.rooftop || '|call|' || calls.call_id = messages.message_key
    where messages.lead_key is null
),

every_lead as (
    select * from own
    union all
    select * from portal_only
    union all
    select * from calls_only
),

receipts as (
    select
        lead_key,
        rooftop,
        received_at,
        is_day_only,
    from every_lead

    union all

    select
        messages.lead_key,
        messages.rooftop,
        messages.received_at,
        coalesce({{ names_hold('leads.day_only', "'received_at'") }}, false) as is_day_only,
    from messages
    left join {{ ref('stg_portal__leads') }} as leads
        on messages.message_key = leads.lead_key
        and messages.origin = 'portal_lead'
    where messages.lead_key is not null
),

earliest as (
    select
        receipts.lead_key,
        receipts.received_at,
        receipts.is_day_only,
        rooftops.time_zone,
        {{ local_day('receipts.received_at', 'rooftops.time_zone') }} as received_on,
    from receipts
    inner join rooftops
        on receipts.rooftop = rooftops.rooftop
    qualify row_number() over (
        partition by receipts.lead_key
        order by
            {{ local_day('receipts.received_at', 'rooftops.time_zone') }},
            receipts.is_day_only,
            receipts.received_at
    ) = 1
),

first_calls as (
    select
        lead_key,
        is_answered,
    from messages
    where origin = 'portal_call' and lead_key is not null
    qualify row_number() over (partition by lead_key order by received_at, message_key) = 1
),

merged as (
    select * from {{ ref('int_customers_merged') }}
),

-- The customer whose telephone or e-mail a lead gives that names none.
matched as (
    select
        record_key,
        customer_key,
        survivor,
    from {{ ref('int_customers_matched') }}
    where system = 'lead'
)

select
    every_lead.* exclude (received_at, is_day_only, is_call_answered, customer_id, provider),
    earliest.received_at,
    earliest.received_on,
    earliest.is_day_only,
    cast({{ policy('episode.gap_days', 'earliest.received_on') }} as integer) as gap_days,
    coalesce(merged.survivor, every_lead.customer_id, matched.survivor) as customer_id,
    coalesce(
        'customer ' || coalesce(merged.survivor, every_lead.customer_id, matched.survivor),
        matched.customer_key,
        'lead|' || every_lead.lead_key
    ) as party,
    coalesce(every_lead.is_call_answered, first_calls.is_answered) as is_call_answered,
    coalesce(sources.source, providers.source, 'unknown') as source,
    every_lead.origin = 'crm' as is_in_crm,
    -- The day of the sale, as the CRM has it.
    case
        when every_lead.stage = 'won' and coalesce(every_lead.quality, 'good') <> 'test'
            then coalesce(
                {{ local_day('every_lead.stage_changed_at', 'earliest.time_zone') }},
                earliest.received_on
            )
    end as won_on,
    -- A CRM that keeps no intent would have no sales at all, so an empty one counts; a call nobody
    -- wrote down does not.
    coalesce(every_lead.quality, 'good') <> 'test'
    and case
        when every_lead.intent is null then every_lead.origin <> 'portal_call'
        else every_lead.intent in ('buy', 'finance', 'test_drive', 'trade_in')
    end as is_sales,
    case
        when every_lead.quality in ('bad', 'test') then 'marked ' || every_lead.quality
        when every_lead.quality = 'duplicate' or every_lead.duplicate_of is not null
            then 'marked duplicate'
    end as not_good_reason,
from every_lead
inner join earliest
    on every_lead.lead_key = earliest.lead_key
left join first_calls
    on every_lead.lead_key = first_calls.lead_key
left join merged
    on every_lead.rooftop = merged.rooftop
    and every_lead.customer_id = merged.customer_id
left join matched
    on every_lead.customer_id is null
    and 'lead|' || every_lead.lead_key = matched.record_key
left join sources
    on lower(trim(every_lead.source_raw)) = sources.spelling
left join sources as providers
    on lower(trim(every_lead.provider)) = providers.spelling
