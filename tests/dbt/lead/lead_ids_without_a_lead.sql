{{ config(severity = 'warn') }}
-- Says: an activity, appointment or deal names a lead that is not in the CRM's export.
-- Matters: a deal without its lead leaves the turnaround; an activity without its lead answers
-- nobody.
-- Resolve: export the leads of the whole period; or mend the number where the record was made.
with leads as (
    select rooftop, lead_id from {{ ref('fct_lead') }}
    where origin <> 'portal_call'
),

records as (
    select 'activity' as entity, rooftop, activity_key as record_key, lead_id
    from {{ ref('stg_crm__activities') }}
    union all
    select 'appointment' as entity, rooftop, appointment_key as record_key, lead_id
    from {{ ref('stg_crm__appointments') }}
    union all
    select 'deal' as entity, rooftop, deal_key as record_key, lead_id
    from {{ ref('stg_dms__deals') }}
)

select
    records.entity,
    records.record_key,
    records.lead_id,
from records
left join leads
    on records.rooftop = leads.rooftop
    and records.lead_id = leads.lead_id
where records.lead_id is not null
    and leads.lead_id is null
