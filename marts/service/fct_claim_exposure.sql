with deals as (
    select * from {{ ref('int_deals_recognised') }}
),

claims as (
    select * from {{ ref('fct_claim') }}
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
        cast(null as varchar) as excluded,
        deals.handed_over_on as started_on,
        claimed.first_claim_on,
        -- Taken back is returned; taken back before it was delivered is not.
        least(
            claimed.first_return_on,
            case when deals.reversed_on >= deals.handed_over_on then deals.reversed_on end
        ) as returned_on,
        coalesce(claimed.claims, 0) as claims,
    from deals
    left join claimed
        on deals.deal_key = claimed.deal_key
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
        excluded,
        opened_on as started_on,
        cast(null as date) as first_claim_on,
        cast(null as date) as returned_on,
        0 as claims,
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
