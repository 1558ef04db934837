-- Our promise: the parts of a document move by exactly what is settled of it, so that their sum is
-- the document's amount less every settlement. A row here is a fault of the models, never of the
-- source: the ageing would not tie.
with documents as (
    select document_key, amount from {{ ref('int_receivables_unioned') }}
),

settled as (
    select document_key, sum(settled) as amount
    from {{ ref('int_settlements_ordered') }}
    group by document_key
),

moved as (
    select document_key, sum(amount) as amount
    from {{ ref('fct_receivable_movement') }}
    group by document_key
)

select
    documents.document_key,
    documents.amount - coalesce(settled.amount, 0) as expected,
    moved.amount as found,
from documents
left join settled
    on documents.document_key = settled.document_key
left join moved
    on documents.document_key = moved.document_key
where moved.amount is null
    or moved.amount <> documents.amount - coalesce(settled.amount, 0)
