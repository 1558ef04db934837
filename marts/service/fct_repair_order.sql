with orders as (
    select * from {{ ref('int_repair_orders_dated') }}
),

lines as (
    select * from {{ ref('fct_repair_order_line') }}
),

rooftops as (
    select * from {{ ref('dim_rooftop') }}
),

-- What goes out to one customer; a mailing to all is no word to any.
messages as (
    select rooftop, customer_id, occurred_at,
    from {{ ref('stg_crm__activities') }}
    where direction = 'out'
        and channel != 'note'
        and not coalesce(bulk, false)
        and customer_id is not null
),

-- Where the CRM knows none of the workshop's customers, nobody can tell who was written to.
rooftops_known as (
    select distinct orders.rooftop
    from orders
    inner join messages
        on orders.rooftop = messages.rooftop
        and orders.customer_id = messages.customer_id
),

contacts as (
    select
        orders.repair_order_key,
        min(messages.occurred_at) as contacted_at,
    from orders
    inner join messages
        on orders.rooftop = messages.rooftop
        and orders.customer_id = messages.customer_id
        and orders.closed_at <= messages.occurred_at
    where {{ seconds_between('orders.closed_at', 'messages.occurred_at') }} <= 86400
    group by orders.repair_order_key
),

summed as (
    select
        repair_order_key,
        cast(sum(revenue) filter (where outcome = 'sold') as decimal(18, 2)) as revenue,
        cast(sum(cost) filter (where outcome = 'sold') as decimal(18, 2)) as cost,
        cast(sum(sold_hours) filter (where outcome = 'sold') as decimal(18, 6)) as sold_hours,
        count(*) filter (where outcome = 'declined') as declined_lines,
        bool_or(outcome = 'sold' and pay_type = 'customer') as has_customer_pay,
        bool_or(outcome = 'sold' and pay_type = 'customer' and kind = 'labour') as has_paid_labour,
    from lines
    group by repair_order_key
),

-- Of several suppliers the one whose part came last: that is the one the car waited for.
suppliers as (
    select
        repair_order_key,
        coalesce(supplier, 'unknown') as supplier,
    from lines
    where kind = 'part'
        and outcome = 'sold'
    qualify row_number() over (
        partition by repair_order_key
        order by coalesce(received_on, eta_on) desc nulls last, supplier nulls last, line
    ) = 1
),

-- The work of an order that would bring the car back if it was not done right: routine work is not.
operations as (
    select distinct
        repair_order_key,
        op_code,
        pay_type = 'customer' as is_customer_pay,
    from lines
    where is_sold
        and kind = 'labour'
        and op_code != 'unknown'
        and not is_routine
),

-- Kept, so that the key of the car is made once an order and not once a pair of orders.
keyed as materialized (
    select
        repair_order_key,
        {{ vin_key('vin') }} as vin_key,
        opened_at,
        opened_on,
        closed_at,
        comeback_of,
    from orders
    where not is_voided
),

following as (
    select
        keyed.repair_order_key,
        later.repair_order_key as later_key,
        later.opened_at,
        later.opened_on,
        later.comeback_of is not null as is_flagged,
    from keyed
    inner join keyed as later
        on keyed.vin_key = later.vin_key
        and keyed.repair_order_key != later.repair_order_key
        and later.opened_at >= keyed.closed_at
),

comebacks as (
    select
        repair_order_key,
        later_key,
        opened_at,
        opened_on,
    from following
    where is_flagged
    union
    select
        following.repair_order_key,
        following.later_key,
        following.opened_at,
        following.opened_on,
    from following
    inner join operations as done
        on following.repair_order_key = done.repair_order_key
        and done.is_customer_pay
    inner join operations as done_again
        on following.later_key = done_again.repair_order_key
        and done.op_code = done_again.op_code
),

first_comebacks as (
    select
        repair_order_key,
        later_key,
        opened_on,
    from comebacks
    qualify row_number() over (partition by repair_order_key order by opened_at, later_key) = 1
),

timed as (
    select
        *,
        {{ elapsed_seconds('opened_at', 'closed_at', 'opened_on', 'closed_on', 'is_day_only') }}
            as order_seconds,
        coalesce(completed_at, closed_at) as finished_at,
        {{ elapsed_seconds(
            'first_promised_at', 'coalesce(completed_at, closed_at)',
            'first_promised_on', 'finished_on', 'is_promise_day_only'
        ) }} as seconds_past_promise,
    from orders
),

final as (
    select
        timed.repair_order_key,
        timed.rooftop,
        timed.ro_number,
        timed.vin,
        timed.customer_id,
        timed.appointment_id,
        timed.comeback_of,
        first_comebacks.later_key as comeback_key,
        timed.file_id,
        timed.row_number,
        timed.advisor,
        case
            when timed.first_promised_at is null then 'nothing promised'
            when timed.finished_at is null then 'not finished'
            when timed.seconds_past_promise > 0 then 'late'
            else 'in time'
        end as promise,
        case
            when timed.is_waiting_for_parts then 'waiting for parts'
            else 'not waiting'
        end as parts,
        coalesce(suppliers.supplier, 'no parts') as parts_supplier,
        timed.currency,
        case
            when timed.is_voided then 'voided'
            else {{ why_no_duration('timed.order_seconds') }}
        end as excluded,
        case when {{ vin_key('timed.vin') }} is null then 'no VIN' end as excluded_comeback,
        case
            when rooftops_known.rooftop is null
                then 'the CRM knows no customer of the workshop'
            when timed.customer_id is null then 'no customer'
        end as excluded_contact,
        timed.opened_at,
        timed.opened_on,
        timed.first_promised_at,
        timed.promised_at,
        timed.completed_at,
        timed.closed_at,
        timed.closed_on,
        contacts.contacted_at,
        {{ local_day('contacts.contacted_at', 'rooftops.time_zone') }} as contacted_on,
        timed.parts_eta as parts_eta_on,
        first_comebacks.opened_on as comeback_on,
        timed.gone_on,
        timed.odometer,
        timed.order_seconds,
        cast(timed.seconds_past_promise as bigint) as seconds_past_promise,
        coalesce(summed.sold_hours, 0) as sold_hours,
        coalesce(summed.declined_lines, 0) as declined_lines,
        summed.revenue,
        summed.cost,
        cast(summed.revenue - summed.cost as decimal(18, 2)) as gross,
        coalesce(summed.has_customer_pay, false) as has_customer_pay,
        coalesce(summed.has_paid_labour, false) as has_paid_labour,
        timed.is_waiting_for_parts,
        timed.is_voided,
    from timed
    left join rooftops
        on timed.rooftop = rooftops.rooftop
    left join rooftops_known
        on timed.rooftop = rooftops_known.rooftop
    left join contacts
        on timed.repair_order_key = contacts.repair_order_key
    left join summed
        on timed.repair_order_key = summed.repair_order_key
    left join suppliers
        on timed.repair_order_key = suppliers.repair_order_key
    left join first_comebacks
        on timed.repair_order_key = first_comebacks.repair_order_key
)

select * from final
