with appraisals as (
    select * from {{ ref('stg_crm__appraisals') }}
),

rooftops as (
    select * from {{ ref('dim_rooftop') }}
),

leads as (
    select rooftop, lead_id, lead_key from {{ ref('int_leads_united') }}
    where is_in_crm
)

select
    appraisals.rooftop,
    appraisals.appraisal_id,
    appraisals.appraisal_key,
    leads.lead_key,
    appraisals.lead_id,
    appraisals.vin,
    appraisals.file_id,
    appraisals.row_number,
    appraisals.requested_at,
    {{ local_day('appraisals.requested_at', 'rooftops.time_zone') }} as requested_on,
    appraisals.offered_at,
    {{ local_day('appraisals.offered_at', 'rooftops.time_zone') }} as offered_on,
    appraisals.accepted_at,
    {{ local_day('appraisals.accepted_at', 'rooftops.time_zone') }} as accepted_on,
    appraisals.offer,
    appraisals.acv,
    coalesce(appraisals.currency, rooftops.currency) as currency,
    {{ seconds_between('appraisals.requested_at', 'appraisals.offered_at') }} as appraisal_seconds,
from appraisals
inner join rooftops
    on appraisals.rooftop = rooftops.rooftop
left join leads
    on appraisals.rooftop = leads.rooftop
    and appraisals.lead_id = leads.lead_id
