with quotes as (
    select
        *,
        coalesce({{ names_hold('day_only', "'approved_at'") }}, false) as is_approval_day_only,
        coalesce(
            {{ names_hold('day_only', "'requested_at'") }}
            or {{ names_hold('day_only', "'approved_at'") }},
            false
        ) as is_day_only,
    from {{ ref('stg_crm__quotes') }}
),

rooftops as (
    select * from {{ ref('dim_rooftop') }}
),

leads as (
    select rooftop, lead_id, lead_key, source, channel from {{ ref('int_leads_united') }}
    where is_in_crm
),

-- One person who approves five leads in one second has stamped them, not looked at them.
stamped as (
    select
        rooftop,
        approved_by,
        approved_at,
    from quotes
    where approved_by is not null
        and not is_approval_day_only
    group by rooftop, approved_by, approved_at
    having count(distinct coalesce(lead_id, quote_id)) >= 5
),

localised as (
    select
        quotes.*,
        {{ local_day('quotes.requested_at', 'rooftops.time_zone') }} as requested_on,
        {{ local_day('quotes.approved_at', 'rooftops.time_zone') }} as approved_on,
        {{ local_day('quotes.sent_at', 'rooftops.time_zone') }} as sent_on,
        rooftops.currency as rooftop_currency,
        stamped.approved_at is not null as is_stamped,
    from quotes
    inner join rooftops
        on quotes.rooftop = rooftops.rooftop
    left join stamped
        on quotes.rooftop = stamped.rooftop
        and quotes.approved_by = stamped.approved_by
        and quotes.approved_at = stamped.approved_at
        and not quotes.is_approval_day_only
),

timed as (
    select
        *,
        {{ elapsed_seconds(
            'requested_at', 'approved_at', 'requested_on', 'approved_on', 'is_day_only'
        ) }} as approval_seconds,
    from localised
)

select
    timed.rooftop,
    timed.quote_id,
    timed.quote_key,
    leads.lead_key,
    timed.lead_id,
    timed.stock_number,
    timed.file_id,
    timed.row_number,
    coalesce(leads.source, 'unknown') as source,
    coalesce(leads.channel, 'unknown') as channel,
    coalesce(timed.approval_status, 'unknown') as approval_status,
    coalesce(timed.approved_by, 'unknown') as approved_by,
    coalesce(
        {{ why_no_duration('timed.approval_seconds') }},
        case
            when timed.approved_at is not null and timed.requested_at is null
                then 'request without an instant'
            when timed.is_stamped then 'batch-stamped approval'
        end
    ) as excluded,
    timed.requested_at,
    timed.requested_on,
    timed.approved_at,
    timed.approved_on,
    timed.sent_at,
    timed.sent_on,
    timed.valid_until,
    timed.amount,
    coalesce(timed.currency, timed.rooftop_currency) as currency,
    timed.approval_seconds,
    timed.approval_status is distinct from 'not_required'
        and (timed.approval_status is distinct from 'rejected' or timed.approved_at is not null)
        as is_to_approve,
from timed
left join leads
    on timed.rooftop = leads.rooftop
    and timed.lead_id = leads.lead_id
