with leads as (
    {{ in_force(source('portal', 'portal_leads')) }}
)

select
    * exclude (key),
    key as lead_key,
from leads
