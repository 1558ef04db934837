with appraisals as (
    select
        *,
        coalesce(
            {{ names_hold('day_only', "'requested_at'") }}
            or {{ names_hold('day_only', "'offered_at'") }},
            false
        ) as is_day_only,
    from {{ ref('stg_crm__appraisals') }}
),

rooftops as (
    select * from {{ ref('dim_rooftop') }}
),

leads as (
    select rooftop, lead_id, lead_key, source, channel from {{ ref('int_leads_united') }}
    where is_in_crm
),

localised as (
    select
        appraisals.*,
        {{ local_day('appraisals.requested_at', 'rooftops.time_zone') }} as requested_on,
        {{ local_day('appraisals.offered_at', 'rooftops.time_zone') }} as offered_on,
        {{ local_day('appraisals.accepted_at', 'rooftops.time_zone') }} as accepted_on,
        rooftops.currency as rooftop_currency,
    from appraisals
    inner join rooftops
        on appraisals.rooftop = rooftops.rooftop
),

timed as (
    select
        *,
        {{ elapsed_seconds(
            'requested_at', 'offered_at', 'requested_on', 'offered_on', 'is_day_only'
        ) }} as appraisal_seconds,
    from localised
)

select
    timed.rooftop,
    timed.appraisal_id,
    timed.appraisal_key,
    leads.lead_key,
    timed.lead_id,
    timed.vin,
    timed.file_id,
    timed.row_number,
    coalesce(leads.source, 'unknown') as source,
    coalesce(leads.channel, 'unknown') as channel,
    {{ why_no_duration('timed.appraisal_seconds') }} as excluded,
    timed.requested_at,
    timed.requested_on,
    timed.offered_at,
    timed.offered_on,
    timed.accepted_at,
    timed.accepted_on,
    timed.offer,
    timed.acv,
    coalesce(timed.currency, timed.rooftop_currency) as currency,
    timed.appraisal_seconds,
from timed
left join leads
    on timed.rooftop = leads.rooftop
    and timed.lead_id = leads.lead_id
