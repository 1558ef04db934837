-- More was allocated to an invoice, or from a payment or credit note, than it is worth, by all that
-- is known. An invoice shows a negative row of kind overpayment, a credit turns into a debit. It
-- matters because one of the allocations is probably wrong or belongs to another document. Look at
-- the document's allocations.
{{ config(severity='warn') }}

select
    documents.rooftop,
    documents.document_kind,
    documents.document,
    documents.amount,
    sum(movements.amount) as left_over,
from {{ ref('int_receivables_unioned') }} as documents
inner join {{ ref('fct_receivable_movement') }} as movements
    on documents.document_key = movements.document_key
group by all
having (documents.amount >= 0 and left_over < 0)
    or (documents.amount < 0 and left_over > 0)
