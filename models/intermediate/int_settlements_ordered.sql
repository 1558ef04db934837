-- One row per effect of an allocation on a document, in the order in which the effects count, with
-- how much of the document was settled before and after it. Settling is positive for a debit and
-- negative for a credit.
with allocations as (
    select * from {{ ref('int_allocations_resolved') }}
),

applied_references as (
    select * from {{ ref('int_credit_references_applied') }}
),

effects as (
    select
        to_key as document_key,
        from_key as counter_key,
        allocation_id,
        'to' as side,
        'allocated' as movement,
        allocation_kind as kind,
        effective_on,
        amount as settled,
        file_id,
        row_number,
    from allocations
    where to_key is not null

    union all

    select
        from_key as document_key,
        to_key as counter_key,
        allocation_id,
        'from' as side,
        'allocated' as movement,
        allocation_kind as kind,
        effective_on,
        -from_amount as settled,
        file_id,
        row_number,
    from allocations
    where from_amount is not null

    union all

    select
        invoice_key as document_key,
        credit_key as counter_key,
        cast(null as varchar) as allocation_id,
        'to' as side,
        'referenced' as movement,
        'credit_note' as kind,
        effective_on,
        amount as settled,
        file_id,
        row_number,
    from applied_references

    union all

    select
        credit_key as document_key,
        invoice_key as counter_key,
        cast(null as varchar) as allocation_id,
        'from' as side,
        'referenced' as movement,
        'credit_note' as kind,
        effective_on,
        -amount as settled,
        file_id,
        row_number,
    from applied_references

    union all

    select
        invoice_key as document_key,
        credit_key as counter_key,
        cast(null as varchar) as allocation_id,
        'to' as side,
        'reference lifted' as movement,
        'credit_note' as kind,
        lifted_on as effective_on,
        -amount as settled,
        file_id,
        row_number,
    from applied_references
    where lifted_on is not null

    union all

    select
        credit_key as document_key,
        invoice_key as counter_key,
        cast(null as varchar) as allocation_id,
        'from' as side,
        'reference lifted' as movement,
        'credit_note' as kind,
        lifted_on as effective_on,
        amount as settled,
        file_id,
        row_number,
    from applied_references
    where lifted_on is not null
),

keyed as (
    select
        *,
        case
            when allocation_id is not null
                then {{ readable_key(['side', 'allocation_id']) }}
            else movement || '|' || counter_key
        end as effect_key,
    from effects
    where settled <> 0
),

final as (
    select
        *,
        cast(sum(settled) over (
            partition by document_key
            -- Payments before credit notes; a lifted reference makes room for the allocation that
            -- replaces it.
            order by
                effective_on,
                case
                    when movement = 'reference lifted' then 0
                    when kind = 'payment' then 1
                    when kind = 'credit_note' then 2
                    else 3
                end,
                effect_key
            rows between unbounded preceding and current row
        ) as decimal(18, 2)) as settled_after,
    from keyed
)

select
    * exclude (settled_after),
    cast(settled_after - settled as decimal(18, 2)) as settled_before,
    settled_after,
from final
