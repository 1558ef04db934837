select
    coalesce(rooftop, '') as rooftop,
    employee,
    employee_key,
    file_id,
    row_number,
    name as employee_name,
    coalesce(role, 'unknown') as role,
    active_from,
    active_to,
from {{ ref('stg_crm__employees') }}
