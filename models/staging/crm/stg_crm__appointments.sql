with appointments as (
    {{ in_force(source('crm', 'crm_appointments')) }}
)

select
    * exclude (key),
    key as appointment_key,
from appointments
