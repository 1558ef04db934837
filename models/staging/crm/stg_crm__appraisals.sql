with appraisals as (
    {{ in_force(source('crm', 'crm_appraisals')) }}
)

select
    * exclude (key),
    key as appraisal_key,
from appraisals
