-- Who decided an exception also approved it. It matters because an approval is a second pair of
-- eyes. Have somebody else look at the decision.
{{ config(severity='warn') }}

with events as (
    select * from {{ ref('fct_exception_event') }}
),

decisions as (
    select rooftop, exception_id, event, employee
    from events
    where event_kind = 'decided'
)

select
    events.rooftop,
    events.exception_id,
    events.event,
    events.kind,
    events.occurred_on,
    events.approver,
from events
inner join decisions
    on events.rooftop = decisions.rooftop
    and events.exception_id = decisions.exception_id
    and events.event >= decisions.event
where events.approver = decisions.employee
qualify row_number() over (
    partition by events.rooftop, events.exception_id, events.event
    order by decisions.event desc
) = 1
