with leads as (
    select * from {{ ref('int_leads_answered') }}
),

episodes as (
    select * from {{ ref('int_leads_grouped') }}
),

rooftops as (
    select * from {{ ref('dim_rooftop') }}
),

appointments as (
    select * from {{ ref('fct_appointment') }}
),

first_appointments as (
    select
        lead_key,
        min(created_on) as appointment_created_on,
    from appointments
    where lead_key is not null
    group by lead_key
),

closings as (
    select
        lead_key,
        min(
            case
                when is_gone then exported_at
                else coalesce(stage_changed_at, updated_at, exported_at)
            end
        ) as closed_at,
    from {{ ref('stg_crm__lead_versions') }}
    where is_gone or stage in ('won', 'lost')
    group by lead_key
)

select
    leads.rooftop,
    leads.lead_id,
    leads.lead_key,
    episodes.episode_key,
    leads.customer_id,
    leads.vin,
    leads.stock_number,
    leads.duplicate_of,
    leads.response_activity_key,
    leads.file_id,
    leads.row_number,
    leads.origin,
    leads.source,
    leads.source_raw,
    coalesce(leads.channel, 'unknown') as channel,
    coalesce(leads.intent, 'unknown') as intent,
    coalesce(leads.owner, 'unknown') as owner,
    leads.vehicle_text,
    coalesce(leads.stage, 'unknown') as stage,
    leads.lost_reason,
    coalesce(leads.quality, 'good') as quality,
    leads.not_good_reason,
    leads.next_action,
    leads.responder,
    leads.response_clock,
    leads.response_excluded_reason,
    leads.sla_excluded_reason,
    case
        when leads.is_day_only then 'received on a day without a time'
        when closings.closed_at <= leads.follow_up_ends_at
            then 'closed before its follow-up was due'
    end as follow_up_excluded_reason,
    leads.received_at,
    leads.received_on,
    leads.first_attempt_at,
    leads.responded_at,
    leads.responded_on,
    leads.sla_due_on,
    {{ local_day('leads.follow_up_ends_at', 'rooftops.time_zone') }} as follow_up_due_on,
    leads.contacted_at,
    leads.contacted_on,
    first_appointments.appointment_created_on,
    leads.stage_changed_at,
    leads.next_action_due_at,
    {{ data_day('leads.gone_at', 'rooftops.time_zone') }} as gone_on,
    leads.attempts,
    leads.follow_ups,
    leads.elapsed_seconds as response_seconds,
    leads.business_seconds as business_response_seconds,
    leads.clock_seconds as clock_response_seconds,
    leads.sla_seconds,
    leads.budget,
    leads.currency,
    leads.is_in_crm,
    leads.is_sales,
    leads.not_good_reason is null as is_good,
    leads.is_day_only as is_received_day_only,
    leads.is_after_hours,
    leads.is_answered_at_receipt,
    coalesce(leads.clock_seconds <= leads.sla_seconds, false) as is_sla_met,
    coalesce(leads.follow_ups >= leads.follow_ups_wanted, false) as is_followed_up,
from leads
inner join rooftops
    on leads.rooftop = rooftops.rooftop
left join episodes
    on leads.lead_key = episodes.lead_key
left join first_appointments
    on leads.lead_key = first_appointments.lead_key
left join closings
    on leads.lead_key = closings.lead_key
