with repair_orders as (
    {{ in_force(source('dms', 'dms_repair_orders')) }}
),

versions as (
    {{ versions_known(source('dms', 'dms_repair_orders')) }}
),

-- What the car was promised for before, where the source does not say: its first version does.
promises as (
    select
        *,
        coalesce(
            last_value(first_promised_at ignore nulls) over until_then,
            first_value(promised_at ignore nulls) over until_then
        ) as first_promise,
        {{ names_hold('day_only', "'promised_at'") }}
            is distinct from {{ names_hold('day_only', "'first_promised_at'") }}
            as is_one_day_only,
    from versions
    where op = 'row'
    window until_then as (
        partition by key
        order by version_number
        rows between unbounded preceding and current row
    )
),

-- The first version that moved it; from a day to a time, or back, a whole day lies between.
moves as (
    select key, updated_at, exported_at
    from promises
    where {{ seconds_between('first_promise', 'promised_at') }}
        >= case when is_one_day_only then 86400 else 1 end
    qualify row_number() over (partition by key order by version_number) = 1
)

select
    repair_orders.* exclude (key, vin),
    repair_orders.key as repair_order_key,
    nullif(upper(trim(repair_orders.vin)), '') as vin,
    moves.updated_at as promise_moved_at,
    moves.exported_at as promise_move_exported_at,
from repair_orders
left join moves
    on repair_orders.key = moves.key
