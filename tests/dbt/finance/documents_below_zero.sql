{{ config(severity='warn') }}
-- Says: these invoices, credit notes and payments carry an amount below zero; the kind of a
-- document says which way its money goes, so amounts are positive.
-- Matters: an invoice below zero stands as a credit, a credit note or payment below zero as a debt.
-- Resolve: have the source export the amount positive, with the kind that it is.
with documents as (
    select
        'dms_invoices' as feed,
        invoice_key as record_key,
        kind,
        posted_on,
        amount,
        file_id,
        row_number,
    from {{ ref('stg_dms__invoices') }}

    union all

    select
        'dms_payments' as feed,
        payment_key as record_key,
        kind,
        posted_on,
        amount,
        file_id,
        row_number,
    from {{ ref('stg_dms__payments') }}
)

select * from documents
where amount < 0
