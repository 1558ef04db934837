with events as (
    select * from {{ ref('stg_dms__exceptions') }}
),

rooftops as (
    select * from {{ ref('dim_rooftop') }}
)

select
    events.exception_event_key,
    events.rooftop,
    events.exception_id,
    cast(events.event as bigint) as event,
    events.file_id,
    events.row_number,
    events.event_kind,
    events.kind,
    events.entity,
    events.entity_id,
    events.field,
    events.previous_value,
    events.new_value,
    events.reason,
    events.role,
    coalesce(events.employee, 'unknown') as employee,
    events.approver,
    events.approval_status,
    events.evidence,
    events.closure_condition,
    events.currency,
    events.occurred_at,
    {{ local_day('events.occurred_at', 'rooftops.time_zone') }} as occurred_on,
    events.due_at,
    cast(events.gross_impact as decimal(18, 2)) as gross_impact,
    cast(events.days_impact as decimal(18, 6)) as days_impact,
    events.closure_met as is_closure_met,
from events
inner join rooftops
    on events.rooftop = rooftops.rooftop
