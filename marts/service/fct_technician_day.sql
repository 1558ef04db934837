with clock as (
    select * from {{ ref('stg_dms__time_clock') }}
),

punches as (
    select * from {{ ref('int_labour_punches_split') }}
),

line_hours as (
    select * from {{ ref('int_line_hours_worked') }}
),

-- One row per thing that says something of a technician's day; the first to speak leads it.
said as (
    select
        rooftop,
        technician,
        day,
        1 as position,
        file_id,
        row_number,
        cast(round(attended_hours * 3600) as bigint) as attended_seconds,
        cast(round(available_hours * 3600) as bigint) as available_seconds,
        cast(null as bigint) as worked_seconds,
        cast(null as bigint) as sold_seconds,
        cast(0 as bigint) as altered_seconds,
        false as is_worked_unknown,
    from clock
    union all
    select
        rooftop,
        technician,
        day,
        2 as position,
        file_id,
        row_number,
        cast(null as bigint) as attended_seconds,
        cast(null as bigint) as available_seconds,
        united_seconds as worked_seconds,
        cast(null as bigint) as sold_seconds,
        case when is_altered then united_seconds else 0 end as altered_seconds,
        false as is_worked_unknown,
    from punches
    union all
    select
        rooftop,
        technician,
        day,
        3 as position,
        file_id,
        row_number,
        cast(null as bigint) as attended_seconds,
        cast(null as bigint) as available_seconds,
        worked_seconds,
        sold_seconds,
        cast(0 as bigint) as altered_seconds,
        worked_seconds is null as is_worked_unknown,
    from line_hours
    where excluded is null
        or is_worked_by_line
),

first_said as (
    select
        rooftop,
        technician,
        day,
        file_id,
        row_number,
    from said
    qualify row_number() over (
        partition by rooftop, technician, day
        order by position, file_id, row_number
    ) = 1
),

summed as (
    select
        rooftop,
        technician,
        day,
        sum(attended_seconds) as attended_seconds,
        sum(available_seconds) as available_seconds,
        coalesce(sum(worked_seconds), 0) as worked_seconds,
        coalesce(sum(sold_seconds), 0) as sold_seconds,
        sum(altered_seconds) as altered_seconds,
        bool_or(is_worked_unknown) as is_worked_unknown,
    from said
    group by rooftop, technician, day
),

technician_days as (
    select
        {{ readable_key(['summed.rooftop', 'summed.technician', 'summed.day']) }}
            as technician_day_key,
        'technician day' as row_kind,
        summed.rooftop,
        summed.technician,
        first_said.file_id,
        first_said.row_number,
        case
            when summed.is_worked_unknown then 'hours worked are missing'
            when summed.attended_seconds is null then 'no attendance on the time clock'
        end as excluded_attended,
        case when summed.is_worked_unknown then 'hours worked are missing' end as excluded_sold,
        case
            when summed.available_seconds is null then 'no available hours on the time clock'
        end as excluded_available,
        summed.day,
        summed.attended_seconds,
        summed.available_seconds,
        summed.worked_seconds,
        summed.sold_seconds,
        summed.altered_seconds,
    from summed
    inner join first_said
        on summed.rooftop = first_said.rooftop
        and summed.technician = first_said.technician
        and summed.day = first_said.day
),

-- Sold hours that belong to no technician's day stand here, so that they are counted.
left_out as (
    select
        repair_order_line_key || '|left out' as technician_day_key,
        'line left out' as row_kind,
        rooftop,
        technician,
        file_id,
        row_number,
        cast(null as varchar) as excluded_attended,
        excluded as excluded_sold,
        excluded as excluded_available,
        day,
        cast(null as bigint) as attended_seconds,
        cast(null as bigint) as available_seconds,
        cast(null as bigint) as worked_seconds,
        sold_seconds,
        cast(0 as bigint) as altered_seconds,
    from line_hours
    where excluded is not null
),

final as (
    select * from technician_days
    union all
    select * from left_out
)

select
    technician_day_key,
    row_kind,
    rooftop,
    technician,
    file_id,
    row_number,
    excluded_attended,
    excluded_sold,
    excluded_available,
    day,
    cast(attended_seconds as bigint) as attended_seconds,
    cast(available_seconds as bigint) as available_seconds,
    cast(worked_seconds as bigint) as worked_seconds,
    cast(sold_seconds as bigint) as sold_seconds,
    cast(altered_seconds as bigint) as altered_seconds,
from final
