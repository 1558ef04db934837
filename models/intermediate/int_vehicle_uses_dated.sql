-- What each stock unit was used for, as spans of days, from its versions. A version is valid from
-- the day it was changed; the first one, where the source does not say, from the day the car came;
-- a later one from the day its export speaks for. Before the first version the use is not known.
with versions as (
    select * from {{ ref('stg_dms__vehicle_versions') }}
),

vehicles as (
    select * from {{ ref('stg_dms__vehicles') }}
),

rooftops as (
    select * from {{ ref('dim_rooftop') }}
),

dated as (
    select
        versions.stock_unit_key,
        versions."use",
        versions.version_number,
        coalesce(
            {{ local_day('versions.updated_at', 'rooftops.time_zone') }},
            case
                when row_number() over (
                    partition by versions.stock_unit_key
                    order by versions.version_number
                ) = 1
                    then least(vehicles.acquired_on, vehicles.arrived_on)
            end,
            {{ data_day('versions.exported_at', 'rooftops.time_zone') }}
        ) as valid_from,
    from versions
    inner join rooftops
        on versions.rooftop = rooftops.rooftop
    left join vehicles
        on versions.stock_unit_key = vehicles.stock_unit_key
),

-- A later version takes over from its first day, also from a version that says it is valid from a
-- later one.
spanned as (
    select
        stock_unit_key,
        coalesce("use", 'retail') as vehicle_use,
        valid_from,
        min(valid_from) over (
            partition by stock_unit_key
            order by version_number
            rows between 1 following and unbounded following
        ) as valid_to,
    from dated
)

select
    stock_unit_key,
    vehicle_use,
    valid_from,
    valid_to,
from spanned
where valid_to is null or valid_from < valid_to
