with versions as (
    select * from {{ ref('int_fields_watched') }}
),

exceptions as (
    select * from {{ ref('stg_dms__exceptions') }}
),

rooftops as (
    select * from {{ ref('dim_rooftop') }}
),

-- Versions stand in the order of their exports, whenever they arrived; those that say the same one
-- after the other are one run.
followed as (
    select
        *,
        row_number() over earlier = 1 or value is distinct from lag(value) over earlier
            as is_start,
    from versions
    window earlier as (
        partition by feed, record_key, field
        order by version_number
    )
),

numbered as (
    select
        *,
        count(*) filter (where is_start) over (
            partition by feed, record_key, field
            order by version_number
            rows between unbounded preceding and current row
        ) as run_number,
    from followed
),

runs as (
    select
        *,
        min(landed_at) over (
            partition by feed, record_key, field, run_number
        ) as first_landed_at,
    from numbered
    qualify is_start
),

-- A change is known once its version and one that said the value before have arrived.
compared as (
    select
        *,
        lag(value) over previous_run as previous_value,
        lag(first_landed_at) over previous_run as previous_landed_at,
    from runs
    window previous_run as (
        partition by feed, record_key, field
        order by run_number
    )
),

changes as (
    select
        feed || '|' || field || '|' || record_key || '|' || cast(version_number as varchar)
            as change_key,
        feed,
        entity,
        record_key,
        rooftop,
        field,
        previous_value,
        value as new_value,
        coalesce(
            cast(try_cast(comparable as decimal(18, 6)) as varchar),
            comparable
        ) as compared_value,
        coalesce(updated_at, dated_at) as said_at,
        exported_at,
        greatest(landed_at, previous_landed_at) as known_at,
        file_id,
        row_number,
    from compared
    where run_number > 1
),

events as (
    select
        {{ readable_key(['rooftop', 'entity_id']) }} as record_key,
        entity,
        field,
        coalesce(
            cast(try_cast(trim(new_value) as decimal(18, 6)) as varchar),
            replace(trim(new_value), ' ', 'T')
        ) as compared_value,
        exception_id,
        event,
        occurred_at,
        reason,
        employee,
        role,
    from exceptions
    where new_value is not null
),

-- Of several events that name the same value the last one before the change was known explains it.
explained as (
    select
        changes.change_key,
        events.exception_id,
        events.reason,
        events.employee,
        events.role,
    from changes
    inner join events
        on changes.record_key = events.record_key
        and changes.entity = events.entity
        and changes.field = events.field
        and changes.compared_value = events.compared_value
    qualify row_number() over (
        partition by changes.change_key
        order by
            case when events.occurred_at <= changes.known_at then 0 else 1 end,
            events.occurred_at desc,
            events.exception_id,
            events.event desc
    ) = 1
),

senders as (
    select distinct rooftop
    from exceptions
),

final as (
    select
        changes.change_key,
        changes.feed,
        changes.entity,
        changes.record_key,
        coalesce(nullif(changes.rooftop, ''), 'unknown') as rooftop,
        changes.field,
        changes.file_id,
        changes.row_number,
        explained.exception_id,
        changes.previous_value,
        changes.new_value,
        explained.employee as changed_by,
        explained.role as changed_by_role,
        explained.reason,
        case when senders.rooftop is null then 'the rooftop sends no events' end as excluded,
        coalesce(
            {{ local_day('changes.said_at', "coalesce(rooftops.time_zone, 'UTC')") }},
            {{ data_day('changes.exported_at', "coalesce(rooftops.time_zone, 'UTC')") }}
        ) as changed_on,
        coalesce(changes.said_at, changes.exported_at) as true_at,
        changes.known_at,
        explained.change_key is not null as is_explained,
    from changes
    left join explained
        on changes.change_key = explained.change_key
    left join senders
        on changes.rooftop = senders.rooftop
    left join rooftops
        on changes.rooftop = rooftops.rooftop
)

select * from final
