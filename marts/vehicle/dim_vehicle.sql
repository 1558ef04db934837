with stock_units as (
    select * from {{ ref('stg_dms__vehicles') }}
),

deals as (
    select * from {{ ref('int_deals_recognised') }}
),

seen as (
    select
        vehicle_key,
        vin,
        plain_registration as registration,
        make,
        model,
        model_year,
        coalesce(arrived_on, acquired_on) as seen_on,
        stock_unit_key,
    from stock_units
    union all
    -- A car that only a deal names is a car too.
    select
        vehicle_key,
        vin,
        null as registration,
        null as make,
        null as model,
        null as model_year,
        contract_on as seen_on,
        null as stock_unit_key,
    from deals
    where stock_unit_key is null
        and vehicle_key is not null
),

ranked as (
    select
        *,
        row_number() over (
            partition by vehicle_key
            order by stock_unit_key is null, seen_on desc nulls last, stock_unit_key desc nulls last
        ) as newest_first,
    from seen
),

counted as (
    select
        vehicle_key,
        min(seen_on) as first_seen_on,
        count(distinct stock_unit_key) as stock_units,
    from seen
    group by vehicle_key
),

vins as (
    select
        vin,
        status,
        suggested,
    from {{ source('settings', 'vins') }}
),

final as (
    select
        ranked.vehicle_key,
        ranked.stock_unit_key as last_stock_unit_key,
        ranked.vin,
        coalesce(vins.status, 'missing') as vin_status,
        vins.suggested as vin_suggested,
        ranked.registration,
        coalesce(nullif(trim(ranked.make), ''), 'unknown') as make,
        coalesce(nullif(trim(ranked.model), ''), 'unknown') as model,
        counted.first_seen_on,
        ranked.model_year,
        counted.stock_units,
    from ranked
    inner join counted
        on ranked.vehicle_key = counted.vehicle_key
    left join vins
        on ranked.vin = vins.vin
    where ranked.newest_first = 1
)

select * from final
