-- What was promised around deals, debts and hires (METRICS section 7): one row per rule and record,
-- with the day it falls due, the first day at whose end it is broken if it is not kept, and the day
-- on which it ended.
with rooftops as (
    select * from {{ ref('dim_rooftop') }}
),

deals as (
    select *, {{ vin_key('vin') }} as vin_key from {{ ref('fct_deal') }}
),

rentals as (
    select * from {{ ref('fct_rental') }}
),

deal_leads as (
    select deal_key, lead_key from {{ ref('brg_lead_deal') }}
),

first_leads as (
    select deal_key, min(lead_key) as lead_key from deal_leads group by deal_key
),

receivables as (
    select
        *,
        case
            when deal_number is not null then {{ readable_key(['rooftop', 'deal_number']) }}
        end as deal_key,
    from {{ ref('fct_receivable') }}
),

-- What was paid when it was due stays kept, also where the payment is undone later.
open_when_due as (
    select
        receivables.receivable_key,
        sum(movements.amount) <= 0 as is_settled,
        cast(sum(movements.amount_base) as decimal(18, 2)) as amount,
    from receivables
    inner join {{ ref('fct_receivable_movement') }} as movements
        on receivables.receivable_key = movements.receivable_key
        and receivables.due_on >= movements.effective_on
    group by receivables.receivable_key
),

contracts_open as (
    select
        receivables.document_key,
        cast(sum(movements.amount_base) as decimal(18, 2)) as amount,
    from receivables
    inner join {{ ref('fct_receivable_movement') }} as movements
        on receivables.document_key = movements.document_key
        and {{ add_days('receivables.contract_on', 7) }} >= movements.effective_on
    where receivables.is_contract_in_transit
    group by receivables.document_key
),

documents as (
    select
        documents.*,
        deals.contract_on,
        coalesce(deals.finance_manager, deals.salesperson, 'unknown') as owner,
        -- What was rejected after it came was there until then.
        documents.is_rejected and documents.received_on <= documents.required_on
            as is_rejected_later,
    from {{ ref('fct_document') }} as documents
    left join deals
        on documents.deal_key = deals.deal_key
),

service_appointments as (
    select rooftop, {{ vin_key('vin') }} as vin_key, lead_key, created_on, due_on,
    from {{ ref('fct_appointment') }}
    where kind = 'service'
),

-- Where a rooftop has no service appointments at all, none is missing.
appointment_senders as (
    select distinct rooftop from service_appointments
),

first_services as (
    select deals.deal_key, min(service_appointments.created_on) as made_on,
    from deals
    left join deal_leads
        on deals.deal_key = deal_leads.deal_key
    inner join service_appointments
        on deals.rooftop = service_appointments.rooftop
        and deals.delivered_on < service_appointments.due_on
        and (
            deals.vin_key = service_appointments.vin_key
            or deal_leads.lead_key = service_appointments.lead_key
        )
    group by deals.deal_key
),

tasks as (
    select
        tasks.rooftop,
        tasks.lead_key,
        coalesce({{ local_day('tasks.created_at', 'rooftops.time_zone') }}, tasks.due_on)
            as created_on,
        tasks.due_on,
    from {{ ref('fct_task') }} as tasks
    inner join rooftops
        on tasks.rooftop = rooftops.rooftop
),

task_senders as (
    select distinct rooftop from tasks
),

follow_ups as (
    select deals.deal_key, min(tasks.created_on) as made_on,
    from deals
    inner join deal_leads
        on deals.deal_key = deal_leads.deal_key
    inner join tasks
        on deal_leads.lead_key = tasks.lead_key
        and deals.recognised_on <= tasks.due_on
    group by deals.deal_key
),

