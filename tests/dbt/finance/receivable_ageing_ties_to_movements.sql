-- Our promise: what the ageing shows at the newest day is everything that moved up to it, by
-- rooftop, schedule and currency, on either basis. A row here is a fault of the models: a document
-- lost or shown twice.

-- METRICS: 5.adds-up
with bases as (
    select distinct aged_by from {{ ref('dim_ageing_bucket') }}
),

moved as (
    select
        bases.aged_by,
        movements.rooftop,
        movements.schedule,
        movements.currency,
        sum(movements.amount) as amount,
        coalesce(sum(movements.amount_base), 0) as amount_base,
    from {{ ref('fct_receivable_movement') }} as movements
    inner join {{ ref('int_data_days_reached') }} as reached
        on movements.effective_on <= reached.newest_on
    cross join bases
    group by all
),

aged as (
    select
        aged_by,
        rooftop,
        schedule,
        currency,
        sum(outstanding) as amount,
        coalesce(sum(outstanding_base), 0) as amount_base,
    from {{ ref('int_receivables_aged') }}
    group by all
)

select
    aged_by,
    rooftop,
    schedule,
    currency,
    moved.amount as moved,
    aged.amount as aged,
from moved
full join aged
    using (aged_by, rooftop, schedule, currency)
where coalesce(moved.amount, 0) <> coalesce(aged.amount, 0)
    or coalesce(moved.amount_base, 0) <> coalesce(aged.amount_base, 0)
