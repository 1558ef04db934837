with deals as (
    select * from {{ ref('int_deals_recognised') }}
),

claims as (
    select * from {{ ref('fct_claim') }}
),

appointments as (
    select
        appointments.rooftop,
        appointments.lead_id,
        {{ vin_key('appointments.vin') }} as vin_key,
        {{ local_day('appointments.created_at', 'rooftops.time_zone') }} as created_on,
        {{ local_day('appointments.starts_at', 'rooftops.time_zone') }} as starts_on,
    from {{ ref('stg_crm__appointments') }} as appointments
    inner join {{ ref('dim_rooftop') }} as rooftops
        on appointments.rooftop = rooftops.rooftop
    where appointments.kind = 'service'
),

claimed as (
    select
        deal_key,
        min(opened_on) filter (where is_counted_kind) as first_claim_on,
        min(opened_on) filter (where kind = 'return') as first_return_on,
        count(*) filter (where is_counted_kind) as claims,
    from claims
    where excluded is null
    group by deal_key
),

-- The first service visit, set no later than the day after the handover: by the car, else by the
-- lead that was sold.
appointments_of_deals as (
    select
        deals.deal_key,
        deals.handed_over_on,
        appointments.created_on,
        appointments.starts_on,
    from deals
    inner join appointments
        on {{ vin_key('deals.vin') }} = appointments.vin_key
    union all
    select
        deals.deal_key,
        deals.handed_over_on,
        appointments.created_on,
        appointments.starts_on,
    from deals
    inner join appointments
        on deals.rooftop = appointments.rooftop
        and deals.lead_id = appointments.lead_id
        and appointments.vin_key is null
),

first_services as (
    select
        deal_key,
        min(greatest(created_on, handed_over_on)) as first_service_set_on,
    from appointments_of_deals
    where starts_on > handed_over_on
        and created_on <= {{ add_days('handed_over_on', 1) }}
    group by deal_key
),

-- A buyer who bought here before: an earlier handover that was not taken back by then.
repeated as (
    select distinct deals.deal_key
    from deals
    inner join deals as earlier
        on deals.rooftop = earlier.rooftop
        and deals.customer_id = earlier.customer_id
        and earlier.handed_over_on < deals.handed_over_on
        and (earlier.reversed_on is null or earlier.reversed_on > deals.handed_over_on)
),

units as (
    select
        deals.deal_key as exposure_key,
        'unit' as row_kind,
        deals.deal_key,
        cast(null as varchar) as claim_key,
        deals.rooftop,
        deals.deal_number,
        cast(null as varchar) as claim_number,
        deals.file_id,
        deals.row_number,
        deals.deal_type,
        deals.make,
        deals.model,
        deals.condition,
        deals.salesperson,
        coalesce({{ readable_key(['deals.rooftop', 'deals.customer_id']) }}, deals.deal_key)
            as buyer_key,
        cast(null as varchar) as excluded,
        case when deals.customer_id is null then 'no customer' end as excluded_buyer,
        case
            when {{ vin_key('deals.vin') }} is null and deals.lead_id is null
                then 'neither VIN nor lead'
        end as excluded_service,
        deals.handed_over_on as started_on,
        claimed.first_claim_on,
        -- Taken back is returned; taken back before it was delivered is not.
        least(
            claimed.first_return_on,
            case when deals.reversed_on >= deals.handed_over_on then deals.reversed_on end
        ) as returned_on,
        first_services.first_service_set_on,
        coalesce(claimed.claims, 0) as claims,
        repeated.deal_key is not null as is_repeat_buyer,
    from deals
    left join claimed
        on deals.deal_key = claimed.deal_key
    left join first_services
        on deals.deal_key = first_services.deal_key
    left join repeated
        on deals.deal_key = repeated.deal_key
    where deals.deal_type in ('retail', 'lease')
        and deals.handed_over_on is not null
),

-- Claims that belong to no unit stand here on the day they were opened, so that each rate counts
-- what it leaves out.
left_out as (
    select
        claim_key as exposure_key,
        case when kind = 'return' then 'return' else 'claim' end as row_kind,
        deal_key,
        claim_key,
        rooftop,
        deal_number,
        claim_number,
        file_id,
        row_number,
        'unknown' as deal_type,
        'unknown' as make,
        'unknown' as model,
        'unknown' as condition,
        'unknown' as salesperson,
        cast(null as varchar) as buyer_key,
        excluded,
        cast(null as varchar) as excluded_buyer,
        cast(null as varchar) as excluded_service,
        opened_on as started_on,
        cast(null as date) as first_claim_on,
        cast(null as date) as returned_on,
        cast(null as date) as first_service_set_on,
        0 as claims,
        false as is_repeat_buyer,
    from claims
    where excluded is not null
        and (is_counted_kind or kind = 'return')
),

final as (
    select * from units
    union all
    select * from left_out
)

select * from final
