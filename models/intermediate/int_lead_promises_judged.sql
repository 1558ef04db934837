-- What was promised to customers before the sale, by the rules of the CRM (METRICS section 7): one
-- row per rule and record, with the day it falls due, the first day at whose end it is broken if it
-- is not kept, and the day on which it ended.
with rooftops as (
    select * from {{ ref('dim_rooftop') }}
),

episodes as (
    select * from {{ ref('fct_episode') }}
),

activities as (
    select * from {{ ref('fct_lead_activity') }}
    where not is_bulk
),

appointments as (
    select * from {{ ref('fct_appointment') }}
),

tasks as (
    select
        tasks.*,
        coalesce({{ local_day('tasks.created_at', 'rooftops.time_zone') }}, tasks.due_on)
            as created_on,
    from {{ ref('fct_task') }} as tasks
    inner join rooftops
        on tasks.rooftop = rooftops.rooftop
),

prices as (
    select rooftop, stock_number, price, currency
    from {{ ref('stg_portal__listings') }}
    where stock_number is not null
        and price is not null
    qualify row_number() over (
        partition by rooftop, stock_number
        order by listed_on desc nulls last, exported_at desc, listing_key
    ) = 1
),

-- A lead is open until it is won, lost or gone, or its episode ended.
leads as (
    select
        leads.*,
        {{ local_day('leads.next_action_due_at', 'rooftops.time_zone') }} as next_action_due_on,
        least(
            case
                when leads.stage in ('won', 'lost')
                    then coalesce(
                        {{ local_day('leads.stage_changed_at', 'rooftops.time_zone') }},
                        leads.received_on
                    )
            end,
            leads.gone_on,
            episodes.ended_on
        ) as ended_on,
        prices.price as list_price,
        prices.currency as price_currency,
    from {{ ref('fct_lead') }} as leads
    inner join rooftops
        on leads.rooftop = rooftops.rooftop
    left join episodes
        on leads.episode_key = episodes.episode_key
    left join prices
        on leads.rooftop = prices.rooftop
        and leads.stock_number = prices.stock_number
),

-- Whoever never sends a column or a feed has not broken what stands in it.
senders as (
    select
        rooftop,
        bool_or(owner <> 'unknown') as sends_owners,
        bool_or(next_action_due_at is not null) as sends_next_actions,
    from leads
    group by rooftop
),

-- What is scheduled for a lead, from the day it was made to the day it is over.
scheduled as (
    select lead_key, created_on, least(due_on, completed_on) as last_on,
    from tasks
    where lead_key is not null

    union all

    select
        appointments.lead_key,
        appointments.created_on,
        least(
            appointments.due_on,
            {{ local_day('appointments.cancelled_at', 'rooftops.time_zone') }}
        ) as last_on,
    from appointments
    inner join rooftops
        on appointments.rooftop = rooftops.rooftop
    where appointments.lead_key is not null
),

unanswered_lead as (
    select
        'unanswered_lead' as rule,
        rooftop,
        'lead' as entity,
        lead_id as entity_id,
        lead_key as entity_key,
        lead_key,
        cast(null as varchar) as deal_key,
        owner,
        received_on as opened_on,
        sla_due_on as due_on,
        sla_due_on as broken_on,
        least(responded_on, ended_on) as closed_on,
        is_sla_met as is_kept,
        list_price as amount,
        'list price' as amount_label,
        price_currency as currency,
        coalesce('answered by ' || responder, 'no answer') as evidence,
        file_id,
        row_number,
    from leads
    where sla_due_on is not null
        and sla_excluded_reason is null
),

-- Of several messages in a row the first one waits for an acknowledgement, a machine's too.
messages as (
    select
        *,
        lag(direction) over (
            partition by coalesce(lead_key, rooftop || '|' || customer_id)
            order by occurred_at, direction, activity_key
        ) as direction_before,
        min(case when direction = 'out' then occurred_at end) over (
            partition by coalesce(lead_key, rooftop || '|' || customer_id)
            order by occurred_at, direction, activity_key
            rows between current row and unbounded following
        ) as acknowledged_at,
    from activities
    where channel <> 'note'
        and not is_day_only
        and coalesce(lead_key, customer_id) is not null
),

