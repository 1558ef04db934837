with surveys as (
    {{ in_force(source('crm', 'crm_surveys')) }}
)

select
    * exclude (key),
    key as survey_key,
from surveys
