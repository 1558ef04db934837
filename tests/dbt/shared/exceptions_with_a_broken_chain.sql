-- The value before a change is not the value after the change before it, or an event is missing in
-- the order. It matters because the history of the field has a hole. Look for the missing event.
{{ config(severity='warn') }}

with events as (
    select
        *,
        lag(event) over (partition by rooftop, exception_id order by event) as event_before,
    from {{ ref('fct_exception_event') }}
),

changes as (
    select
        *,
        lag(new_value) over (partition by rooftop, exception_id, field order by event)
            as value_before,
    from events
    where new_value is not null
)

select rooftop, exception_id, event, 'value' as broken, value_before as expected,
    previous_value as found,
from changes
where value_before is not null
    and previous_value is distinct from value_before

union all

select rooftop, exception_id, event, 'order' as broken,
    cast(coalesce(event_before, 0) + 1 as varchar) as expected,
    cast(event as varchar) as found,
from events
where event <> coalesce(event_before, 0) + 1
