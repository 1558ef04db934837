with control_balances as (
    {{ in_force(source('dms', 'dms_control_balances')) }}
)

select
    * exclude (key),
    key as control_balance_key,
from control_balances
