with inspections as (
    select * from {{ ref('stg_dms__inspections') }}
),

rooftops as (
    select * from {{ ref('dim_rooftop') }}
),

vehicles as (
    select * from {{ ref('stg_dms__vehicles') }}
),

localised as (
    select
        inspections.*,
        coalesce(vehicles.vehicle_key, {{ vin_key('inspections.vin') }}) as vehicle_key,
        coalesce(nullif(trim(vehicles.make), ''), 'unknown') as make,
        coalesce(nullif(trim(vehicles.model), ''), 'unknown') as model,
        {{ local_day('inspections.inspected_at', 'rooftops.time_zone') }} as inspected_on,
    from inspections
    inner join rooftops
        on inspections.rooftop = rooftops.rooftop
    left join vehicles
        on inspections.rooftop = vehicles.rooftop
        and inspections.stock_number = vehicles.stock_number
),

-- The presentation before this one, of the same car for the same kind; an aborted one was none.
completed as (
    select
        inspection_key,
        lag(result) over (
            partition by vehicle_key, kind
            order by inspected_at, attempt, inspection_key
        ) as result_before,
    from localised
    where vehicle_key is not null
        and result != 'aborted'
),

final as (
    select
        localised.inspection_key,
        localised.rooftop,
        localised.inspection_id,
        localised.vehicle_key,
        localised.stock_number,
        localised.vin,
        localised.file_id,
        localised.row_number,
        coalesce(localised.kind, 'unknown') as kind,
        localised.result,
        coalesce(nullif(trim(localised.inspector), ''), 'unknown') as inspector,
        localised.make,
        localised.model,
        case when localised.result = 'aborted' then 'aborted' end as excluded,
        localised.inspected_at,
        localised.inspected_on,
        localised.attempt,
        -- Without a number an inspection is a retest when the one before it failed.
        coalesce(
            localised.attempt = 1,
            coalesce(completed.result_before, 'pass') != 'fail'
        ) as is_first_attempt,
        localised.result in ('fail', 'pass_after_repair') as is_failed,
    from localised
    left join completed
        on localised.inspection_key = completed.inspection_key
)

select * from final
