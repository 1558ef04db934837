-- What was promised around deals, debts and hires (METRICS section 7): one row per rule and record,
-- with the day it falls due, the first day at whose end it is broken if it is not kept, and the day
-- on which it ended.
with rooftops as (
    select * from {{ ref('dim_rooftop') }}
),

deals as (
    select * from {{ ref('fct_deal') }}
),

deal_leads as (
    select deal_key, lead_key from {{ ref('brg_lead_deal') }}
),

first_leads as (
    select deal_key, min(lead_key) as lead_key from deal_leads group by deal_key
),

receivables as (
    select * from {{ ref('fct_receivable') }}
),

open_when_due as (
    select
        receivables.receivable_key,
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

missing_document as (
    select
        'missing_document' as rule,
        documents.rooftop,
        documents.entity,
        documents.entity_id || ' ' || documents.document as entity_id,
        documents.document_key as entity_key,
        first_leads.lead_key,
        documents.deal_key,
        documents.owner,
        least(documents.contract_on, documents.required_on) as opened_on,
        documents.required_on as due_on,
        case
            when documents.is_rejected_later
                then greatest(documents.required_on, documents.rejected_on)
            else documents.required_on
        end as broken_on,
        documents.complete_on as closed_on,
        coalesce(documents.complete_on <= documents.required_on, false) as is_kept,
        cast(null as decimal(18, 2)) as amount,
        cast(null as varchar) as amount_label,
        cast(null as varchar) as currency,
        documents.document
            || case when documents.is_rejected then ' rejected' else '' end
            || case when documents.waived_by is not null then ' waived' else '' end as evidence,
        documents.file_id,
        documents.row_number,
    from documents
    left join first_leads
        on documents.deal_key = first_leads.deal_key
    where documents.required_on is not null
),

service_appointments as (
    select rooftop, vin, lead_key, created_on, due_on from {{ ref('fct_appointment') }}
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
            deals.vin = service_appointments.vin
            or deal_leads.lead_key = service_appointments.lead_key
        )
    group by deals.deal_key
),

