-- The instalments of an invoice do not add up to it, or belong to no invoice. What is missing is
-- due with the last, what is too much is cut from the last. It matters for the days past due.
-- Compare with the contract.
{{ config(severity='warn') }}

with instalments as (
    select rooftop, invoice_number, sum(amount) as amount, min(amount) as least_amount,
    from {{ ref('stg_dms__instalments') }}
    group by rooftop, invoice_number
)

select
    instalments.rooftop,
    instalments.invoice_number,
    documents.amount as invoice,
    instalments.amount as instalments,
from instalments
left join {{ ref('int_receivables_unioned') }} as documents
    on instalments.rooftop = documents.rooftop
    and instalments.invoice_number = documents.document
    and documents.document_kind = 'invoice'
where documents.amount is distinct from instalments.amount
    or instalments.least_amount <= 0
