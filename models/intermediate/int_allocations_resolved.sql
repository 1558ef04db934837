-- One row per allocation, with the documents it names found, the day from which it counts and what
-- it takes off each side. A document that is not there leaves its side null; the other side counts
-- all the same.
with allocations as (
    select * from {{ ref('stg_dms__allocations') }}
),

documents as (
    select
        book,
        rooftop,
        document,
        document_key,
        document_kind,
        is_debit,
        posted_on,
        currency,
        rate,
    from {{ ref('int_receivables_unioned') }}
),

invoices as (
    select * from documents where book = 'invoices'
),

payments as (
    select * from documents where book = 'payments'
),

named as (
    select
        *,
        lower(kind) as said_kind,
        case
            when lower(from_kind) in ('invoice', 'credit_note') then 'invoices'
            when lower(from_kind) in ('payment', 'receipt', 'refund', 'returned') then 'payments'
        end as from_book,
        case
            when lower(to_kind) in ('invoice', 'credit_note') then 'invoices'
            when lower(to_kind) in ('payment', 'receipt', 'refund', 'returned') then 'payments'
        end as to_book,
    from allocations
),

-- Where only a number is named and an invoice and a payment share it, the money comes from the
-- credit and goes to the debit.
found as (
    select
        named.allocation_key,
        case
            when named.from_book = 'invoices' then from_invoices.document_key
            when named.from_book = 'payments' then from_payments.document_key
            when from_invoices.document_kind = 'credit_note'
                and (
                    named.said_kind = 'credit_note'
                    or coalesce(from_payments.document_kind, '') <> 'payment'
                )
                then from_invoices.document_key
            else coalesce(from_payments.document_key, from_invoices.document_key)
        end as from_key,
        case
            when named.to_book = 'invoices' then to_invoices.document_key
            when named.to_book = 'payments' then to_payments.document_key
            when to_payments.document_kind = 'refund'
                and coalesce(to_invoices.document_kind, '') <> 'invoice'
                then to_payments.document_key
            else coalesce(to_invoices.document_key, to_payments.document_key)
        end as to_key,
    from named
    left join invoices as from_invoices
        on named.rooftop = from_invoices.rooftop
        and named.from_document = from_invoices.document
    left join payments as from_payments
        on named.rooftop = from_payments.rooftop
        and named.from_document = from_payments.document
    left join invoices as to_invoices
        on named.rooftop = to_invoices.rooftop
        and named.to_document = to_invoices.document
    left join payments as to_payments
        on named.rooftop = to_payments.rooftop
        and named.to_document = to_payments.document
),

resolved as (
    select
        named.allocation_key,
        named.rooftop,
        named.allocation_id,
        found.from_key,
        found.to_key,
        named.from_document,
        named.to_document,
        case
            when named.said_kind in ('payment', 'credit_note', 'write_off', 'transfer', 'fx')
                then named.said_kind
            when sources.document_kind = 'credit_note' or lower(named.from_kind) = 'credit_note'
                then 'credit_note'
            when sources.is_debit then 'transfer'
            else 'payment'
        end as allocation_kind,
        named.allocated_on,
        greatest(named.allocated_on, sources.posted_on, targets.posted_on) as effective_on,
        named.amount,
        -- The amount is in the currency of the document it settles; a payment in another one gives
        -- the equal value.
        case
            when targets.document_key is null or sources.currency = targets.currency
                then named.amount
            else {{ money_share(
                'named.amount',
                'cast(targets.rate as decimal(24, 6)) * 1000000',
                'cast(sources.rate as decimal(24, 6)) * 1000000',
            ) }}
        end as from_amount,
        named.file_id,
        named.row_number,
    from named
    inner join found
        on named.allocation_key = found.allocation_key
    left join documents as sources
        on found.from_key = sources.document_key
    left join documents as targets
        on found.to_key = targets.document_key
),

final as (
    select
        * exclude (from_amount),
        -- A write-off and an exchange difference come from no document, also where they mention
        -- one.
        case
            when allocation_kind not in ('write_off', 'fx') and from_key is not null
                then from_amount
        end as from_amount,
    from resolved
)

select * from final
