-- An exception was closed although its condition is not met, or nobody says that it is. It matters
-- because what went wrong may still be wrong. Reopen it, or have the source record the condition.
{{ config(severity='warn') }}

select
    rooftop,
    exception_id,
    event,
    kind,
    occurred_on,
    employee,
    closure_condition,
    is_closure_met,
from {{ ref('fct_exception_event') }}
where event_kind = 'closed'
    and is_closure_met is not true
