with activities as (
    {{ in_force(source('crm', 'crm_activities')) }}
)

select
    * exclude (key),
    key as activity_key,
from activities
