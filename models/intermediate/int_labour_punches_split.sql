-- The time of each punch on each local day that it touches: its own seconds, and those that no
-- earlier punch of the technician covers. A technician clocked on two jobs works once.
with punches as (
    select * from {{ ref('stg_dms__labour_punches') }}
),

rooftops as (
    select * from {{ ref('dim_rooftop') }}
),

business_days as (
    select * from {{ ref('dim_business_day') }}
),

spans as (
    select
        punches.punch_key,
        punches.rooftop,
        punches.technician,
        punches.ro_number,
        punches.line,
        punches.file_id,
        punches.row_number,
        punches.started_at,
        punches.stopped_at,
        {{ local_day('punches.started_at', 'rooftops.time_zone') }} as started_on,
        {{ local_day('punches.stopped_at', 'rooftops.time_zone') }} as stopped_on,
        coalesce(punches.altered, false) as is_altered,
        max(punches.stopped_at) over (
            partition by punches.rooftop, punches.technician
            order by punches.started_at, punches.stopped_at, punches.punch_key
            rows between unbounded preceding and 1 preceding
        ) as covered_until,
    from punches
    inner join rooftops
        on punches.rooftop = rooftops.rooftop
    where punches.stopped_at > punches.started_at
),

days as (
    select
        *,
        {{ each_day('started_on', 'least(stopped_on, (select max(day) from business_days))') }}
            as day,
    from spans
),

clipped as (
    select
        days.*,
        greatest(days.started_at, business_days.start_utc) as starts_at,
        least(days.stopped_at, business_days.end_utc) as ends_at,
        {{ seconds_between('days.started_at', 'days.stopped_at') }} as punch_seconds,
    from days
    inner join business_days
        on days.rooftop = business_days.rooftop
        and days.day = business_days.day
)

select
    punch_key,
    rooftop,
    technician,
    ro_number,
    line,
    file_id,
    row_number,
    day,
    punch_seconds,
    {{ seconds_between('starts_at', 'ends_at') }} as seconds,
    {{ seconds_between(
        'least(ends_at, greatest(starts_at, coalesce(covered_until, starts_at)))',
        'ends_at',
    ) }} as united_seconds,
    is_altered,
from clipped
where ends_at > starts_at
