with employees as (
    {{ in_force(source('crm', 'crm_employees')) }}
)

select
    * exclude (key),
    key as employee_key,
from employees
