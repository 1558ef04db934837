with movements as (
    select * from {{ ref('fct_receivable_movement') }}
    where is_within_data
),

reached as (
    select newest_on from {{ ref('int_data_days_reached') }}
),

-- A document without a booked rate is in no figure of the rooftop's currency; for one that is set
-- against it, it is not there.
counters as (
    select distinct document_key, schedule
    from {{ ref('fct_receivable') }}
    where rate is not null
),

named as (
    select
        movements.*,
        -- Money that moves between two documents of one schedule nets to nothing, save where their
        -- booked rates differ.
        case
            when movements.movement = 'posted' then movements.kind
            when movements.kind in ('write_off', 'fx', 'transfer') then movements.kind
            when counters.document_key is null then movements.kind
            when counters.schedule <> movements.schedule then 'transfer'
            else 'fx'
        end as part,
    from movements
    left join counters
        on movements.counter_document_key = counters.document_key
),

monthly as (
    select
        named.rooftop,
        named.legal_entity,
        named.schedule,
        named.base_currency as currency,
        cast(date_trunc('month', named.effective_on) as date) as month,
        coalesce(sum(named.amount_base) filter (where named.part = 'invoice'), 0) as invoices,
        coalesce(-sum(named.amount_base) filter (where named.part = 'payment'), 0) as cash,
        coalesce(
            sum(named.amount_base) filter (where named.part in ('refund', 'returned')), 0
        ) as refunds_and_returned,
        coalesce(
            -sum(named.amount_base) filter (where named.part = 'credit_note'), 0
        ) as credit_notes,
        coalesce(-sum(named.amount_base) filter (where named.part = 'write_off'), 0) as write_offs,
        coalesce(sum(named.amount_base) filter (where named.part = 'fx'), 0) as fx,
        coalesce(sum(named.amount_base) filter (where named.part = 'transfer'), 0) as transfers,
        coalesce(sum(named.amount_base), 0) as moved,
        count(distinct named.document_key)
            filter (where named.amount_base is null) as documents_without_rate,
    from named
    group by all
),

-- A day that a source mistyped may lie outside the calendar; what moved on it counts all the same.
months as (
    select month from {{ ref('dim_date') }}
    union
    select month from monthly
),

-- A month in which nothing moved has a row too: what was open stays open.
accounts as (
    select rooftop, legal_entity, schedule, currency, min(month) as first_month,
    from monthly
    group by all
),

filled as (
    select
        accounts.rooftop,
        accounts.legal_entity,
        accounts.schedule,
        accounts.currency,
        months.month,
        least(
            {{ add_days(
                "cast(date_trunc('month', " ~ add_days('months.month', 31) ~ ') as date)', -1
            ) }},
            reached.newest_on
        ) as through_on,
        coalesce(monthly.invoices, 0) as invoices,
        coalesce(monthly.cash, 0) as cash,
        coalesce(monthly.refunds_and_returned, 0) as refunds_and_returned,
        coalesce(monthly.credit_notes, 0) as credit_notes,
        coalesce(monthly.write_offs, 0) as write_offs,
        coalesce(monthly.fx, 0) as fx,
        coalesce(monthly.transfers, 0) as transfers,
        coalesce(monthly.documents_without_rate, 0) as documents_without_rate,
        coalesce(monthly.moved, 0) as moved,
        sum(coalesce(monthly.moved, 0)) over (
            partition by accounts.rooftop, accounts.legal_entity, accounts.schedule
            order by months.month
            rows between unbounded preceding and current row
        ) as closing,
    from accounts
    inner join months
        on accounts.first_month <= months.month
    inner join reached
        on months.month <= reached.newest_on
    left join monthly
        on accounts.rooftop = monthly.rooftop
        and accounts.schedule = monthly.schedule
        and months.month = monthly.month
),

final as (
    select
        {{ readable_key(['rooftop', 'schedule', 'month']) }} as rollforward_key,
        rooftop,
        schedule,
        legal_entity,
        currency,
        month,
        through_on,
        cast(closing - moved as decimal(18, 2)) as opening,
        cast(invoices as decimal(18, 2)) as invoices,
        cast(cash as decimal(18, 2)) as cash,
        cast(refunds_and_returned as decimal(18, 2)) as refunds_and_returned,
        cast(credit_notes as decimal(18, 2)) as credit_notes,
        cast(write_offs as decimal(18, 2)) as write_offs,
        cast(fx as decimal(18, 2)) as fx,
        cast(transfers as decimal(18, 2)) as transfers,
        cast(closing as decimal(18, 2)) as closing,
        documents_without_rate,
    from filled
)

select * from final
