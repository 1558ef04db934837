-- Our promise: the posted movement of every part is the amount that fct_receivable shows for it,
-- and the parts of a document add up to the document. A row here is a fault of the models: money
-- would be split wrongly.
with parts as (
    select
        receivables.document_key,
        receivables.receivable_key,
        receivables.amount,
        coalesce(sum(movements.amount), 0) as posted,
    from {{ ref('fct_receivable') }} as receivables
    left join {{ ref('fct_receivable_movement') }} as movements
        on receivables.receivable_key = movements.receivable_key
        and movements.movement = 'posted'
    group by all
)

select
    documents.document_key,
    documents.amount,
    sum(parts.amount) as in_parts,
    sum(parts.posted) as posted,
from {{ ref('int_receivables_unioned') }} as documents
left join parts
    on documents.document_key = parts.document_key
group by documents.document_key, documents.amount
having sum(parts.amount) is distinct from documents.amount
    or sum(parts.posted) is distinct from documents.amount