unacknowledged_whatsapp as (
    select
        'unacknowledged_whatsapp' as rule,
        messages.rooftop,
        'activity' as entity,
        messages.activity_id as entity_id,
        messages.activity_key as entity_key,
        messages.lead_key,
        cast(null as varchar) as deal_key,
        coalesce(leads.owner, 'unknown') as owner,
        messages.occurred_on as opened_on,
        {{ local_day(add_seconds('messages.occurred_at', 300), 'rooftops.time_zone') }} as due_on,
        {{ local_day(add_seconds('messages.occurred_at', 300), 'rooftops.time_zone') }}
            as broken_on,
        least(
            {{ local_day('messages.acknowledged_at', 'rooftops.time_zone') }},
            leads.ended_on
        ) as closed_on,
        coalesce(
            {{ seconds_between('messages.occurred_at', 'messages.acknowledged_at') }} <= 300, false
        ) as is_kept,
        leads.list_price as amount,
        'list price' as amount_label,
        leads.price_currency as currency,
        case
            when messages.acknowledged_at is null then 'no message went out'
            else 'acknowledged'
        end as evidence,
        messages.file_id,
        messages.row_number,
    from messages
    inner join rooftops
        on messages.rooftop = rooftops.rooftop
    left join leads
        on messages.lead_key = leads.lead_key
    where messages.channel = 'whatsapp'
        and messages.direction = 'in'
        and coalesce(messages.direction_before, 'out') = 'out'
),

lead_without_owner as (
    select
        'lead_without_owner' as rule,
        leads.rooftop,
        'lead' as entity,
        leads.lead_id as entity_id,
        leads.lead_key as entity_key,
        leads.lead_key,
        cast(null as varchar) as deal_key,
        leads.owner,
        leads.received_on as opened_on,
        leads.received_on as due_on,
        leads.received_on as broken_on,
        leads.ended_on as closed_on,
        false as is_kept,
        leads.list_price as amount,
        'list price' as amount_label,
        leads.price_currency as currency,
        'no owner' as evidence,
        leads.file_id,
        leads.row_number,
    from leads
    inner join senders
        on leads.rooftop = senders.rooftop
    where leads.is_in_crm
        and leads.is_good
        and leads.owner = 'unknown'
        and senders.sends_owners
),

lead_without_next_action as (
    select
        'lead_without_next_action' as rule,
        leads.rooftop,
        'lead' as entity,
        leads.lead_id as entity_id,
        leads.lead_key as entity_key,
        leads.lead_key,
        cast(null as varchar) as deal_key,
        leads.owner,
        coalesce(leads.next_action_due_on, leads.received_on) as opened_on,
        coalesce(leads.next_action_due_on, leads.received_on) as due_on,
        coalesce(leads.next_action_due_on, leads.received_on) as broken_on,
        leads.ended_on as closed_on,
        false as is_kept,
        leads.list_price as amount,
        'list price' as amount_label,
        leads.price_currency as currency,
        coalesce('next action was due: ' || leads.next_action, 'no next action') as evidence,
        leads.file_id,
        leads.row_number,
    from leads
    inner join senders
        on leads.rooftop = senders.rooftop
    where leads.is_in_crm
        and leads.is_good
        and leads.stage not in ('won', 'lost')
        and senders.sends_next_actions
),

attempts as (
    select
        activities.*,
        min(case when not activities.is_automatic then activities.occurred_on end) over (
            partition by activities.lead_key
            order by activities.occurred_at, activities.activity_key
            rows between 1 following and unbounded following
        ) as next_activity_on,
    from activities
    where activities.lead_key is not null
        and activities.channel <> 'note'
),

attempts_scheduled as (
    select
        attempts.activity_key,
        count(*) filter (where scheduled.created_on <= attempts.occurred_on) as steps_to_come,
        min(scheduled.created_on) filter (where scheduled.created_on > attempts.occurred_on)
            as next_step_on,
    from attempts
    inner join scheduled
        on attempts.lead_key = scheduled.lead_key
        and attempts.occurred_on <= scheduled.last_on
    group by attempts.activity_key
),

