-- Calls that nobody picked up, as promises to call back (METRICS section 7); fct_call judges them.
select {{ promise(
    'missed_call', 'call', of='calls', lead_key='calls.lead_key',
    opened_on='calls.started_on', due_on='calls.return_due_on', closed_on='calls.returned_on',
    is_kept='calls.is_returned_in_time',
    evidence="case when calls.returned_at is null then 'not returned' else 'returned' end",
) }}
from {{ ref('fct_call') }} as calls
where calls.is_answered = false
