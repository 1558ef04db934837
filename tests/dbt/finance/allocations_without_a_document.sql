-- An allocation names a document that is not here. The side that is here counts, so the two sides
-- no longer net to zero. It matters when money seems spent on nothing. Find the file the document
-- should have come in, or mend the number.
{{ config(severity='warn') }}

-- METRICS: 5.missing-document
select
    rooftop,
    allocation_id,
    from_document,
    to_document,
    allocated_on,
    amount,
    case
        when to_key is null and from_key is null then 'neither document'
        when to_key is null then 'to_document'
        else 'from_document'
    end as missing,
from {{ ref('int_allocations_resolved') }}
where to_key is null
    or (from_key is null and allocation_kind not in ('write_off', 'fx'))
