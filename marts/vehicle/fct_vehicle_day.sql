with vehicles as (
    select * from {{ ref('stg_dms__vehicles') }}
),

uses as (
    select * from {{ ref('int_vehicle_uses_dated') }}
),

intervals as (
    select * from {{ ref('int_fleet_intervals_united') }}
),

rentals as (
    select * from {{ ref('int_rentals_spanned') }}
),

rooftops as (
    select * from {{ ref('dim_rooftop') }}
),

exported as (
    select * from {{ ref('int_rooftops_exported') }}
),

business_days as (
    select * from {{ ref('dim_business_day') }}
),

-- A car belongs to the fleet's history as soon as one of its versions says so.
fleet as (
    select
        vehicles.stock_unit_key,
        vehicles.rooftop,
        vehicles.stock_number,
        vehicles.vehicle_key,
        vehicles.file_id,
        vehicles.row_number,
        coalesce(nullif(trim(vehicles.make), ''), 'unknown') as make,
        coalesce(nullif(trim(vehicles.model), ''), 'unknown') as model,
        coalesce(vehicles.arrived_on, vehicles.acquired_on) as first_day,
        -- Not in the fleet any more on the day of removal, nor from when a full file no longer held
        -- the car.
        least(
            vehicles.removed_on,
            {{ data_day('vehicles.gone_at', 'rooftops.time_zone') }}
        ) as end_day,
        exported.last_day,
        rooftops.time_zone,
    from vehicles
    inner join rooftops
        on vehicles.rooftop = rooftops.rooftop
    inner join exported
        on vehicles.rooftop = exported.rooftop
    where vehicles.stock_unit_key in (
        select stock_unit_key
        from uses
        where vehicle_use in ('rental', 'courtesy', 'demo')
    )
),

fleet_days as (
    select
        fleet.*,
        business_days.day,
        business_days.start_utc,
        business_days.end_utc,
        uses.vehicle_use,
        {{ seconds_between('business_days.start_utc', 'business_days.end_utc') }} as day_seconds,
    from fleet
    inner join business_days
        on fleet.rooftop = business_days.rooftop
        and business_days.day >= fleet.first_day
        and business_days.day <= fleet.last_day
        and (business_days.day < fleet.end_day or fleet.end_day is null)
    left join uses
        on fleet.stock_unit_key = uses.stock_unit_key
        and business_days.day >= uses.valid_from
        and (business_days.day < uses.valid_to or uses.valid_to is null)
    where uses.vehicle_use in ('rental', 'courtesy', 'demo')
        or uses.vehicle_use is null
),

-- Each interval on each day that it touches: days are joined by equality, which is what scales.
interval_days as (
    select
        intervals.stock_unit_key,
        intervals.state,
        intervals.weight,
        intervals.starts_at,
        intervals.ends_at,
        {{ each_day(
            'greatest('
                ~ local_day('intervals.starts_at', 'fleet.time_zone')
                ~ ', fleet.first_day)',
            'least('
                ~ local_day('intervals.ends_at', 'fleet.time_zone')
                ~ ', fleet.last_day)',
        ) }} as day,
    from intervals
    inner join fleet
        on intervals.stock_unit_key = fleet.stock_unit_key
),

states as (
    select
        fleet_days.stock_unit_key,
        fleet_days.day,
        interval_days.state,
        sum(
            interval_days.weight * {{ seconds_between(
                'greatest(interval_days.starts_at, fleet_days.start_utc)',
                'least(interval_days.ends_at, fleet_days.end_utc)',
            ) }}
        ) as seconds,
    from fleet_days
    inner join interval_days
        on fleet_days.stock_unit_key = interval_days.stock_unit_key
        and fleet_days.day = interval_days.day
        and interval_days.starts_at < fleet_days.end_utc
        and fleet_days.start_utc < interval_days.ends_at
    group by fleet_days.stock_unit_key, fleet_days.day, interval_days.state
),

per_day as (
    select
        stock_unit_key,
        day,
        sum(seconds) filter (where state = 'on_hire') as on_hire,
        sum(seconds) filter (where state = 'out_of_service') as out_of_service,
    from states
    group by stock_unit_key, day
),

-- A day of a clock change has 23 or 25 hours: its seconds are scaled to a standard day of 86,400.
scaled as (
    select
        fleet_days.*,
        {% for state, seconds in [
            ('on_hire', 'on_hire_seconds'), ('out_of_service', 'stood_seconds'),
        ] -%}
        cast(
            round(
                coalesce(per_day.{{ state }}, 0) * 86400
                / cast(fleet_days.day_seconds as decimal(18, 6))
            ) as bigint
        ) as {{ seconds }},
        {% endfor %}
    from fleet_days
    left join per_day
        on fleet_days.stock_unit_key = per_day.stock_unit_key
        and fleet_days.day = per_day.day
),

vehicle_days as (
    select
        stock_unit_key || '|' || cast(day as varchar) as vehicle_day_key,
        stock_unit_key as record_key,
        stock_unit_key,
        vehicle_key,
        rooftop,
        stock_number,
        cast(null as varchar) as agreement_number,
        file_id,
        row_number,
        coalesce(vehicle_use, 'unknown') as "use",
        make,
        model,
        case when vehicle_use is null then 'use of the car not known on the day' end as excluded,
        day,
        cast(86400 as bigint) as in_fleet_seconds,
        least(stood_seconds, 86400 - on_hire_seconds) as out_of_service_seconds,
        on_hire_seconds,
        86400 - least(stood_seconds, 86400 - on_hire_seconds) as available_seconds,
    from scaled
),

-- A hire of a car that was not in the fleet when it went out stands here once, so that it is
-- counted.
other_hires as (
    select
        rentals.rental_key || '|not in fleet' as vehicle_day_key,
        rentals.rental_key as record_key,
        rentals.stock_unit_key,
        vehicles.vehicle_key,
        rentals.rooftop,
        rentals.stock_number,
        rentals.agreement_number,
        rentals.file_id,
        rentals.row_number,
        'not in fleet' as "use",
        coalesce(nullif(trim(vehicles.make), ''), 'unknown') as make,
        coalesce(nullif(trim(vehicles.model), ''), 'unknown') as model,
        'hire of a car that was not in the fleet' as excluded,
        rentals.out_on as day,
        cast(0 as bigint) as in_fleet_seconds,
        cast(0 as bigint) as out_of_service_seconds,
        cast(0 as bigint) as on_hire_seconds,
        cast(0 as bigint) as available_seconds,
    from rentals
    left join vehicles
        on rentals.stock_unit_key = vehicles.stock_unit_key
    left join vehicle_days
        on rentals.stock_unit_key = vehicle_days.stock_unit_key
        and rentals.out_on = vehicle_days.day
    where vehicle_days.vehicle_day_key is null
),

final as (
    select * from vehicle_days
    union all
    select * from other_hires
)

select * from final
