-- The time that each hire takes of its car, by the policy rental.part_day in force on the day it
-- went out. An open hire runs to the end of the data's last day; a hire that is to go out after the
-- last day for which hires were exported is a booking and takes none.
with rentals as (
    select * from {{ ref('stg_dms__rentals') }}
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

started as (
    select
        rentals.rental_key,
        rentals.rooftop,
        rentals.agreement_number,
        rentals.rooftop || '|' || rentals.stock_number as stock_unit_key,
        rentals.stock_number,
        rentals.file_id,
        rentals.row_number,
        rentals.out_at,
        rentals.returned_at,
        coalesce(
            rentals.returned_at,
            greatest(exported.last_day_ends_at, rentals.out_at)
        ) as ended_at,
        {{ local_day('rentals.out_at', 'rooftops.time_zone') }} as out_on,
        rooftops.time_zone,
        exported.last_day_ends_at,
    from rentals
    inner join rooftops
        on rentals.rooftop = rooftops.rooftop
    inner join exported
        on rentals.rooftop = exported.rooftop
    where rentals.out_at < exported.rentals_last_day_ends_at
        and (rentals.returned_at is null or rentals.returned_at >= rentals.out_at)
),

ruled as (
    select
        *,
        {{ policy('rental.part_day', 'out_on') }} as part_day,
        -- The last second on hire: a car back at midnight does not start the next day.
        {{ local_day(
            'greatest(' ~ add_seconds('ended_at', '-1') ~ ', out_at)',
            'time_zone',
        ) }} as last_hired_on,
        {{ seconds_between('out_at', 'ended_at') }} as seconds,
    from started
),

spanned as (
    select
        ruled.*,
        case
            when ruled.part_day = 'started_day' then first_days.start_utc
            else ruled.out_at
        end as starts_at,
        case
            when ruled.part_day = 'started_day' then last_days.end_utc
            when ruled.part_day = 'day_24h' and ruled.returned_at is not null
                -- Whole days of 24 hours; up to 59 minutes more are grace.
                then {{ add_seconds(
                    'ruled.out_at',
                    '86400 * greatest(1, cast(ceil((ruled.seconds - 3540) / 86400.0) as bigint))',
                ) }}
            else ruled.ended_at
        end as ends_at,
    from ruled
    left join business_days as first_days
        on ruled.part_day = 'started_day'
        and ruled.rooftop = first_days.rooftop
        and ruled.out_on = first_days.day
    left join business_days as last_days
        on ruled.part_day = 'started_day'
        and ruled.rooftop = last_days.rooftop
        and ruled.last_hired_on = last_days.day
)

select
    rental_key,
    rooftop,
    agreement_number,
    stock_unit_key,
    stock_number,
    file_id,
    row_number,
    out_on,
    starts_at,
    least(ends_at, last_day_ends_at) as ends_at,
from spanned