contacted_no_reply as (
    select
        'contacted_no_reply' as rule,
        attempts.rooftop,
        'activity' as entity,
        attempts.activity_id as entity_id,
        attempts.activity_key as entity_key,
        attempts.lead_key,
        cast(null as varchar) as deal_key,
        leads.owner,
        attempts.occurred_on as opened_on,
        attempts.occurred_on as due_on,
        attempts.occurred_on as broken_on,
        least(
            attempts.next_activity_on,
            leads.ended_on,
            attempts_scheduled.next_step_on
        ) as closed_on,
        false as is_kept,
        leads.list_price as amount,
        'list price' as amount_label,
        leads.price_currency as currency,
        'last contact by ' || attempts.employee as evidence,
        attempts.file_id,
        attempts.row_number,
    from attempts
    inner join leads
        on attempts.lead_key = leads.lead_key
    left join attempts_scheduled
        on attempts.activity_key = attempts_scheduled.activity_key
    where attempts.is_attempt
        and coalesce(attempts_scheduled.steps_to_come, 0) = 0
        and leads.is_good
        and coalesce(attempts.next_activity_on > attempts.occurred_on, true)
        and coalesce(leads.ended_on > attempts.occurred_on, true)
        -- A next action that is still to come is only known for the newest contact.
        and (
            attempts.next_activity_on is not null
            or coalesce(leads.next_action_due_on <= attempts.occurred_on, true)
        )
),

overdue_task as (
    select
        'overdue_task' as rule,
        tasks.rooftop,
        'task' as entity,
        tasks.task_id as entity_id,
        tasks.task_key as entity_key,
        tasks.lead_key,
        cast(null as varchar) as deal_key,
        tasks.employee as owner,
        least(tasks.created_on, tasks.due_on) as opened_on,
        tasks.due_on,
        tasks.due_on as broken_on,
        least(tasks.completed_on, tasks.gone_on) as closed_on,
        tasks.is_done_on_time as is_kept,
        leads.list_price as amount,
        'list price' as amount_label,
        leads.price_currency as currency,
        tasks.kind as evidence,
        tasks.file_id,
        tasks.row_number,
    from tasks
    left join leads
        on tasks.lead_key = leads.lead_key
    where tasks.due_on is not null
        -- A task that was taken back before it was due is no promise any more.
        and (tasks.completed_on is not null or coalesce(tasks.gone_on > tasks.due_on, true))
),

steps_towards_a_trade as (
    select leads.lead_key, min(steps.done_on) as done_on,
    from leads
    inner join (
        select lead_key, requested_on as done_on from {{ ref('fct_appraisal') }}
        union all
        select lead_key, created_on as done_on from tasks
    ) as steps
        on leads.lead_key = steps.lead_key
        and leads.received_on <= steps.done_on
    group by leads.lead_key
),

trade_without_appraisal as (
    select
        'trade_without_appraisal' as rule,
        leads.rooftop,
        'lead' as entity,
        leads.lead_id as entity_id,
        leads.lead_key as entity_key,
        leads.lead_key,
        cast(null as varchar) as deal_key,
        leads.owner,
        leads.received_on as opened_on,
        leads.received_on as due_on,
        leads.received_on as broken_on,
        least(steps_towards_a_trade.done_on, leads.ended_on) as closed_on,
        coalesce(steps_towards_a_trade.done_on = leads.received_on, false) as is_kept,
        cast(null as decimal(18, 2)) as amount,
        cast(null as varchar) as amount_label,
        cast(null as varchar) as currency,
        coalesce(leads.vehicle_text, 'trade-in') as evidence,
        leads.file_id,
        leads.row_number,
    from leads
    left join steps_towards_a_trade
        on leads.lead_key = steps_towards_a_trade.lead_key
    where leads.intent = 'trade_in'
        and leads.is_good
),

appraisal_without_offer as (
    select
        'appraisal_without_offer' as rule,
        appraisals.rooftop,
        'appraisal' as entity,
        appraisals.appraisal_id as entity_id,
        appraisals.appraisal_key as entity_key,
        appraisals.lead_key,
        cast(null as varchar) as deal_key,
        coalesce(leads.owner, 'unknown') as owner,
        appraisals.requested_on as opened_on,
        appraisals.requested_on as due_on,
        appraisals.requested_on as broken_on,
        least(appraisals.offered_on, leads.ended_on) as closed_on,
        coalesce(appraisals.offered_on <= appraisals.requested_on, false) as is_kept,
        cast(null as decimal(18, 2)) as amount,
        cast(null as varchar) as amount_label,
        cast(null as varchar) as currency,
        case when appraisals.offered_on is null then 'no offer' else 'offered' end as evidence,
        appraisals.file_id,
        appraisals.row_number,
    from {{ ref('fct_appraisal') }} as appraisals
    left join leads
        on appraisals.lead_key = leads.lead_key
),

