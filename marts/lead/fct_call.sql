with rooftops as (
    select * from {{ ref('dim_rooftop') }}
),

messages as (
    select * from {{ ref('int_portal_messages_matched') }}
    where origin = 'portal_call'
),

calls as (
    select
        calls.*,
        coalesce(messages.lead_key, messages.message_key) as lead_key,
        messages.lead_key is not null as is_in_crm,
        messages.is_answered,
        {{ local_day('calls.started_at', 'rooftops.time_zone') }} as started_on,
        rooftops.time_zone,
    from {{ ref('stg_portal__calls') }} as calls
    inner join messages
        on calls.rooftop || '|call|' || calls.call_id = messages.message_key
    inner join rooftops
        on calls.rooftop = rooftops.rooftop
),

missed as (
    select
        *,
        {{ policy('response.clock', 'started_on') }} as clock,
        cast(coalesce(
            {{ policy('sla.phone.other_minutes', 'started_on') }},
            {{ policy('sla.default_minutes', 'started_on') }}
        ) as integer) * 60 as sla_seconds,
    from calls
    where is_answered = false
),

-- The first personal attempt to reach the caller afterwards, reached or not.
returns as (
    select missed.call_key, min(activities.occurred_at) as returned_at,
    from missed
    inner join {{ ref('fct_lead_activity') }} as activities
        on missed.lead_key = activities.lead_key
        and missed.started_at <= activities.occurred_at
    where activities.is_attempt
    group by missed.call_key
),

moments as (
    select rooftop, started_at as moment from missed
    union
    select missed.rooftop, returns.returned_at as moment
    from missed
    inner join returns
        on missed.call_key = returns.call_key
),

opening as (
    {{ open_seconds_at('moments') | indent(4) }}
),

closes as (
    select rooftop, day, open_seconds_before + open_seconds as open_seconds_at_close,
    from {{ ref('dim_business_day') }}
    where open_seconds > 0
),

timed as (
    select
        missed.call_key,
        missed.rooftop,
        missed.started_at,
        missed.started_on,
        missed.time_zone,
        missed.clock,
        missed.sla_seconds,
        returns.returned_at,
        not at_start.is_open as is_after_hours,
        at_start.open_seconds + missed.sla_seconds as open_seconds_due,
        case missed.clock
            when 'business' then at_return.open_seconds - at_start.open_seconds
            else {{ seconds_between('missed.started_at', 'returns.returned_at') }}
        end as return_seconds,
    from missed
    left join returns
        on missed.call_key = returns.call_key
    left join opening as at_start
        on missed.rooftop = at_start.rooftop
        and missed.started_at = at_start.moment
    left join opening as at_return
        on missed.rooftop = at_return.rooftop
        and returns.returned_at = at_return.moment
),

-- The first day by whose close so much opening time has passed.
due_days as (
    select timed.call_key, min(closes.day) as day,
    from timed
    inner join closes
        on timed.rooftop = closes.rooftop
        and timed.started_on <= closes.day
        and timed.open_seconds_due <= closes.open_seconds_at_close
    group by timed.call_key
)

select
    calls.rooftop,
    calls.call_id,
    calls.call_key,
    calls.lead_key,
    calls.vin,
    calls.stock_number,
    calls.file_id,
    calls.row_number,
    coalesce(calls.portal, 'unknown') as portal,
    coalesce(calls.source, 'unknown') as source_raw,
    calls.started_at,
    calls.started_on,
    case timed.clock
        when 'business' then coalesce(due_days.day, timed.started_on)
        else {{ local_day(
            add_seconds('timed.started_at', 'timed.sla_seconds'), 'timed.time_zone'
        ) }}
    end as return_due_on,
    timed.returned_at,
    {{ local_day('timed.returned_at', 'timed.time_zone') }} as returned_on,
    calls.duration_seconds,
    timed.return_seconds,
    calls.is_answered,
    calls.is_in_crm,
    timed.is_after_hours,
    coalesce(timed.return_seconds <= timed.sla_seconds, false) as is_returned_in_time,
from calls
left join timed
    on calls.call_key = timed.call_key
left join due_days
    on calls.call_key = due_days.call_key
