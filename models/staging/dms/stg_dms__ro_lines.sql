with ro_lines as (
    {{ in_force(source('dms', 'dms_ro_lines')) }}
)

select
    * exclude (key, op_code),
    key as repair_order_line_key,
    nullif(upper(trim(op_code)), '') as op_code,
from ro_lines
