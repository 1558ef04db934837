with balances as (
    select * from {{ ref('stg_dms__control_balances') }}
),

rooftops as (
    select rooftop, legal_entity, currency from {{ ref('dim_rooftop') }}
),

movements as (
    select * from {{ ref('fct_receivable_movement') }}
),

stated as (
    select
        balances.control_balance_key,
        balances.rooftop,
        balances.schedule,
        balances.as_of,
        rooftops.legal_entity,
        coalesce(balances.currency, rooftops.currency) as currency,
        rooftops.currency as base_currency,
        balances.balance,
        balances.file_id,
        balances.row_number,
    from balances
    left join rooftops
        on balances.rooftop = rooftops.rooftop
),

-- An account kept in the rooftop's currency holds every document at its booked rate; one kept in
-- another currency holds the documents of that currency.
daily as (
    select
        rooftop,
        schedule,
        base_currency as currency,
        effective_on,
        sum(amount_base) as moved,
    from movements
    group by all

    union all

    select
        rooftop,
        schedule,
        currency,
        effective_on,
        sum(amount) as moved,
    from movements
    where currency <> base_currency
    group by all
),

outstanding as (
    select stated.control_balance_key, sum(daily.moved) as amount
    from stated
    inner join daily
        on stated.rooftop = daily.rooftop
        and stated.schedule = daily.schedule
        and stated.currency = daily.currency
        and stated.as_of >= daily.effective_on
    group by stated.control_balance_key
),

unrated as (
    select stated.control_balance_key, count(distinct movements.document_key) as documents
    from stated
    inner join movements
        on stated.rooftop = movements.rooftop
        and stated.schedule = movements.schedule
        and stated.currency = movements.base_currency
        and stated.as_of >= movements.effective_on
    where movements.amount_base is null
        and (movements.settled_on is null or movements.settled_on > stated.as_of)
    group by stated.control_balance_key
),

final as (
    select
        stated.control_balance_key,
        stated.rooftop,
        stated.schedule,
        stated.as_of,
        stated.legal_entity,
        stated.file_id,
        stated.row_number,
        stated.currency,
        cast(stated.balance as decimal(18, 2)) as control_balance,
        cast(coalesce(outstanding.amount, 0) as decimal(18, 2)) as outstanding,
        cast(coalesce(outstanding.amount, 0) - stated.balance as decimal(18, 2)) as difference,
        coalesce(unrated.documents, 0) as documents_without_rate,
    from stated
    left join outstanding
        on stated.control_balance_key = outstanding.control_balance_key
    left join unrated
        on stated.control_balance_key = unrated.control_balance_key
)

select * from final
