with vehicle_costs as (
    {{ in_force(source('dms', 'dms_vehicle_costs')) }}
)

select
    * exclude (key),
    key as vehicle_cost_key,
from vehicle_costs
