with leads as (
    {{ in_force(source('crm', 'crm_leads')) }}
)

select
    * exclude (key),
    key as lead_key,
from leads
