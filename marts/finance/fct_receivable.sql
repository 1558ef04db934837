with documents as (
    select * from {{ ref('int_receivables_unioned') }}
),

parts as (
    select * from {{ ref('int_receivables_split') }}
),

settled as (
    select
        receivable_key,
        max(settled_on) as settled_on,
        coalesce(bool_or(is_cash), false) as is_paid_by_cash,
    from {{ ref('fct_receivable_movement') }}
    group by receivable_key
),

-- A contract is funded once the last of its instalments is paid.
funded as (
    select
        parts.document_key,
        min(parts.instalment) as first_instalment,
        case when count(*) = count(settled.settled_on) then max(settled.settled_on) end
            as funded_on,
        coalesce(bool_or(settled.is_paid_by_cash), false) as is_paid_by_cash,
    from parts
    left join settled
        on parts.receivable_key = settled.receivable_key
    where parts.instalment_source <> 'overpayment'
    group by parts.document_key
),

files as (
    select file_id, name from {{ source('ledger', 'files') }}
),

listed_schedules as (
    select distinct schedule from {{ source('settings', 'ageing_buckets') }}
),

joined as (
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
        case when documents.contract_on is not null then funded.funded_on end as funded_on,
        parts.amount,
        documents.rate,
        {{ money_times('parts.amount', 'documents.rate') }} as amount_base,
        parts.is_debit,
        documents.contract_on is not null
            and parts.instalment_source <> 'overpayment'
            and parts.instalment = funded.first_instalment as is_contract_in_transit,
        coalesce(funded.is_paid_by_cash, false) as is_paid_by_cash,
        documents.is_vanished,
    from parts
    inner join documents
        on parts.document_key = documents.document_key
    left join settled
        on parts.receivable_key = settled.receivable_key
    left join funded
        on parts.document_key = funded.document_key
    left join files
        on documents.file_id = files.file_id
    left join listed_schedules
        on documents.schedule = listed_schedules.schedule
),

final as (
    select
        receivable_key,
        document_key,
        rooftop,
        document_kind,
        document,
        instalment,
        legal_entity,
        schedule,
        ageing_schedule,
        customer_id,
        deal_number,
        ro_number,
        refers_to,
        file_id,
        row_number,
        entry_kind,
        customer_name,
        terms_source,
        instalment_source,
        dispute_reason,
        currency,
        base_currency,
        file_name,
        case
            when not is_contract_in_transit or funded_on is null then null
            when funded_on < contract_on then 'funded before the contract'
            when {{ days_between('contract_on', 'funded_on') }} > 365 then 'took over 365 days'
            when not is_paid_by_cash then 'settled without cash'
        end as funding_excluded,
        posted_on,
        due_on,
        contract_on,
        disputed_from,
        disputed_until,
        settled_on,
        funded_on,
        {{ days_between('contract_on', 'funded_on') }} * cast(86400 as bigint) as funding_seconds,
        amount,
        rate,
        amount_base,
        is_debit,
        is_contract_in_transit,
        is_vanished,
    from joined
)

select * from final
