-- What was promised in the workshop (METRICS section 7): one row per rule and record, with the day
-- it falls due, the first day at whose end it is broken if it is not kept, and the day on which it
-- ended.
with rooftops as (
    select * from {{ ref('dim_rooftop') }}
),

orders as (
    select
        orders.*,
        {{ local_day('orders.first_promised_at', 'rooftops.time_zone') }} as promised_on,
        coalesce(orders.completed_at, orders.closed_at) as done_at,
        {{ local_day('coalesce(orders.completed_at, orders.closed_at)', 'rooftops.time_zone') }}
            as done_on,
        coalesce(
            {{ local_day('staged.promise_moved_at', 'rooftops.time_zone') }},
            {{ data_day('staged.promise_move_exported_at', 'rooftops.time_zone') }}
        ) as move_told_on,
    from {{ ref('fct_repair_order') }} as orders
    inner join rooftops
        on orders.rooftop = rooftops.rooftop
    left join {{ ref('stg_dms__repair_orders') }} as staged
        on orders.repair_order_key = staged.repair_order_key
    where not orders.is_voided
),

lines as (
    select
        lines.*,
        staged.sale,
    from {{ ref('fct_repair_order_line') }} as lines
    left join {{ ref('stg_dms__ro_lines') }} as staged
        on lines.repair_order_line_key = staged.repair_order_line_key
    where not lines.is_voided
),

messages as (
    select rooftop, customer_id, occurred_at, occurred_on,
    from {{ ref('fct_lead_activity') }}
    where direction = 'out'
        and channel <> 'note'
        and not is_bulk
        and customer_id is not null
),

-- Where the CRM knows none of the workshop's customers, nobody can tell who was written to.
message_senders as (
    select distinct orders.rooftop
    from orders
    inner join messages
        on orders.rooftop = messages.rooftop
        and orders.customer_id = messages.customer_id
),

first_messages as (
    select orders.repair_order_key, min(messages.occurred_at) as sent_at,
    from orders
    inner join messages
        on orders.rooftop = messages.rooftop
        and orders.customer_id = messages.customer_id
        and orders.closed_at <= messages.occurred_at
    group by orders.repair_order_key
),

follow_ups as (
    select lines.repair_order_line_key, min(messages.occurred_on) as sent_on,
    from lines
    inner join messages
        on lines.rooftop = messages.rooftop
        and lines.customer_id = messages.customer_id
        and lines.closed_on < messages.occurred_on
    where lines.is_declined
    group by lines.repair_order_line_key
),

inspections as (
    select
        inspections.*,
        coalesce({{ vin_key('inspections.vin') }}, inspections.stock_number) as car,
        {{ local_day('inspections.inspected_at', 'rooftops.time_zone') }} as inspected_on,
    from {{ ref('stg_dms__inspections') }} as inspections
    inner join rooftops
        on inspections.rooftop = rooftops.rooftop
),

retests as (
    select failed.inspection_key, min(later.inspected_on) as retested_on,
    from inspections as failed
    inner join inspections as later
        on failed.rooftop = later.rooftop
        and failed.car = later.car
        and coalesce(failed.kind, '') = coalesce(later.kind, '')
        and failed.inspected_at < later.inspected_at
        and later.result <> 'aborted'
    where failed.result = 'fail'
    group by failed.inspection_key
),

removals as (
    select rooftop, stock_number, removed_on
    from {{ ref('stg_dms__vehicles') }}
    where removed_on is not null
),

final as (
    select {{ promise(
        'closed_without_message', 'repair_order', of='orders', entity_id='orders.ro_number',
        owner='orders.advisor', opened_on='orders.closed_on',
        due_on=local_day(add_seconds('orders.closed_at', 86400), 'rooftops.time_zone'),
        closed_on=local_day('first_messages.sent_at', 'rooftops.time_zone'),
        is_kept=seconds_between('orders.closed_at', 'first_messages.sent_at') ~ ' <= 86400',
        evidence="case when first_messages.sent_at is null then 'no message' "
            ~ "else 'message sent' end",
    ) }}
    from orders
    inner join rooftops
        on orders.rooftop = rooftops.rooftop
    inner join message_senders
        on orders.rooftop = message_senders.rooftop
    left join first_messages
        on orders.repair_order_key = first_messages.repair_order_key
    where orders.closed_at is not null

    union all

    select {{ promise(
        'promised_time_missed', 'repair_order', of='orders', entity_id='orders.ro_number',
        owner='orders.advisor', opened_on='least(orders.opened_on, orders.promised_on)',
        due_on='orders.promised_on', closed_on='orders.done_on',
        broken_on='case when orders.move_told_on is null then orders.promised_on '
            ~ 'else least(orders.promised_on, orders.move_told_on, orders.done_on) end',
        is_kept='orders.seconds_past_promise <= 0 and orders.move_told_on is null',
        evidence="case when orders.move_told_on is not null then 'promise moved' "
            ~ "else 'first promise stands' end",
    ) }}
    from orders
    where orders.promised_on is not null
        and (orders.done_at is not null or orders.gone_on is null)

    union all

    select {{ promise(
        'part_past_eta', 'repair_order_line', of='lines',
        entity_id="lines.ro_number || ' ' || lines.line", owner='lines.advisor',
        opened_on='least(lines.ordered_on, lines.eta_on)', due_on='lines.eta_on',
        broken_on=add_days('lines.eta_on', 1),
        closed_on='least(lines.received_on, lines.closed_on)',
        is_kept='least(lines.received_on, lines.closed_on) <= lines.eta_on',
        evidence="coalesce('from ' || lines.supplier, 'part')",
    ) }}
    from lines
    where lines.kind = 'part'
        and lines.eta_on is not null

    union all

    select {{ promise(
        'declined_work', 'repair_order_line', of='lines',
        entity_id="lines.ro_number || ' ' || lines.line", owner='lines.advisor',
        opened_on='lines.closed_on',
        closed_on='least(follow_ups.sent_on, lines.sold_later_on)',
        evidence="lines.op_code || ' declined'",
        worth=['lines.sale', 'declined value', 'lines.currency'],
    ) }}
    from lines
    inner join message_senders
        on lines.rooftop = message_senders.rooftop
    left join follow_ups
        on lines.repair_order_line_key = follow_ups.repair_order_line_key
    where lines.is_declined
        and lines.closed_on is not null

    union all

    select {{ promise(
        'failed_without_retest', 'inspection', of='inspections', owner='inspections.inspector',
        opened_on='inspections.inspected_on',
        closed_on='least(retests.retested_on, removals.removed_on)',
        is_kept='retests.retested_on = inspections.inspected_on',
        evidence="coalesce(inspections.kind, 'inspection') || ' failed'",
    ) }}
    from inspections
    left join retests
        on inspections.inspection_key = retests.inspection_key
    left join removals
        on inspections.rooftop = removals.rooftop
        and inspections.stock_number = removals.stock_number
    where inspections.result = 'fail'
)

select * from final
