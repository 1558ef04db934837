-- An allocation between documents of two currencies, one of which has no booked rate: it settles
-- its target and takes nothing from its source, whose value is unknown. It matters because the
-- source looks unapplied. Give the document a rate.
{{ config(severity='warn') }}

select
    rooftop,
    allocation_id,
    from_document,
    to_document,
    allocated_on,
    amount,
from {{ ref('int_allocations_resolved') }}
where from_key is not null
    and from_amount is null
    and allocation_kind not in ('write_off', 'fx')
