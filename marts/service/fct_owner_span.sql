with units as (
    select * from {{ ref('fct_claim_exposure') }}
    where row_kind = 'unit'
),

deals as (
    select * from {{ ref('int_deals_recognised') }}
),

orders as (
    select * from {{ ref('fct_repair_order') }}
    where has_customer_pay
        and not is_voided
        and closed_on is not null
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
        deals.vin,
        deals.customer_id,
        units.started_on,
        least(
            {{ add_months('units.started_on', 24) }},
            deals.reversed_on
        ) as ends_on,
    from units
    inner join deals
        on units.deal_key = deals.deal_key
),

-- Somebody pays for work on the car, anywhere, or as the customer at the rooftop.
visits as (
    select owned.exposure_key, orders.repair_order_key, orders.closed_on
    from owned
    inner join orders
        on owned.vin = orders.vin
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
    owned.excluded_buyer as excluded,
    spans.valid_from,
    spans.valid_to,
from spans
inner join owned
    on spans.exposure_key = owned.exposure_key
where spans.valid_from < spans.valid_to
