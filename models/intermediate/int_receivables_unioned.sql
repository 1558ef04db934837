-- One row per receivable document: invoices, credit notes, receipts, refunds and returned payments,
-- with the amount signed (a debit is positive) and the day from which it ages.
with invoices as (
    select * from {{ ref('stg_dms__invoices') }}
),

payments as (
    select * from {{ ref('stg_dms__payments') }}
),

deals as (
    select rooftop, deal_number, contract_on from {{ ref('stg_dms__deals') }}
),

customers as (
    select rooftop, customer_id, name from {{ ref('stg_dms__customers') }}
),

rooftops as (
    select rooftop, legal_entity, currency from {{ ref('dim_rooftop') }}
),

terms as (
    select
        replace(key, 'ageing.default_terms.', '') as schedule,
        cast(cast(value as decimal(18, 6)) as integer) as days,
        valid_from,
        valid_to,
    from {{ source('settings', 'policies') }}
    where key like 'ageing.default_terms.%'
),

entered as (
    select
        'invoices' as book,
        rooftop,
        invoice_number as document,
        case when lower(kind) = 'credit_note' then 'credit_note' else 'invoice' end as entry_kind,
        coalesce(schedule, 'customer') as schedule,
        customer_id,
        customer_name,
        deal_number,
        ro_number,
        credits_invoice as refers_to,
        posted_on,
        due_on,
        terms_days,
        disputed_from,
        disputed_until,
        dispute_reason,
        amount,
        currency,
        rate,
        gone_at,
        file_id,
        row_number,
    from invoices

    union all

    select
        'payments' as book,
        rooftop,
        payment_number as document,
        case
            when lower(kind) in ('refund', 'returned') then lower(kind)
            else 'payment'
        end as entry_kind,
        coalesce(schedule, 'customer') as schedule,
        customer_id,
        customer_name,
        deal_number,
        cast(null as varchar) as ro_number,
        reverses as refers_to,
        posted_on,
        cast(null as date) as due_on,
        cast(null as bigint) as terms_days,
        cast(null as date) as disputed_from,
        cast(null as date) as disputed_until,
        cast(null as varchar) as dispute_reason,
        amount,
        currency,
        rate,
        gone_at,
        file_id,
        row_number,
    from payments
),

dated as (
    select
        entered.*,
        case when entered.entry_kind = 'returned' then 'refund' else entered.entry_kind end
            as document_kind,
        -- A credit and a payment age by their own day: the schedule's default terms are for what a
        -- customer owes.
        case
            when entered.due_on is not null then entered.due_on
            when entered.terms_days is not null
                then {{ add_days('entered.posted_on', 'entered.terms_days') }}
            when entered.entry_kind = 'invoice'
                then {{ add_days(
                    'entered.posted_on', 'coalesce(own_terms.days, default_terms.days, 0)'
                ) }}
            else entered.posted_on
        end as falls_due_on,
        case
            when entered.due_on is not null then 'due date'
            when entered.terms_days is not null then 'terms'
            when entered.entry_kind = 'invoice' then 'schedule'
            else 'own day'
        end as terms_source,
    from entered
    left join terms as own_terms
        on entered.schedule = own_terms.schedule
        and entered.posted_on >= own_terms.valid_from
        and (entered.posted_on < own_terms.valid_to or own_terms.valid_to is null)
    left join terms as default_terms
        on default_terms.schedule = 'default'
        and entered.posted_on >= default_terms.valid_from
        and (entered.posted_on < default_terms.valid_to or default_terms.valid_to is null)
),

final as (
    select
        {{ readable_key(['dated.rooftop', 'dated.document_kind', 'dated.document']) }}
            as document_key,
        dated.book,
        dated.rooftop,
        rooftops.legal_entity,
        dated.document,
        dated.document_kind,
        dated.entry_kind,
        dated.schedule,
        coalesce(dated.customer_id, 'unknown') as customer_id,
        coalesce(dated.customer_name, customers.name) as customer_name,
        dated.deal_number,
        dated.ro_number,
        dated.refers_to,
        dated.posted_on,
        dated.falls_due_on as due_on,
        dated.terms_source,
        -- A contract in transit ages from the day it was signed, whatever its invoice says.
        case
            when dated.schedule = 'contract_in_transit' and dated.document_kind = 'invoice'
                then coalesce(deals.contract_on, dated.posted_on)
        end as contract_on,
        dated.disputed_from,
        dated.disputed_until,
        dated.dispute_reason,
        coalesce(dated.currency, rooftops.currency) as currency,
        rooftops.currency as base_currency,
        case
            when coalesce(dated.currency, rooftops.currency) = rooftops.currency then 1
            when dated.rate > 0 then dated.rate
        end::decimal(18, 6) as rate,
        case
            when dated.document_kind in ('invoice', 'refund') then dated.amount
            else -dated.amount
        end::decimal(18, 2) as amount,
        dated.document_kind in ('invoice', 'refund') and dated.amount >= 0 as is_debit,
        dated.gone_at is not null as is_vanished,
        dated.file_id,
        dated.row_number,
    from dated
    left join rooftops
        on dated.rooftop = rooftops.rooftop
    left join deals
        on dated.rooftop = deals.rooftop
        and dated.deal_number = deals.deal_number
    left join customers
        on dated.rooftop = customers.rooftop
        and dated.customer_id = customers.customer_id
)

select * from final
