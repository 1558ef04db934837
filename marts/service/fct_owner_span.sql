with units as (
    select * from {{ ref('fct_claim_exposure') }}
    where row_kind = 'unit'
),

deals as (
    select * from {{ ref('int_deals_recognised') }}
),

orders as (
    select
        *,
        {{ vin_key('vin') }} as vin_key,
    from {{ ref('fct_repair_order') }}
    where has_customer_pay
        and not is_voided
        and closed_on is not null
),

-- Who looks after a buyer: whom the DMS names, else the CRM for the customer of the lead, else who
-- sold the car. What the CRM has closed is nobody's customer any more.
dms_customers as (
    select rooftop, customer_id, employee from {{ ref('stg_dms__customers') }}
),

crm_customers as (
    select customer_id, rooftop, employee, is_active from {{ ref('dim_customer') }}
    where system = 'crm'
),

employees as (
    select rooftop, employee, active_to from {{ ref('dim_employee') }}
),

looked_after as (
    select
        deals.deal_key,
        coalesce(dms_customers.employee, crm_customers.employee, deals.salesperson) as employee,
        coalesce(crm_customers.is_active, true) as is_active,
    from deals
    left join dms_customers
        on deals.rooftop = dms_customers.rooftop
        and deals.customer_id = dms_customers.customer_id
    left join {{ ref('int_deals_linked') }} as linked
        on deals.deal_key = linked.deal_key
    left join crm_customers
        on linked.customer_id = crm_customers.customer_id
        and crm_customers.rooftop in (deals.rooftop, '')
    qualify row_number() over (
        partition by deals.deal_key
        order by crm_customers.rooftop desc nulls last
    ) = 1
),

carers as (
    select
        looked_after.deal_key,
        looked_after.employee,
        {{ add_days('employees.active_to', 1) }} as left_on,
        case
            when looked_after.employee is null then 'nobody named to look after the owner'
            when employees.employee is null then 'employee not in the list of the CRM'
            when not looked_after.is_active then 'customer closed in the CRM'
        end as excluded_orphan,
    from looked_after
    inner join deals
        on looked_after.deal_key = deals.deal_key
    left join employees
        on looked_after.employee = employees.employee
        and employees.rooftop in (deals.rooftop, '')
    qualify row_number() over (
        partition by looked_after.deal_key
        order by employees.rooftop desc nulls last
    ) = 1
),

-- An owner is somebody in the first 24 months with a car, unless the deal was taken back.
owned as (
    select
        units.exposure_key,
        units.deal_key,
        units.rooftop,
        units.file_id,
        units.row_number,
        units.buyer_key,
        units.make,
        units.model,
        units.condition,
        units.excluded_buyer,
        coalesce(carers.employee, 'unknown') as employee,
        coalesce(units.excluded_buyer, carers.excluded_orphan) as excluded_orphan,
        greatest(units.started_on, carers.left_on) as orphaned_on,
        carers.left_on is not null as is_left,
        {{ vin_key('deals.vin') }} as vin_key,
        deals.customer_id,
        units.started_on,
        least(
            {{ add_months('units.started_on', 24) }},
            deals.reversed_on
        ) as ends_on,
    from units
    inner join deals
        on units.deal_key = deals.deal_key
    left join carers
        on units.deal_key = carers.deal_key
),

-- Somebody pays for work on the car, anywhere, or as the customer at the rooftop.
visits as (
    select owned.exposure_key, orders.repair_order_key, orders.closed_on
    from owned
    inner join orders
        on owned.vin_key = orders.vin_key
    where orders.closed_on >= owned.started_on
    union
    select owned.exposure_key, orders.repair_order_key, orders.closed_on
    from owned
    inner join orders
        on owned.rooftop = orders.rooftop
        and owned.customer_id = orders.customer_id
    where orders.closed_on >= owned.started_on
),

spans as (
    select
        exposure_key || '|owner' as owner_span_key,
        exposure_key,
        'owner' as row_kind,
        started_on as valid_from,
        ends_on as valid_to,
    from owned
    union all
    select
        exposure_key || '|orphan' as owner_span_key,
        exposure_key,
        'orphan' as row_kind,
        orphaned_on as valid_from,
        ends_on as valid_to,
    from owned
    where is_left
    union all
    select
        visits.exposure_key || '|' || visits.repair_order_key as owner_span_key,
        visits.exposure_key,
        'paid visit' as row_kind,
        visits.closed_on as valid_from,
        least({{ add_months('visits.closed_on', 12) }}, owned.ends_on) as valid_to,
    from visits
    inner join owned
        on visits.exposure_key = owned.exposure_key
)

select
    spans.owner_span_key,
    owned.rooftop,
    owned.buyer_key,
    owned.deal_key,
    owned.file_id,
    owned.row_number,
    spans.row_kind,
    owned.make,
    owned.model,
    owned.condition,
    owned.employee,
    owned.excluded_buyer as excluded,
    owned.excluded_orphan,
    spans.valid_from,
    spans.valid_to,
from spans
inner join owned
    on spans.exposure_key = owned.exposure_key
where spans.valid_from < spans.valid_to
