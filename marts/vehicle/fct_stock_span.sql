with stock_units as (
    select * from {{ ref('fct_stock_unit') }}
),

vehicle_costs as (
    select * from {{ ref('int_vehicle_costs_booked') }}
),

statuses as (
    select * from {{ ref('int_stock_statuses_dated') }}
),

deals as (
    select * from {{ ref('int_deals_recognised') }}
),

edges as (
    select * from {{ source('settings', 'stock_edges') }}
),

-- A car in stock passes through the buckets of its age, by the edges of each day.
aged as (
    select
        stock_units.stock_unit_key,
        edges.position,
        edges.label as bucket,
        edges.valid_from as settings_from,
        greatest(
            {{ add_days('stock_units.in_stock_on', 'edges.low') }},
            edges.valid_from
        ) as valid_from,
        least(
            {{ add_days('stock_units.in_stock_on', 'edges.high + 1') }},
            stock_units.left_on,
            edges.valid_to
        ) as valid_to,
    from stock_units
    cross join edges
    where stock_units.in_stock_on is not null
),

bucket_rows as (
    select
        stock_unit_key || '|' || bucket || case
            when settings_from > date '1900-01-01' then '|' || cast(settings_from as varchar)
            else ''
        end as stock_span_key,
        stock_unit_key,
        'in stock' as row_kind,
        bucket,
        valid_from,
        valid_to,
        1 as units,
        cast(null as decimal(18, 2)) as cost,
    from aged
    where valid_to is null
        or valid_from < valid_to
),

-- What a car has cost is known line by line, from the day a line is posted. Without a purchase line
-- the purchase price stands from the first day.
amounts as (
    select
        vehicle_costs.stock_unit_key,
        vehicle_costs.vehicle_cost_key as amount_key,
        vehicle_costs.posted_on,
        vehicle_costs.amount,
    from vehicle_costs
    where not vehicle_costs.is_pack
    union all
    select
        stock_units.stock_unit_key,
        stock_units.stock_unit_key || '|purchase price' as amount_key,
        stock_units.in_stock_on as posted_on,
        stock_units.purchase_price as amount,
    from stock_units
    where stock_units.purchase_price is not null
        and stock_units.stock_unit_key not in (
            select vehicle_costs.stock_unit_key
            from vehicle_costs
            where vehicle_costs.category = 'purchase'
        )
),

cost_rows as (
    select
        bucket_rows.stock_span_key || '|' || amounts.amount_key as stock_span_key,
        bucket_rows.stock_unit_key,
        'cost' as row_kind,
        bucket_rows.bucket,
        greatest(bucket_rows.valid_from, amounts.posted_on) as valid_from,
        bucket_rows.valid_to,
        0 as units,
        amounts.amount as cost,
    from bucket_rows
    inner join amounts
        on bucket_rows.stock_unit_key = amounts.stock_unit_key
    where bucket_rows.valid_to is null
        or amounts.posted_on < bucket_rows.valid_to
),

-- A car whose cost is unknown stands beside its bucket, so that it is counted.
unknown_cost_rows as (
    select
        bucket_rows.stock_span_key || '|cost unknown' as stock_span_key,
        bucket_rows.stock_unit_key,
        'cost' as row_kind,
        bucket_rows.bucket,
        bucket_rows.valid_from,
        bucket_rows.valid_to,
        0 as units,
        cast(null as decimal(18, 2)) as cost,
    from bucket_rows
    inner join stock_units
        on bucket_rows.stock_unit_key = stock_units.stock_unit_key
    where stock_units.cost is null
),

ready_rows as (
    select
        statuses.stock_unit_key || '|ready ' || cast(statuses.position as varchar)
            as stock_span_key,
        statuses.stock_unit_key,
        'ready' as row_kind,
        'ready' as bucket,
        greatest(statuses.valid_from, stock_units.in_stock_on) as valid_from,
        case
            when statuses.valid_to < stock_units.left_on then statuses.valid_to
            when stock_units.left_on is not null then stock_units.left_on
            else statuses.valid_to
        end as valid_to,
        1 as units,
        cast(null as decimal(18, 2)) as cost,
    from statuses
    inner join stock_units
        on statuses.stock_unit_key = stock_units.stock_unit_key
    where statuses.status = 'ready'
        and stock_units.in_stock_on is not null
),

-- A retail sale counts for thirty days, unless it is taken back before.
sale_rows as (
    select
        deal_key || '|sale' as stock_span_key,
        deal_key as stock_unit_key,
        'sale' as row_kind,
        'sale' as bucket,
        recognised_on as valid_from,
        least({{ add_days('recognised_on', 30) }}, reversed_on) as valid_to,
        1 as units,
        cast(null as decimal(18, 2)) as cost,
        rooftop,
        file_id,
        row_number,
        currency,
        condition,
        make,
        model,
    from deals
    where deal_type = 'retail'
        and recognised_on is not null
),

unit_rows as (
    select * from bucket_rows
    union all
    select * from cost_rows
    union all
    select * from unknown_cost_rows
    union all
    select * from ready_rows
),

final as (
    select
        unit_rows.stock_span_key,
        unit_rows.stock_unit_key as record_key,
        stock_units.rooftop,
        stock_units.file_id,
        stock_units.row_number,
        unit_rows.row_kind,
        unit_rows.bucket,
        stock_units."use",
        stock_units.condition,
        stock_units.make,
        stock_units.model,
        stock_units.currency,
        case
            when unit_rows.row_kind = 'cost' and stock_units.cost is null then 'cost unknown'
        end as excluded,
        unit_rows.valid_from,
        unit_rows.valid_to,
        unit_rows.units,
        unit_rows.cost,
    from unit_rows
    inner join stock_units
        on unit_rows.stock_unit_key = stock_units.stock_unit_key
    union all
    select
        stock_span_key,
        stock_unit_key as record_key,
        rooftop,
        file_id,
        row_number,
        row_kind,
        bucket,
        'retail' as "use",
        condition,
        make,
        model,
        currency,
        cast(null as varchar) as excluded,
        valid_from,
        valid_to,
        units,
        cost,
    from sale_rows
)

select
    stock_span_key,
    record_key,
    rooftop,
    file_id,
    row_number,
    row_kind,
    bucket,
    "use",
    condition,
    make,
    model,
    currency,
    excluded,
    valid_from,
    valid_to,
    cast(units as bigint) as units,
    cost,
from final
where valid_to is null
    or valid_from < valid_to
