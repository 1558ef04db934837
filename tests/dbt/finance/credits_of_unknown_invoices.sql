-- A credit note names an invoice that is not here, or that is in another currency, and no
-- allocation names the credit note: it stands as a negative row of its own. It matters because the
-- invoice looks fully owed. Mend the reference.
{{ config(severity='warn') }}

with named as (
    select from_key as document_key from {{ ref('int_allocations_resolved') }}
    union
    select to_key as document_key from {{ ref('int_allocations_resolved') }}
),

documents as (
    select * from {{ ref('int_receivables_unioned') }}
)

select
    credits.rooftop,
    credits.document,
    credits.refers_to,
    credits.posted_on,
    credits.amount,
from documents as credits
left join documents as invoices
    on credits.rooftop = invoices.rooftop
    and credits.refers_to = invoices.document
    and credits.currency = invoices.currency
    and invoices.document_kind = 'invoice'
left join named
    on credits.document_key = named.document_key
where credits.document_kind = 'credit_note'
    and credits.refers_to is not null
    and invoices.document_key is null
    and named.document_key is null
