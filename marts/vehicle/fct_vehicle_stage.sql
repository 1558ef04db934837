with statuses as (
    select * from {{ ref('int_stock_statuses_dated') }}
),

events as (
    select * from {{ ref('stg_dms__vehicle_events') }}
),

stock_units as (
    select * from {{ ref('fct_stock_unit') }}
)

select
    statuses.stock_unit_key || '|' || cast(statuses.position as varchar) as vehicle_stage_key,
    statuses.stock_unit_key,
    stock_units.rooftop,
    stock_units.stock_number,
    statuses.position as stage_number,
    coalesce(events.file_id, stock_units.file_id) as file_id,
    coalesce(events.row_number, stock_units.row_number) as row_number,
    statuses.status as stage,
    events.location,
    events.employee,
    events.note,
    stock_units."use",
    stock_units.condition,
    stock_units.make,
    stock_units.model,
    statuses.valid_from as entered_on,
    -- A car that has left stands in no stage any more, whatever its last event says.
    least(statuses.valid_to, stock_units.left_on) as left_on,
    case
        when least(statuses.valid_to, stock_units.left_on) is not null
            then greatest(
                {{ days_between(
                    'statuses.valid_from', 'least(statuses.valid_to, stock_units.left_on)'
                ) }},
                0
            )
    end as stage_days,
from statuses
inner join stock_units
    on statuses.stock_unit_key = stock_units.stock_unit_key
left join events
    on statuses.event_key = events.event_key
