-- Our promise: the named parts of a month lead from its opening to its closing, and the last
-- closing is everything that moved. A row here is a fault of the models: a movement in no part, in
-- two, or in no month.

-- METRICS: 5.roll-forward
with last_rows as (
    select * from {{ ref('fct_receivable_rollforward') }}
    qualify row_number() over (partition by rooftop, schedule order by month desc) = 1
),

moved as (
    select rooftop, schedule, coalesce(sum(amount_base), 0) as amount,
    from {{ ref('fct_receivable_movement') }}
    where is_within_data
    group by rooftop, schedule
)

select
    'parts' as fault,
    rooftop,
    schedule,
    month,
    closing as expected,
    opening + invoices - cash + refunds_and_returned - credit_notes - write_offs + fx + transfers
        as found,
from {{ ref('fct_receivable_rollforward') }}
where closing <> found

union all

select
    'closing' as fault,
    moved.rooftop,
    moved.schedule,
    last_rows.month,
    moved.amount as expected,
    last_rows.closing as found,
from moved
full join last_rows
    on moved.rooftop = last_rows.rooftop
    and moved.schedule = last_rows.schedule
where moved.amount is distinct from last_rows.closing