quotes as (
    select
        quotes.*,
        {{ add_seconds(
            'quotes.requested_at',
            'cast(' ~ policy('quote.answer_hours', 'quotes.requested_on') ~ ' as integer) * 3600',
        ) }} as due_at,
        leads.owner,
        leads.ended_on,
        leads.next_action_due_on,
    from {{ ref('fct_quote') }} as quotes
    left join leads
        on quotes.lead_key = leads.lead_key
),

unanswered_quote as (
    select
        'unanswered_quote' as rule,
        quotes.rooftop,
        'quote' as entity,
        quotes.quote_id as entity_id,
        quotes.quote_key as entity_key,
        quotes.lead_key,
        cast(null as varchar) as deal_key,
        coalesce(quotes.owner, 'unknown') as owner,
        quotes.requested_on as opened_on,
        {{ local_day('quotes.due_at', 'rooftops.time_zone') }} as due_on,
        {{ local_day('quotes.due_at', 'rooftops.time_zone') }} as broken_on,
        least(
            quotes.sent_on,
            case when quotes.approval_status = 'rejected' then quotes.approved_on end,
            quotes.ended_on
        ) as closed_on,
        coalesce(quotes.sent_at <= quotes.due_at, false) as is_kept,
        quotes.amount,
        'quote' as amount_label,
        quotes.currency,
        'approval ' || quotes.approval_status as evidence,
        quotes.file_id,
        quotes.row_number,
    from quotes
    inner join rooftops
        on quotes.rooftop = rooftops.rooftop
    where quotes.requested_at is not null
),

quotes_followed as (
    select
        quotes.*,
        coalesce(quotes.next_action_due_on >= quotes.sent_on, false)
            or coalesce(steps.steps_to_come, 0) > 0 as is_followed,
        steps.next_step_on,
    from quotes
    left join (
        select
            quotes.quote_key,
            count(*) filter (where scheduled.created_on <= quotes.sent_on) as steps_to_come,
            min(scheduled.created_on) filter (where scheduled.created_on > quotes.sent_on)
                as next_step_on,
        from quotes
        inner join scheduled
            on quotes.lead_key = scheduled.lead_key
            and quotes.sent_on <= scheduled.last_on
        group by quotes.quote_key
    ) as steps
        on quotes.quote_key = steps.quote_key
),

quote_without_next_action as (
    select
        'quote_without_next_action' as rule,
        rooftop,
        'quote' as entity,
        quote_id as entity_id,
        quote_key as entity_key,
        lead_key,
        cast(null as varchar) as deal_key,
        coalesce(owner, 'unknown') as owner,
        sent_on as opened_on,
        sent_on as due_on,
        sent_on as broken_on,
        least(case when is_followed then sent_on else next_step_on end, ended_on) as closed_on,
        is_followed as is_kept,
        amount,
        'quote' as amount_label,
        currency,
        'quote sent' as evidence,
        file_id,
        row_number,
    from quotes_followed
    where sent_on is not null
        and lead_key is not null
),

-- The second answer is no breach when the lead is the answerer's by now: it was handed over.
answers as (
    select
        activities.rooftop,
        leads.episode_key,
        activities.employee,
        activities.occurred_at,
        activities.occurred_on,
        activities.file_id,
        activities.row_number,
        first_value(activities.employee) over (
            partition by leads.episode_key
            order by activities.occurred_at, activities.activity_key
        ) as first_employee,
        leads.owner,
        leads.ended_on,
    from activities
    inner join leads
        on activities.lead_key = leads.lead_key
    where activities.is_response
        and activities.employee <> 'unknown'
        and leads.episode_key is not null
),

answered_by_two as (
    select
        'answered_by_two' as rule,
        answers.rooftop,
        'episode' as entity,
        answers.episode_key as entity_id,
        answers.episode_key as entity_key,
        answers.episode_key as lead_key,
        cast(null as varchar) as deal_key,
        answers.owner,
        answers.occurred_on as opened_on,
        answers.occurred_on as due_on,
        answers.occurred_on as broken_on,
        answers.ended_on as closed_on,
        false as is_kept,
        cast(null as decimal(18, 2)) as amount,
        cast(null as varchar) as amount_label,
        cast(null as varchar) as currency,
        answers.first_employee || ' and ' || answers.employee as evidence,
        answers.file_id,
        answers.row_number,
    from answers
    where answers.employee <> answers.first_employee
        and answers.employee <> answers.owner
    qualify row_number() over (
        partition by answers.episode_key
        order by answers.occurred_at, answers.employee
    ) = 1
),

