with activities as (
    select * from {{ ref('int_activities_attached') }}
),

leads as (
    select
        lead_key,
        customer_id,
        response_activity_key,
    from {{ ref('int_leads_answered') }}
)

select
    activities.rooftop,
    activities.activity_id,
    activities.activity_key,
    activities.lead_key,
    activities.lead_id,
    coalesce(activities.customer_id, leads.customer_id) as customer_id,
    activities.file_id,
    activities.row_number,
    activities.direction,
    activities.channel,
    coalesce(activities.outcome, 'unknown') as outcome,
    coalesce(activities.employee, 'unknown') as employee,
    activities.attached_by,
    activities.occurred_at,
    activities.occurred_on,
    activities.duration_seconds,
    activities.is_day_only,
    coalesce(activities.automatic, false) as is_automatic,
    coalesce(activities.bulk, false) as is_bulk,
    activities.is_attempt,
    activities.is_response,
    coalesce(activities.activity_key = leads.response_activity_key, false) as is_first_response,
    activities.is_two_way,
from activities
left join leads
    on activities.lead_key = leads.lead_key
