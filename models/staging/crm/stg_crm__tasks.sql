with tasks as (
    {{ in_force(source('crm', 'crm_tasks')) }}
)

select
    * exclude (key),
    key as task_key,
from tasks
