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
    from {{ ref('fct_repair_order') }} as orders
    inner join rooftops
        on orders.rooftop = rooftops.rooftop
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

closed_without_message as (
    select
        'closed_without_message' as rule,
        orders.rooftop,
        'repair_order' as entity,
        orders.ro_number as entity_id,
        orders.repair_order_key as entity_key,
        orders.advisor as owner,
        orders.closed_on as opened_on,
        {{ local_day(add_seconds('orders.closed_at', 86400), 'rooftops.time_zone') }} as due_on,
        {{ local_day(add_seconds('orders.closed_at', 86400), 'rooftops.time_zone') }} as broken_on,
        {{ local_day('first_messages.sent_at', 'rooftops.time_zone') }} as closed_on,
        coalesce(
            {{ seconds_between('orders.closed_at', 'first_messages.sent_at') }} <= 86400, false
        ) as is_kept,
        cast(null as decimal(18, 2)) as amount,
        cast(null as varchar) as amount_label,
        cast(null as varchar) as currency,
        case when first_messages.sent_at is null then 'no message' else 'message sent' end
            as evidence,
        orders.file_id,
        orders.row_number,
    from orders
    inner join rooftops
        on orders.rooftop = rooftops.rooftop
    inner join message_senders
        on orders.rooftop = message_senders.rooftop
    left join first_messages
        on orders.repair_order_key = first_messages.repair_order_key
    where orders.closed_at is not null
),

promised_time_missed as (
    select
        'promised_time_missed' as rule,
        rooftop,
        'repair_order' as entity,
        ro_number as entity_id,
        repair_order_key as entity_key,
        advisor as owner,
        least(opened_on, promised_on) as opened_on,
        promised_on as due_on,
        promised_on as broken_on,
        done_on as closed_on,
        coalesce(done_at <= first_promised_at, false) as is_kept,
        cast(null as decimal(18, 2)) as amount,
        cast(null as varchar) as amount_label,
        cast(null as varchar) as currency,
        case
            when promised_at > first_promised_at then 'promise moved'
            else 'first promise stands'
        end as evidence,
        file_id,
        row_number,
    from orders
    where promised_on is not null
        and (done_at is not null or gone_on is null)
),

part_past_eta as (
    select
        'part_past_eta' as rule,
        lines.rooftop,
        'repair_order_line' as entity,
        lines.ro_number || ' ' || lines.line as entity_id,
        lines.repair_order_line_key as entity_key,
        lines.advisor as owner,
        least(lines.ordered_on, lines.eta_on) as opened_on,
        lines.eta_on as due_on,
        {{ add_days('lines.eta_on', 1) }} as broken_on,
        least(lines.received_on, lines.closed_on) as closed_on,
        coalesce(least(lines.received_on, lines.closed_on) <= lines.eta_on, false) as is_kept,
        cast(null as decimal(18, 2)) as amount,
        cast(null as varchar) as amount_label,
        cast(null as varchar) as currency,
        coalesce('from ' || lines.supplier, 'part') as evidence,
        lines.file_id,
        lines.row_number,
    from lines
    where lines.kind = 'part'
        and lines.eta_on is not null
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

declined_work as (
    select
        'declined_work' as rule,
        lines.rooftop,
        'repair_order_line' as entity,
        lines.ro_number || ' ' || lines.line as entity_id,
        lines.repair_order_line_key as entity_key,
        lines.advisor as owner,
        lines.closed_on as opened_on,
        lines.closed_on as due_on,
        lines.closed_on as broken_on,
        least(follow_ups.sent_on, lines.sold_later_on) as closed_on,
        false as is_kept,
        lines.sale as amount,
        'declined value' as amount_label,
        lines.currency,
        lines.op_code || ' declined' as evidence,
        lines.file_id,
        lines.row_number,
    from lines
    inner join message_senders
        on lines.rooftop = message_senders.rooftop
    left join follow_ups
        on lines.repair_order_line_key = follow_ups.repair_order_line_key
    where lines.is_declined
        and lines.closed_on is not null
),

inspections as (
    select
        inspections.*,
        coalesce(inspections.vin, inspections.stock_number) as car,
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

failed_without_retest as (
    select
        'failed_without_retest' as rule,
        inspections.rooftop,
        'inspection' as entity,
        inspections.inspection_id as entity_id,
        inspections.inspection_key as entity_key,
        coalesce(inspections.inspector, 'unknown') as owner,
        inspections.inspected_on as opened_on,
        inspections.inspected_on as due_on,
        inspections.inspected_on as broken_on,
        least(retests.retested_on, removals.removed_on) as closed_on,
        coalesce(retests.retested_on = inspections.inspected_on, false) as is_kept,
        cast(null as decimal(18, 2)) as amount,
        cast(null as varchar) as amount_label,
        cast(null as varchar) as currency,
        coalesce(inspections.kind, 'inspection') || ' failed' as evidence,
        inspections.file_id,
        inspections.row_number,
    from inspections
    left join retests
        on inspections.inspection_key = retests.inspection_key
    left join removals
        on inspections.rooftop = removals.rooftop
        and inspections.stock_number = removals.stock_number
    where inspections.result = 'fail'
),

final as (
    {% for rule in [
        'closed_without_message', 'promised_time_missed', 'part_past_eta', 'declined_work',
        'failed_without_retest',
    ] -%}
    select
        rule,
        rooftop,
        entity,
        entity_id,
        entity_key,
        cast(null as varchar) as lead_key,
        cast(null as varchar) as deal_key,
        owner,
        opened_on,
        due_on,
        broken_on,
        closed_on,
        is_kept,
        amount,
        amount_label,
        currency,
        evidence,
        file_id,
        row_number,
    from {{ rule }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select * from final
