-- Per stock unit the time on hire (the union of its hires) and out of service, as intervals that do
-- not overlap. `weight` is +1; where a car was out of service and on hire at once, an interval of
-- weight -1 takes the overlap out of the time out of service: the hire wins.
with rentals as (
    select * from {{ ref('int_rentals_spanned') }}
),

events as (
    select * from {{ ref('stg_dms__vehicle_events') }}
),

rooftops as (
    select * from {{ ref('dim_rooftop') }}
),

exported as (
    select * from {{ ref('int_rooftops_exported') }}
),

hire_islands_numbered as (
    select
        stock_unit_key,
        starts_at,
        ends_at,
        sum(is_new_island) over (
            partition by stock_unit_key
            order by starts_at, ends_at, rental_key
            rows between unbounded preceding and current row
        ) as island,
    from (
        select
            *,
            case
                when starts_at <= max(ends_at) over (
                    partition by stock_unit_key
                    order by starts_at, ends_at, rental_key
                    rows between unbounded preceding and 1 preceding
                ) then 0
                else 1
            end as is_new_island,
        from rentals
        where ends_at > starts_at
    )
),

hired as (
    select
        stock_unit_key,
        min(starts_at) as starts_at,
        max(ends_at) as ends_at,
    from hire_islands_numbered
    group by stock_unit_key, island
),

states as (
    select
        events.rooftop,
        events.rooftop || '|' || events.stock_number as stock_unit_key,
        events.status,
        events.occurred_at as starts_at,
        {{ local_day('events.occurred_at', 'rooftops.time_zone') }} as occurred_on,
        least(
            coalesce(
                lead(events.occurred_at) over (
                    partition by events.rooftop, events.stock_number
                    order by events.occurred_at, events.row_number, events.event_id
                ),
                exported.last_day_ends_at
            ),
            exported.last_day_ends_at
        ) as ends_at,
    from events
    inner join rooftops
        on events.rooftop = rooftops.rooftop
    inner join exported
        on events.rooftop = exported.rooftop
),

out_of_service as (
    select
        stock_unit_key,
        starts_at,
        ends_at,
    from states
    where {{ names_hold(policy('fleet.out_of_service', 'occurred_on'), 'status') }}
        and ends_at > starts_at
),

overlapping as (
    select
        out_of_service.stock_unit_key,
        greatest(out_of_service.starts_at, hired.starts_at) as starts_at,
        least(out_of_service.ends_at, hired.ends_at) as ends_at,
    from out_of_service
    inner join hired
        on out_of_service.stock_unit_key = hired.stock_unit_key
        and out_of_service.starts_at < hired.ends_at
        and hired.starts_at < out_of_service.ends_at
)

select stock_unit_key, 'on_hire' as state, 1 as weight, starts_at, ends_at
from hired
union all
select stock_unit_key, 'out_of_service' as state, 1 as weight, starts_at, ends_at
from out_of_service
union all
select stock_unit_key, 'out_of_service' as state, -1 as weight, starts_at, ends_at
from overlapping
