-- Every lead with its first response and first two-way contact, in elapsed and in business time
-- (METRICS section 2). A walk-in, and a telephone lead whose first call was picked up, are answered
-- at receipt.
with leads as (
    select * from {{ ref('int_leads_united') }}
),

activities as (
    select * from {{ ref('int_activities_attached') }}
    where lead_key is not null
),

rooftops as (
    select * from {{ ref('dim_rooftop') }}
),

-- The call that made a telephone lead, where the CRM wrote it down as an activity.
first_inbound_calls as (
    select
        leads.lead_key,
        activities.is_conversation as is_answered,
    from leads
    inner join activities
        on leads.lead_key = activities.lead_key
    where leads.channel = 'phone'
        and activities.direction = 'in'
        and activities.channel = 'call'
        and abs({{ seconds_between('leads.received_at', 'activities.occurred_at') }}) <= 86400
    qualify row_number() over (
        partition by leads.lead_key
        order by activities.occurred_at, activities.activity_key
    ) = 1
),

received as (
    select
        leads.*,
        leads.channel = 'walk_in'
        or (
            leads.channel = 'phone'
            and coalesce(leads.is_call_answered, first_inbound_calls.is_answered, false)
        ) as is_answered_at_receipt,
        {{ add_seconds(
            'leads.received_at',
            'cast(' ~ policy('follow_up.hours', 'leads.received_on') ~ ' as integer) * 3600',
        ) }} as follow_up_ends_at,
    from leads
    left join first_inbound_calls
        on leads.lead_key = first_inbound_calls.lead_key
),

-- Of a response dated without a time only the day can be compared; it counts as soon as it can have
-- been.
after_receipt as (
    select
        received.lead_key,
        activities.activity_key,
        activities.employee,
        activities.channel,
        activities.direction,
        activities.is_attempt,
        activities.is_response,
        activities.is_two_way,
        activities.is_day_only,
        greatest(activities.occurred_at, received.received_at) as happened_at,
        activities.occurred_on as happened_on,
        activities.occurred_at > received.received_at as is_later,
        received.follow_up_ends_at,
    from received
    inner join activities
        on received.lead_key = activities.lead_key
    where activities.occurred_at >= received.received_at
        or (activities.is_day_only and activities.occurred_on >= received.received_on)
),

responses as (
    select * from after_receipt
    where is_response
    qualify row_number() over (
        partition by lead_key
        order by happened_at, is_day_only, activity_key
    ) = 1
),

-- The enquiry itself may stand among the activities; it is no answer of the customer to us.
contacts as (
    select * from after_receipt
    where is_two_way and (is_later or channel in ('call', 'visit'))
    qualify row_number() over (partition by lead_key order by happened_at, activity_key) = 1
),

attempts as (
    select
        lead_key,
        count(*) as attempts,
        count(*) filter (where happened_at <= follow_up_ends_at) as attempts_in_time,
        min(happened_at) as first_attempt_at,
    from after_receipt
    where is_attempt
    group by lead_key
),

stops as (
    select
        received.*,
        case
            when received.is_answered_at_receipt then received.received_at
            else responses.happened_at
        end as responded_at,
        case
            when received.is_answered_at_receipt then received.received_on
            else responses.happened_on
        end as responded_on,
        case when not received.is_answered_at_receipt then responses.employee end as responder,
        case
            when not received.is_answered_at_receipt then responses.activity_key
        end as response_activity_key,
        coalesce(
            responses.is_day_only and not received.is_answered_at_receipt, false
        ) as is_response_day_only,
        case
            when received.is_answered_at_receipt then received.received_at
            else contacts.happened_at
        end as contacted_at,
        case
            when received.is_answered_at_receipt then received.received_on
            else contacts.happened_on
        end as contacted_on,
        coalesce(attempts.attempts, 0) as attempts,
        -- An answer at receipt is a response, and the response counts.
        coalesce(attempts.attempts_in_time, 0)
        + case when received.is_answered_at_receipt then 1 else 0 end as follow_ups,
        cast({{ policy('follow_up.attempts', 'received.received_on') }} as integer)
            as follow_ups_wanted,
        attempts.first_attempt_at,
        cast({{ policy('response.clock', 'received.received_on') }} as varchar) as response_clock,
        cast(round(60 * cast(coalesce(
            policies.value,
            {{ policy('sla.default_minutes', 'received.received_on') }}
        ) as decimal(12, 3))) as bigint) as sla_seconds,
    from received
    left join responses on received.lead_key = responses.lead_key
    left join contacts on received.lead_key = contacts.lead_key
    left join attempts on received.lead_key = attempts.lead_key
    left join {{ source('settings', 'policies') }} as policies
        on policies.key = 'sla.' || received.channel || '.' || received.intent || '_minutes'
        and received.received_on >= policies.valid_from
        and (received.received_on < policies.valid_to or policies.valid_to is null)
),

-- One person cannot answer five leads in the same second: a list was ticked off.
batches as (
    select
        rooftop,
        responder,
        responded_at,
    from stops
    where responded_at is not null and not is_answered_at_receipt and not is_response_day_only
    group by rooftop, responder, responded_at
    having count(*) >= 5
),

moments as (
    select rooftop, received_at as moment from stops
    union
    select rooftop, responded_at as moment from stops where responded_at is not null
),

opening as (
    {{ open_seconds_at('moments') }}
),

closes as (
    select
        rooftop,
        day,
        open_seconds_before + open_seconds as open_seconds_at_close,
    from {{ source('settings', 'business_days') }}
    where open_seconds > 0
),

timed as (
    select
        stops.*,
        {{ seconds_between('stops.received_at', 'stops.responded_at') }} as elapsed_seconds,
        at_response.open_seconds - at_receipt.open_seconds as business_seconds,
        not at_receipt.is_open as is_after_hours,
        at_receipt.open_seconds + stops.sla_seconds as open_seconds_due,
        case
            when stops.is_day_only then 'received on a day without a time'
            when stops.is_response_day_only then 'answered on a day without a time'
            when batches.responded_at is not null and not stops.is_answered_at_receipt
                then 'batch-stamped: one person, one second, five leads or more'
        end as unclear_reason,
    from stops
    left join opening as at_receipt
        on stops.rooftop = at_receipt.rooftop
        and stops.received_at = at_receipt.moment
    left join opening as at_response
        on stops.rooftop = at_response.rooftop
        and stops.responded_at = at_response.moment
    left join batches
        on stops.rooftop = batches.rooftop
        and stops.responded_at = batches.responded_at
        and stops.responder is not distinct from batches.responder
)

select
    timed.* exclude (open_seconds_due, unclear_reason),
    case timed.response_clock
        when 'business' then timed.business_seconds
        else timed.elapsed_seconds
    end as clock_seconds,
    coalesce(
        timed.unclear_reason,
        case when timed.elapsed_seconds > 365 * 86400 then 'answered after more than 365 days' end
    ) as response_excluded_reason,
    timed.unclear_reason as sla_excluded_reason,
    -- The day on which the target passes: any later as_of may judge the lead.
    case timed.response_clock
        when 'business' then greatest(closes.day, timed.received_on)
        else {{ local_day(
            add_seconds('timed.received_at', 'timed.sla_seconds'), 'rooftops.time_zone'
        ) }}
    end as sla_due_on,
from timed
inner join rooftops
    on timed.rooftop = rooftops.rooftop
-- The first day by whose close so much opening time has passed.
asof left join closes
    on timed.rooftop = closes.rooftop
    and timed.open_seconds_due <= closes.open_seconds_at_close
