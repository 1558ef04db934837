{{ config(severity = 'warn') }}
-- Says: a portal sent a lead or a call that is not in the CRM.
-- Matters: nobody is answering it; it counts as a lead, and as unanswered unless the call was
-- picked up.
-- Resolve: enter it in the CRM, or check that the portal's messages reach the CRM.
select
    lead_key,
    origin,
    source_raw,
    received_on,
from {{ ref('fct_lead') }}
where not is_in_crm
