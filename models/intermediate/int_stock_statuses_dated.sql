-- The statuses of a stock unit in local days, each until the next one. Where no event makes the car
-- ready, the ready day of its record does.
with events as (
    select * from {{ ref('stg_dms__vehicle_events') }}
),

vehicles as (
    select * from {{ ref('stg_dms__vehicles') }}
),

rooftops as (
    select * from {{ ref('dim_rooftop') }}
),

given as (
    select
        vehicles.stock_unit_key,
        events.status,
        {{ local_day('events.occurred_at', 'rooftops.time_zone') }} as valid_from,
        events.occurred_at,
        events.event_key,
    from events
    inner join vehicles
        on events.rooftop = vehicles.rooftop
        and events.stock_number = vehicles.stock_number
    inner join rooftops
        on events.rooftop = rooftops.rooftop
),

stated as (
    select * from given
    union all
    select
        stock_unit_key,
        'ready' as status,
        ready_on as valid_from,
        cast(ready_on as timestamp) as occurred_at,
        '' as event_key,
    from vehicles
    where ready_on is not null
        and stock_unit_key not in (
            select given.stock_unit_key from given where given.status = 'ready'
        )
)

select
    stock_unit_key,
    status,
    event_key,
    valid_from,
    lead(valid_from) over (
        partition by stock_unit_key
        order by valid_from, occurred_at, event_key
    ) as valid_to,
    row_number() over (
        partition by stock_unit_key
        order by valid_from, occurred_at, event_key
    ) as position,
from stated
