with documents as (
    select * from {{ ref('int_receivables_unioned') }}
),

parts as (
    select * from {{ ref('int_receivables_split') }}
),

settled as (
    select receivable_key, max(settled_on) as settled_on
    from {{ ref('fct_receivable_movement') }}
    where settled_on is not null
    group by receivable_key
),

files as (
    select file_id, name from {{ source('ledger', 'files') }}
),

listed_schedules as (
    select distinct schedule from {{ source('settings', 'ageing_edges') }}
),

final as (
    select
        parts.receivable_key,
        parts.document_key,
        parts.rooftop,
        parts.document_kind,
        parts.document,
        cast(parts.instalment as bigint) as instalment,
        documents.legal_entity,
        documents.schedule,
        coalesce(listed_schedules.schedule, 'default') as ageing_schedule,
        documents.customer_id,
        documents.deal_number,
        documents.ro_number,
        documents.refers_to,
        documents.file_id,
        documents.row_number,
        documents.entry_kind,
        documents.customer_name,
        documents.terms_source,
        parts.instalment_source,
        documents.dispute_reason,
        documents.currency,
        documents.base_currency,
        files.name as file_name,
        documents.posted_on,
        parts.due_on,
        documents.contract_on,
        documents.disputed_from,
        documents.disputed_until,
        settled.settled_on,
        parts.amount,
        documents.rate,
        {{ money_times('parts.amount', 'documents.rate') }} as amount_base,
        parts.is_debit,
        position(
            ',' || documents.schedule || ','
            in ',' || {{ policy('ageing.headline_schedules') }} || ','
        ) > 0 as is_headline,
        documents.is_vanished,
    from parts
    inner join documents
        on parts.document_key = documents.document_key
    left join settled
        on parts.receivable_key = settled.receivable_key
    left join files
        on documents.file_id = files.file_id
    left join listed_schedules
        on documents.schedule = listed_schedules.schedule
)

select * from final
