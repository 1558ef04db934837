with documents as (
    select * from {{ ref('int_receivables_unioned') }}
),

parts as (
    select * from {{ ref('int_receivables_split') }}
),

settlements as (
    select * from {{ ref('int_settlements_ordered') }}
),

-- Whatever came before a day decides which instalment a settlement fills, so the change of each
-- part's balance is the same whatever day is asked for, and any day's balance is a plain sum.
settled as (
    select
        parts.receivable_key,
        settlements.*,
        {{ receivable_balance('parts', 'settlements.settled_before') }} as balance_before,
        {{ receivable_balance('parts', 'settlements.settled_after') }} as balance_after,
    from settlements
    inner join parts
        on settlements.document_key = parts.document_key
),

moved as (
    select
        parts.receivable_key,
        'posted' as effect_key,
        documents.document_key,
        'posted' as movement,
        documents.entry_kind as kind,
        cast(null as varchar) as allocation_id,
        cast(null as varchar) as counter_key,
        documents.posted_on as effective_on,
        cast(0 as decimal(18, 2)) as balance_before,
        parts.amount as balance_after,
        documents.file_id,
        documents.row_number,
    from parts
    inner join documents
        on parts.document_key = documents.document_key
    where parts.instalment_source <> 'overpayment'

    union all

    select
        receivable_key,
        effect_key,
        document_key,
        movement,
        kind,
        allocation_id,
        counter_key,
        effective_on,
        balance_before,
        balance_after,
        file_id,
        row_number,
    from settled
    where balance_before <> balance_after
),

settled_parts as (
    select receivable_key, max(effective_on) as settled_on
    from moved
    group by receivable_key
    having sum(balance_after - balance_before) = 0
),

final as (
    select
        moved.receivable_key || '|' || moved.effect_key as movement_key,
        moved.receivable_key,
        moved.document_key,
        documents.rooftop,
        documents.legal_entity,
        documents.schedule,
        documents.customer_id,
        moved.allocation_id,
        moved.counter_key as counter_document_key,
        moved.file_id,
        moved.row_number,
        moved.movement,
        moved.kind,
        documents.currency,
        documents.base_currency,
        moved.effective_on,
        min(moved.effective_on) over (partition by moved.receivable_key) as opened_on,
        settled_parts.settled_on,
        cast(moved.balance_after - moved.balance_before as decimal(18, 2)) as amount,
        -- Differences of rounded balances: their sum is the balance at the booked rate, rounded
        -- once.
        cast(
            {{ money_times('moved.balance_after', 'documents.rate') }}
            - {{ money_times('moved.balance_before', 'documents.rate') }}
            as decimal(18, 2)
        ) as amount_base,
        moved.movement = 'allocated' and moved.kind = 'payment' as is_cash,
        coalesce(moved.effective_on <= reached.newest_on, false) as is_within_data,
    from moved
    inner join documents
        on moved.document_key = documents.document_key
    left join settled_parts
        on moved.receivable_key = settled_parts.receivable_key
    cross join {{ ref('int_data_days_reached') }} as reached
)

select * from final
