-- What was promised to customers before the sale, by the rules of the CRM (METRICS section 7): one
-- row per rule and record, with the day it falls due, the first day at whose end it is broken if it
-- is not kept, and the day on which it ended.
{% set car = ['leads.list_price', 'list price', 'leads.price_currency'] -%}

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

-- Of several messages in a row the first one waits for an acknowledgement, a machine's too.
-- A mail that came in between is no acknowledgement, and the first WhatsApp after it is still one.
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
        and (direction = 'out' or channel = 'whatsapp')
        and not is_day_only
        and coalesce(lead_key, customer_id) is not null
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
            as next_on,
    from attempts
    inner join scheduled
        on attempts.lead_key = scheduled.lead_key
        and attempts.occurred_on <= scheduled.last_on
    group by attempts.activity_key
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

quotes as (
    select
        quotes.*,
        {{ add_seconds(
            'quotes.requested_at',
            'cast(' ~ policy('quote.answer_hours', 'quotes.requested_on') ~ ' as integer) * 3600',
        ) }} as due_at,
        case when quotes.approval_status = 'rejected' then quotes.approved_on end as rejected_on,
        leads.owner,
        leads.ended_on,
        leads.next_action_due_on,
    from {{ ref('fct_quote') }} as quotes
    left join leads
        on quotes.lead_key = leads.lead_key
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

leavers as (
    select employee, min(rooftop) as rooftop, max(active_to) as active_to,
    from {{ ref('dim_employee') }}
    group by employee
    having count(*) = count(active_to)
),

final as (
    select {{ promise(
        'unanswered_lead', 'lead', of='leads', lead_key='leads.lead_key', owner='leads.owner',
        opened_on='leads.received_on', due_on='leads.sla_due_on',
        closed_on='least(leads.responded_on, leads.ended_on)', is_kept='leads.is_sla_met',
        evidence="coalesce('answered by ' || leads.responder, 'no answer')", worth=car,
    ) }}
    from leads
    where leads.sla_due_on is not null
        and leads.sla_excluded_reason is null

    union all

    select {{ promise(
        'unacknowledged_whatsapp', 'activity', of='messages', lead_key='messages.lead_key',
        owner='leads.owner', opened_on='messages.occurred_on',
        due_on=local_day(add_seconds('messages.occurred_at', 300), 'rooftops.time_zone'),
        closed_on='least(' ~ local_day('messages.acknowledged_at', 'rooftops.time_zone')
            ~ ', leads.ended_on)',
        is_kept=seconds_between('messages.occurred_at', 'messages.acknowledged_at') ~ ' <= 300',
        evidence="case when messages.acknowledged_at is null then 'no message went out' "
            ~ "else 'acknowledged' end",
        worth=car,
    ) }}
    from messages
    inner join rooftops
        on messages.rooftop = rooftops.rooftop
    left join leads
        on messages.lead_key = leads.lead_key
    where messages.channel = 'whatsapp'
        and messages.direction = 'in'
        and coalesce(messages.direction_before, 'out') = 'out'

    union all

    select {{ promise(
        'lead_without_owner', 'lead', of='leads', lead_key='leads.lead_key', owner='leads.owner',
        opened_on='leads.received_on', closed_on='leads.ended_on', evidence="'no owner'", worth=car,
    ) }}
    from leads
    inner join senders
        on leads.rooftop = senders.rooftop
    where leads.is_in_crm
        and leads.is_good
        and leads.owner = 'unknown'
        and senders.sends_owners

    union all

    select {{ promise(
        'lead_without_next_action', 'lead', of='leads', lead_key='leads.lead_key',
        owner='leads.owner', opened_on='coalesce(leads.next_action_due_on, leads.received_on)',
        closed_on='leads.ended_on',
        evidence="coalesce('next action was due: ' || leads.next_action, 'no next action')",
        worth=car,
    ) }}
    from leads
    inner join senders
        on leads.rooftop = senders.rooftop
    where leads.is_in_crm
        and leads.is_good
        and leads.stage not in ('won', 'lost')
        and senders.sends_next_actions

    union all

    select {{ promise(
        'contacted_no_reply', 'activity', of='attempts', lead_key='attempts.lead_key',
        owner='leads.owner', opened_on='attempts.occurred_on',
        closed_on='least(attempts.next_activity_on, leads.ended_on, attempts_scheduled.next_on)',
        evidence="'last contact by ' || attempts.employee", worth=car,
    ) }}
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

    union all

    select {{ promise(
        'overdue_task', 'task', of='tasks', lead_key='tasks.lead_key', owner='tasks.employee',
        opened_on='least(tasks.created_on, tasks.due_on)', due_on='tasks.due_on',
        closed_on='least(tasks.completed_on, tasks.gone_on)', is_kept='tasks.is_done_on_time',
        evidence='tasks.kind', worth=car,
    ) }}
    from tasks
    left join leads
        on tasks.lead_key = leads.lead_key
    where tasks.due_on is not null
        -- A task that was taken back before it was due is no promise any more.
        and (tasks.completed_on is not null or coalesce(tasks.gone_on > tasks.due_on, true))

    union all

    select {{ promise(
        'trade_without_appraisal', 'lead', of='leads', lead_key='leads.lead_key',
        owner='leads.owner', opened_on='leads.received_on',
        closed_on='least(steps_towards_a_trade.done_on, leads.ended_on)',
        is_kept='steps_towards_a_trade.done_on = leads.received_on',
        evidence="coalesce(leads.vehicle_text, 'trade-in')",
    ) }}
    from leads
    left join steps_towards_a_trade
        on leads.lead_key = steps_towards_a_trade.lead_key
    where leads.intent = 'trade_in'
        and leads.is_good

    union all

    select {{ promise(
        'appraisal_without_offer', 'appraisal', of='appraisals', lead_key='appraisals.lead_key',
        owner='leads.owner', opened_on='appraisals.requested_on',
        closed_on='least(appraisals.offered_on, leads.ended_on)',
        is_kept='appraisals.offered_on <= appraisals.requested_on',
        evidence="case when appraisals.offered_on is null then 'no offer' else 'offered' end",
    ) }}
    from {{ ref('fct_appraisal') }} as appraisals
    left join leads
        on appraisals.lead_key = leads.lead_key

    union all

    select {{ promise(
        'unanswered_quote', 'quote', of='quotes', lead_key='quotes.lead_key', owner='quotes.owner',
        opened_on='quotes.requested_on', due_on=local_day('quotes.due_at', 'rooftops.time_zone'),
        closed_on='least(quotes.sent_on, quotes.rejected_on, quotes.ended_on)',
        is_kept='quotes.sent_at <= quotes.due_at',
        evidence="'approval ' || quotes.approval_status",
        worth=['quotes.amount', 'quote', 'quotes.currency'],
    ) }}
    from quotes
    inner join rooftops
        on quotes.rooftop = rooftops.rooftop
    where quotes.requested_at is not null

    union all

    select {{ promise(
        'quote_without_next_action', 'quote', of='quotes', lead_key='quotes.lead_key',
        owner='quotes.owner', opened_on='quotes.sent_on',
        closed_on='least(quotes.ended_on, case when quotes.is_followed then quotes.sent_on '
            ~ 'else quotes.next_step_on end)',
        is_kept='quotes.is_followed', evidence="'quote sent'",
        worth=['quotes.amount', 'quote', 'quotes.currency'],
    ) }}
    from quotes_followed as quotes
    where quotes.sent_on is not null
        and quotes.lead_key is not null

    union all

    select {{ promise(
        'answered_by_two', 'episode', of='answers', entity_id='answers.episode_key',
        lead_key='answers.episode_key', owner='answers.owner', opened_on='answers.occurred_on',
        closed_on='answers.ended_on',
        evidence="answers.first_employee || ' and ' || answers.employee",
    ) }}
    from answers
    where answers.employee <> answers.first_employee
        and answers.employee <> answers.owner
    qualify row_number() over (
        partition by answers.episode_key
        order by answers.occurred_at, answers.employee
    ) = 1

    union all

    select {{ promise(
        'no_show_not_rebooked', 'appointment', of='appointments', lead_key='appointments.lead_key',
        owner='appointments.employee', opened_on='appointments.due_on',
        closed_on='least(rebooked.rebooked_on, leads.ended_on)',
        is_kept='rebooked.rebooked_on <= appointments.due_on', evidence='appointments.kind',
        worth=car,
    ) }}
    from appointments
    left join rebooked
        on appointments.appointment_key = rebooked.appointment_key
    left join leads
        on appointments.lead_key = leads.lead_key
    where appointments.is_no_show

    union all

    select {{ promise(
        'portal_lead_not_in_crm', 'lead', of='leads', lead_key='leads.lead_key',
        owner='leads.owner', opened_on='leads.received_on',
        closed_on='least(leads.gone_on, leads.ended_on)',
        evidence="'sent by ' || leads.source_raw", worth=car,
    ) }}
    from leads
    where leads.origin = 'portal_lead'

    union all

    select {{ promise(
        'customer_of_leaver', 'customer', of='customers', owner='customers.employee',
        rooftop="coalesce(nullif(customers.rooftop, ''), leavers.rooftop)",
        opened_on=add_days('leavers.active_to', 1), evidence="customers.employee || ' left'",
    ) }}
    from {{ ref('dim_customer') }} as customers
    inner join leavers
        on customers.employee = leavers.employee
    where customers.system = 'crm'
        and coalesce(customers.is_active, true)
)

-- What happens to a lead after its end is nobody's promise any more.
select * from final
where coalesce(closed_on >= opened_on, true)
