-- Calls that nobody picked up (METRICS section 7): returned is the first personal attempt to reach
-- the caller afterwards, and in time within the target of a telephone lead by response.clock.
with calls as (
    select
        *,
        {{ policy('response.clock', 'started_on') }} as clock,
        cast(coalesce(
            {{ policy('sla.phone.other_minutes', 'started_on') }},
            {{ policy('sla.default_minutes', 'started_on') }}
        ) as integer) * 60 as sla_seconds,
    from {{ ref('fct_call') }}
    where is_answered = false
),

rooftops as (
    select * from {{ ref('dim_rooftop') }}
),

attempts as (
    select calls.call_key, min(activities.occurred_at) as returned_at,
    from calls
    inner join {{ ref('fct_lead_activity') }} as activities
        on calls.lead_key = activities.lead_key
        and calls.started_at <= activities.occurred_at
    where activities.is_attempt
    group by calls.call_key
),

moments as (
    select rooftop, started_at as moment from calls
    union
    select calls.rooftop, attempts.returned_at as moment
    from calls
    inner join attempts
        on calls.call_key = attempts.call_key
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
        calls.*,
        attempts.returned_at,
        at_start.open_seconds + calls.sla_seconds as open_seconds_due,
        case calls.clock
            when 'business' then at_return.open_seconds - at_start.open_seconds
            else {{ seconds_between('calls.started_at', 'attempts.returned_at') }}
        end as seconds_to_return,
    from calls
    left join attempts
        on calls.call_key = attempts.call_key
    left join opening as at_start
        on calls.rooftop = at_start.rooftop
        and calls.started_at = at_start.moment
    left join opening as at_return
        on calls.rooftop = at_return.rooftop
        and attempts.returned_at = at_return.moment
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
),

dated as (
    select
        timed.*,
        case timed.clock
            when 'business' then coalesce(due_days.day, timed.started_on)
            else {{ local_day(
                add_seconds('timed.started_at', 'timed.sla_seconds'), 'rooftops.time_zone'
            ) }}
        end as due_on,
        {{ local_day('timed.returned_at', 'rooftops.time_zone') }} as returned_on,
    from timed
    inner join rooftops
        on timed.rooftop = rooftops.rooftop
    left join due_days
        on timed.call_key = due_days.call_key
)

select
    'missed_call' as rule,
    rooftop,
    'call' as entity,
    call_id as entity_id,
    call_key as entity_key,
    lead_key,
    cast(null as varchar) as deal_key,
    'unknown' as owner,
    started_on as opened_on,
    due_on,
    due_on as broken_on,
    returned_on as closed_on,
    coalesce(seconds_to_return <= sla_seconds, false) as is_kept,
    cast(null as decimal(18, 2)) as amount,
    cast(null as varchar) as amount_label,
    cast(null as varchar) as currency,
    case when returned_at is null then 'not returned' else 'returned' end as evidence,
    file_id,
    row_number,
from dated
