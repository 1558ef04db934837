-- Calls that nobody picked up, as promises to call back (METRICS section 7); fct_call judges them.
select
    'missed_call' as rule,
    rooftop,
    'call' as entity,
    call_id as entity_id,
    call_key as entity_key,
    lead_key,
    cast(null as varchar) as deal_key,
    'unknown' as owner,
    started_on as opened_on,
    return_due_on as due_on,
    return_due_on as broken_on,
    returned_on as closed_on,
    is_returned_in_time as is_kept,
    cast(null as decimal(18, 2)) as amount,
    cast(null as varchar) as amount_label,
    cast(null as varchar) as currency,
    case when returned_at is null then 'not returned' else 'returned' end as evidence,
    file_id,
    row_number,
from {{ ref('fct_call') }}
where is_answered = false