rebooked as (
    select
        missed.appointment_key,
        min(later.created_on) as rebooked_on,
    from appointments as missed
    inner join appointments as later
        on missed.rooftop = later.rooftop
        and missed.appointment_key <> later.appointment_key
        and missed.starts_at <= later.created_at
    where missed.is_no_show
        and (missed.lead_key = later.lead_key or missed.customer_id = later.customer_id)
    group by missed.appointment_key
),

no_show_not_rebooked as (
    select
        'no_show_not_rebooked' as rule,
        appointments.rooftop,
        'appointment' as entity,
        appointments.appointment_id as entity_id,
        appointments.appointment_key as entity_key,
        appointments.lead_key,
        cast(null as varchar) as deal_key,
        appointments.employee as owner,
        appointments.due_on as opened_on,
        appointments.due_on,
        appointments.due_on as broken_on,
        least(rebooked.rebooked_on, leads.ended_on) as closed_on,
        coalesce(rebooked.rebooked_on <= appointments.due_on, false) as is_kept,
        leads.list_price as amount,
        'list price' as amount_label,
        leads.price_currency as currency,
        appointments.kind as evidence,
        appointments.file_id,
        appointments.row_number,
    from appointments
    left join rebooked
        on appointments.appointment_key = rebooked.appointment_key
    left join leads
        on appointments.lead_key = leads.lead_key
    where appointments.is_no_show
),

portal_lead_not_in_crm as (
    select
        'portal_lead_not_in_crm' as rule,
        rooftop,
        'lead' as entity,
        lead_id as entity_id,
        lead_key as entity_key,
        lead_key,
        cast(null as varchar) as deal_key,
        owner,
        received_on as opened_on,
        received_on as due_on,
        received_on as broken_on,
        least(gone_on, ended_on) as closed_on,
        false as is_kept,
        list_price as amount,
        'list price' as amount_label,
        price_currency as currency,
        'sent by ' || source_raw as evidence,
        file_id,
        row_number,
    from leads
    where origin = 'portal_lead'
),

leavers as (
    select employee, min(rooftop) as rooftop, max(active_to) as active_to,
    from {{ ref('dim_employee') }}
    group by employee
    having count(*) = count(active_to)
),

customer_of_leaver as (
    select
        'customer_of_leaver' as rule,
        coalesce(nullif(customers.rooftop, ''), leavers.rooftop) as rooftop,
        'customer' as entity,
        customers.customer_id as entity_id,
        customers.customer_key as entity_key,
        cast(null as varchar) as lead_key,
        cast(null as varchar) as deal_key,
        customers.employee as owner,
        {{ add_days('leavers.active_to', 1) }} as opened_on,
        {{ add_days('leavers.active_to', 1) }} as due_on,
        {{ add_days('leavers.active_to', 1) }} as broken_on,
        cast(null as date) as closed_on,
        false as is_kept,
        cast(null as decimal(18, 2)) as amount,
        cast(null as varchar) as amount_label,
        cast(null as varchar) as currency,
        customers.employee || ' left' as evidence,
        customers.file_id,
        customers.row_number,
    from {{ ref('dim_customer') }} as customers
    inner join leavers
        on customers.employee = leavers.employee
    where customers.system = 'crm'
        and coalesce(customers.is_active, true)
),

final as (
    {% for rule in [
        'unanswered_lead', 'unacknowledged_whatsapp', 'lead_without_owner',
        'lead_without_next_action', 'contacted_no_reply', 'overdue_task', 'trade_without_appraisal',
        'appraisal_without_offer', 'unanswered_quote', 'quote_without_next_action',
        'answered_by_two', 'no_show_not_rebooked', 'portal_lead_not_in_crm', 'customer_of_leaver',
    ] -%}
    select * from {{ rule }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

-- What happens to a lead after its end is nobody's promise any more.
select * from final
where coalesce(closed_on >= opened_on, true)