no_first_service as (
    select
        'no_first_service' as rule,
        deals.rooftop,
        'deal' as entity,
        deals.deal_number as entity_id,
        deals.deal_key as entity_key,
        first_leads.lead_key,
        deals.deal_key,
        coalesce(deals.salesperson, 'unknown') as owner,
        deals.delivered_on as opened_on,
        {{ add_days('deals.delivered_on', 1) }} as due_on,
        {{ add_days('deals.delivered_on', 1) }} as broken_on,
        least(first_services.made_on, deals.reversed_on) as closed_on,
        coalesce(
            first_services.made_on <= {{ add_days('deals.delivered_on', 1) }}, false
        ) as is_kept,
        cast(null as decimal(18, 2)) as amount,
        cast(null as varchar) as amount_label,
        cast(null as varchar) as currency,
        case when first_services.made_on is null then 'no appointment' else 'appointment made' end
            as evidence,
        deals.file_id,
        deals.row_number,
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

sold_without_follow_up as (
    select
        'sold_without_follow_up' as rule,
        deals.rooftop,
        'deal' as entity,
        deals.deal_number as entity_id,
        deals.deal_key as entity_key,
        first_leads.lead_key,
        deals.deal_key,
        coalesce(deals.salesperson, 'unknown') as owner,
        deals.recognised_on as opened_on,
        deals.recognised_on as due_on,
        deals.recognised_on as broken_on,
        least(follow_ups.made_on, deals.reversed_on) as closed_on,
        coalesce(follow_ups.made_on <= deals.recognised_on, false) as is_kept,
        cast(null as decimal(18, 2)) as amount,
        cast(null as varchar) as amount_label,
        cast(null as varchar) as currency,
        case when follow_ups.made_on is null then 'no task' else 'task given' end as evidence,
        deals.file_id,
        deals.row_number,
    from deals
    inner join task_senders
        on deals.rooftop = task_senders.rooftop
    inner join first_leads
        on deals.deal_key = first_leads.deal_key
    left join follow_ups
        on deals.deal_key = follow_ups.deal_key
    where deals.deal_type in ('retail', 'lease')
        and deals.recognised_on is not null
),

hire_past_due as (
    select
        'hire_past_due' as rule,
        rooftop,
        'rental' as entity,
        agreement_number as entity_id,
        rental_key as entity_key,
        cast(null as varchar) as lead_key,
        cast(null as varchar) as deal_key,
        coalesce(customer_id, 'unknown') as owner,
        least(out_on, due_back_on) as opened_on,
        due_back_on as due_on,
        due_back_on as broken_on,
        returned_on as closed_on,
        coalesce(returned_at <= due_back_at, false) as is_kept,
        cast(null as decimal(18, 2)) as amount,
        cast(null as varchar) as amount_label,
        cast(null as varchar) as currency,
        kind || ' of ' || stock_number as evidence,
        file_id,
        row_number,
    from {{ ref('fct_rental') }}
    where due_back_on is not null
        and not is_returned_before_out
        and (returned_at is not null or not is_vanished)
),

late_payment as (
    select
        'late_payment' as rule,
        receivables.rooftop,
        'invoice' as entity,
        receivables.document || ' ' || receivables.instalment as entity_id,
        receivables.receivable_key as entity_key,
        first_leads.lead_key,
        case
            when receivables.deal_number is not null
                then {{ readable_key(['receivables.rooftop', 'receivables.deal_number']) }}
        end as deal_key,
        receivables.customer_id as owner,
        least(receivables.posted_on, receivables.due_on) as opened_on,
        receivables.due_on,
        {{ add_days('receivables.due_on', 1) }} as broken_on,
        receivables.settled_on as closed_on,
        coalesce(receivables.settled_on <= receivables.due_on, false) as is_kept,
        open_when_due.amount,
        'open balance' as amount_label,
        receivables.base_currency as currency,
        receivables.schedule as evidence,
        receivables.file_id,
        receivables.row_number,
    from receivables
    left join open_when_due
        on receivables.receivable_key = open_when_due.receivable_key
    left join first_leads
        on {{ readable_key(['receivables.rooftop', 'receivables.deal_number']) }}
            = first_leads.deal_key
    where receivables.is_debit
        and receivables.document_kind = 'invoice'
        and receivables.contract_on is null
        and receivables.amount > 0
),

late_funding as (
    select
        'late_funding' as rule,
        receivables.rooftop,
        'invoice' as entity,
        receivables.document as entity_id,
        receivables.document_key as entity_key,
        first_leads.lead_key,
        case
            when receivables.deal_number is not null
                then {{ readable_key(['receivables.rooftop', 'receivables.deal_number']) }}
        end as deal_key,
        coalesce(deals.finance_manager, deals.salesperson, 'unknown') as owner,
        receivables.contract_on as opened_on,
        {{ add_days('receivables.contract_on', 7) }} as due_on,
        {{ add_days('receivables.contract_on', 8) }} as broken_on,
        receivables.funded_on as closed_on,
        coalesce(
            receivables.funded_on <= {{ add_days('receivables.contract_on', 7) }}, false
        ) as is_kept,
        contracts_open.amount,
        'open balance' as amount_label,
        receivables.base_currency as currency,
        'owed by ' || receivables.customer_id as evidence,
        receivables.file_id,
        receivables.row_number,
    from receivables
    left join deals
        on receivables.rooftop = deals.rooftop
        and receivables.deal_number = deals.deal_number
    left join first_leads
        on deals.deal_key = first_leads.deal_key
    left join contracts_open
        on receivables.document_key = contracts_open.document_key
    where receivables.is_contract_in_transit
),

final as (
    {% for rule in [
        'missing_document', 'no_first_service', 'sold_without_follow_up', 'hire_past_due',
        'late_payment', 'late_funding',
    ] -%}
    select * from {{ rule }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select * from final
