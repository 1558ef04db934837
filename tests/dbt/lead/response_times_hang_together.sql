-- Says: no response lies before its receipt, business time never exceeds elapsed time, answered at
-- receipt is zero on both clocks, and a response names an activity that is a response.
-- Matters: these are the parts of response_minutes and sla_met_rate.
-- Resolve: look at int_leads_answered for the lead; ours to mend.
select
    leads.lead_key,
    leads.response_seconds,
    leads.business_response_seconds,
    leads.response_activity_key,
from {{ ref('fct_lead') }} as leads
left join {{ ref('fct_lead_activity') }} as activities
    on leads.response_activity_key = activities.activity_key
where leads.response_seconds < 0
    or leads.business_response_seconds < 0
    or leads.business_response_seconds > leads.response_seconds
    or (leads.is_answered_at_receipt and leads.response_seconds <> 0)
    or (leads.responded_at is null) <> (leads.response_seconds is null)
    or (
        leads.response_activity_key is not null
        and not coalesce(activities.is_first_response, false)
    )
    or (leads.is_sla_met and leads.clock_response_seconds is null)
