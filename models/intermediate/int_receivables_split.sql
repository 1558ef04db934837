-- One row per part of a document: its instalments (most documents are one) and, where more was
-- allocated to it than it is worth, its overpayment. `filled_before` is how much must be settled
-- before this part gets anything: the oldest due is settled first, the overpayment last.
with documents as (
    select * from {{ ref('int_receivables_unioned') }}
),

given as (
    select
        documents.document_key,
        instalments.instalment,
        instalments.due_on,
        instalments.amount,
        documents.amount as document_amount,
        cast(sum(instalments.amount) over (
            partition by documents.document_key
            order by instalments.due_on, instalments.instalment
            rows between unbounded preceding and current row
        ) as decimal(18, 2)) as reached,
    from documents
    inner join {{ ref('stg_dms__instalments') }} as instalments
        on documents.rooftop = instalments.rooftop
        and documents.document = instalments.invoice_number
    where documents.document_kind = 'invoice'
        and documents.amount > 0
        and instalments.amount > 0
),

-- Instalments beyond the document's amount are cut from the last one back: the document is what is
-- owed.
cut as (
    select
        document_key,
        instalment,
        due_on,
        reached - amount as filled_before,
        least(reached, document_amount) - (reached - amount) as amount,
        case when reached > document_amount then 'cut' else 'instalment' end as instalment_source,
    from given
    where reached - amount < document_amount
),

remainders as (
    select
        document_key,
        max(instalment) + 1 as instalment,
        max(due_on) as due_on,
        max(reached) as filled_before,
        max(document_amount) - max(reached) as amount,
        'remainder' as instalment_source,
    from given
    group by document_key
    having max(reached) < max(document_amount)
),

parts as (
    select
        *,
        row_number() over (partition by document_key order by filled_before desc) = 1 as is_last,
    from (
        select * from cut
        union all
        select * from remainders
    )
),

instalments as (
    select
        documents.document_key,
        documents.rooftop,
        documents.document_kind,
        documents.document,
        documents.is_debit,
        coalesce(parts.instalment, 1) as instalment,
        coalesce(parts.due_on, documents.due_on) as due_on,
        cast(coalesce(parts.filled_before, 0) as decimal(18, 2)) as filled_before,
        cast(coalesce(parts.amount, documents.amount) as decimal(18, 2)) as amount,
        coalesce(parts.instalment_source, 'document') as instalment_source,
        -- What raises a document above its amount (a negative allocation) is owed with the part due
        -- last.
        coalesce(parts.is_last, true) as is_last,
    from documents
    left join parts
        on documents.document_key = parts.document_key
),

most_settled as (
    select document_key, max(settled_after) as settled
    from {{ ref('int_settlements_ordered') }}
    group by document_key
),

overpayments as (
    select
        documents.document_key,
        documents.rooftop,
        'overpayment' as document_kind,
        documents.document,
        false as is_debit,
        -- An invoice and a refund may share a number; their overpayments must not share a key.
        row_number() over (
            partition by documents.rooftop, documents.document
            order by documents.document_key
        ) as instalment,
        documents.due_on,
        documents.amount as filled_before,
        cast(0 as decimal(18, 2)) as amount,
        'overpayment' as instalment_source,
        false as is_last,
    from documents
    inner join most_settled
        on documents.document_key = most_settled.document_key
    where documents.is_debit
        and most_settled.settled > documents.amount
),

final as (
    select * from instalments
    union all
    select * from overpayments
)

select
    {{ readable_key(['rooftop', 'document_kind', 'document', 'instalment']) }} as receivable_key,
    *,
from final