final as (
    select {{ promise(
        'missing_document', 'document', of='documents', entity_as='documents.entity',
        entity_id="documents.entity_id || ' ' || documents.document",
        lead_key='first_leads.lead_key', deal_key='documents.deal_key', owner='documents.owner',
        opened_on='least(documents.contract_on, documents.required_on)',
        due_on='documents.required_on',
        broken_on='case when documents.is_rejected_later '
            ~ 'then greatest(documents.required_on, documents.rejected_on) '
            ~ 'else documents.required_on end',
        closed_on='documents.complete_on',
        is_kept='documents.complete_on <= documents.required_on',
        evidence="documents.document "
            ~ "|| case when documents.is_rejected then ' rejected' else '' end "
            ~ "|| case when documents.waived_by is not null then ' waived' else '' end",
    ) }}
    from documents
    left join first_leads
        on documents.deal_key = first_leads.deal_key
    where documents.required_on is not null

    union all

    select {{ promise(
        'no_first_service', 'deal', of='deals', entity_id='deals.deal_number',
        lead_key='first_leads.lead_key', deal_key='deals.deal_key', owner='deals.salesperson',
        opened_on='deals.delivered_on', due_on=add_days('deals.delivered_on', 1),
        closed_on='least(first_services.made_on, deals.reversed_on)',
        is_kept='first_services.made_on <= ' ~ add_days('deals.delivered_on', 1),
        evidence="case when first_services.made_on is null then 'no appointment' "
            ~ "else 'appointment made' end",
    ) }}
    from deals
    inner join appointment_senders
        on deals.rooftop = appointment_senders.rooftop
    left join first_services
        on deals.deal_key = first_services.deal_key
    left join first_leads
        on deals.deal_key = first_leads.deal_key
    where deals.deal_type in ('retail', 'lease')
        and deals.is_recognised
        and deals.delivered_on is not null
        and coalesce(deals.reversed_on > deals.delivered_on, true)

    union all

    select {{ promise(
        'sold_without_follow_up', 'deal', of='deals', entity_id='deals.deal_number',
        lead_key='first_leads.lead_key', deal_key='deals.deal_key', owner='deals.salesperson',
        opened_on='deals.recognised_on', closed_on='least(follow_ups.made_on, deals.reversed_on)',
        is_kept='follow_ups.made_on <= deals.recognised_on',
        evidence="case when follow_ups.made_on is not null then 'task given' "
            ~ "when first_leads.lead_key is null then 'no task, no lead' else 'no task' end",
    ) }}
    from deals
    inner join task_senders
        on deals.rooftop = task_senders.rooftop
    left join first_leads
        on deals.deal_key = first_leads.deal_key
    left join follow_ups
        on deals.deal_key = follow_ups.deal_key
    where deals.deal_type in ('retail', 'lease')
        and deals.recognised_on is not null

    union all

    select {{ promise(
        'hire_past_due', 'rental', of='rentals', entity_id='rentals.agreement_number',
        opened_on='least(rentals.out_on, rentals.due_back_on)', due_on='rentals.due_back_on',
        closed_on='rentals.returned_on', is_kept='rentals.returned_at <= rentals.due_back_at',
        evidence="rentals.kind || ' of ' || rentals.stock_number "
            ~ "|| coalesce(' by ' || rentals.customer_id, '')",
    ) }}
    from rentals
    where rentals.due_back_on is not null
        and not rentals.is_returned_before_out
        and (rentals.returned_at is not null or not rentals.is_vanished)

    union all

    select {{ promise(
        'late_payment', 'invoice', of='receivables',
        entity_id="receivables.document || ' ' || receivables.instalment",
        entity_key='receivables.receivable_key', lead_key='first_leads.lead_key',
        deal_key='receivables.deal_key', owner='receivables.customer_id',
        opened_on='least(receivables.posted_on, receivables.due_on)', due_on='receivables.due_on',
        broken_on=add_days('receivables.due_on', 1), closed_on='receivables.settled_on',
        is_kept='open_when_due.is_settled', evidence='receivables.schedule',
        worth=['open_when_due.amount', 'open balance', 'receivables.base_currency'],
    ) }}
    from receivables
    left join open_when_due
        on receivables.receivable_key = open_when_due.receivable_key
    left join first_leads
        on receivables.deal_key = first_leads.deal_key
    where receivables.is_debit
        and receivables.document_kind = 'invoice'
        and receivables.contract_on is null
        and receivables.amount > 0

    union all

    select {{ promise(
        'late_funding', 'invoice', of='receivables', entity_id='receivables.document',
        entity_key='receivables.document_key', lead_key='first_leads.lead_key',
        deal_key='receivables.deal_key', owner='coalesce(deals.finance_manager, deals.salesperson)',
        opened_on='receivables.contract_on', due_on=add_days('receivables.contract_on', 7),
        broken_on=add_days('receivables.contract_on', 8), closed_on='receivables.funded_on',
        is_kept='receivables.funded_on <= ' ~ add_days('receivables.contract_on', 7),
        evidence="'owed by ' || receivables.customer_id",
        worth=['contracts_open.amount', 'open balance', 'receivables.base_currency'],
    ) }}
    from receivables
    left join deals
        on receivables.deal_key = deals.deal_key
    left join first_leads
        on receivables.deal_key = first_leads.deal_key
    left join contracts_open
        on receivables.document_key = contracts_open.document_key
    where receivables.is_contract_in_transit
)

select * from final
