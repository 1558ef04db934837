with claims as (
    select * from {{ ref('stg_dms__claims') }}
),

deals as (
    select * from {{ ref('int_deals_recognised') }}
),

rooftops as (
    select * from {{ ref('dim_rooftop') }}
),

localised as (
    select
        claims.*,
        rooftops.currency as rooftop_currency,
        {{ booked_rate(
            'claims.currency',
            'cast(null as decimal(18, 6))',
            'rooftops.currency',
        ) }} as booked_rate,
        {{ local_day('claims.opened_at', 'rooftops.time_zone') }} as opened_on,
        {{ local_day('claims.decided_at', 'rooftops.time_zone') }} as decided_on,
        {{ local_day('claims.closed_at', 'rooftops.time_zone') }} as closed_on,
    from claims
    left join rooftops
        on claims.rooftop = rooftops.rooftop
),

-- The unit of a claim: its deal number, else its stock number, else its VIN.
candidates as (
    select
        claims.claim_key,
        claims.opened_on,
        1 as step,
        'deal_number' as linked_by,
        deals.deal_key,
        deals.handed_over_on,
        deals.make,
        deals.model,
    from localised as claims
    inner join deals
        on claims.rooftop = deals.rooftop
        and claims.deal_number = deals.deal_number
    union all
    select
        claims.claim_key,
        claims.opened_on,
        2 as step,
        'stock_number' as linked_by,
        deals.deal_key,
        deals.handed_over_on,
        deals.make,
        deals.model,
    from localised as claims
    inner join deals
        on claims.rooftop = deals.rooftop
        and claims.stock_number = deals.stock_number
        and deals.handed_over_on is not null
    union all
    -- A car is the same car at every rooftop of the company.
    select
        claims.claim_key,
        claims.opened_on,
        3 as step,
        'vin' as linked_by,
        deals.deal_key,
        deals.handed_over_on,
        deals.make,
        deals.model,
    from localised as claims
    inner join deals
        on {{ vin_key('claims.vin') }} = {{ vin_key('deals.vin') }}
        and deals.handed_over_on is not null
),

-- Of several deals of a stock number or VIN the last delivery not after the claim; else the first
-- one after it.
linked as (
    select
        claim_key,
        linked_by,
        deal_key,
        handed_over_on,
        make,
        model,
    from candidates
    qualify row_number() over (
        partition by claim_key
        order by
            step,
            coalesce(handed_over_on <= opened_on, false) desc,
            case when handed_over_on <= opened_on then handed_over_on end desc nulls last,
            handed_over_on nulls last,
            deal_key
    ) = 1
),

final as (
    select
        claims.claim_key,
        claims.rooftop,
        claims.claim_number,
        linked.deal_key,
        claims.deal_number,
        claims.ro_number,
        claims.stock_number,
        claims.vin,
        claims.file_id,
        claims.row_number,
        claims.kind,
        claims.status,
        coalesce(nullif(trim(claims.cause), ''), 'unknown') as cause,
        coalesce(linked.linked_by, 'none') as linked_by,
        coalesce(linked.make, 'unknown') as make,
        coalesce(linked.model, 'unknown') as model,
        case
            when linked.deal_key is null then 'claim without a unit'
            when linked.handed_over_on is null or claims.opened_on < linked.handed_over_on
                then 'claim from before delivery'
        end as excluded,
        claims.rooftop_currency as currency,
        coalesce(nullif(upper(trim(claims.currency)), ''), claims.rooftop_currency)
            as source_currency,
        case
            when claims.amount_paid is null then 'amount paid is missing'
            when claims.booked_rate is null then 'exchange rate of the claim missing'
        end as excluded_cost,
        claims.opened_at,
        claims.opened_on,
        claims.decided_on,
        claims.closed_on,
        coalesce(claims.closed_on, claims.decided_on) as paid_on,
        linked.handed_over_on as delivered_on,
        cast({{ days_between('linked.handed_over_on', 'claims.opened_on') }} as bigint)
            as days_after_delivery,
        claims.amount_claimed as source_amount_claimed,
        claims.amount_paid as source_amount_paid,
        {{ money_times('claims.amount_claimed', 'claims.booked_rate') }} as amount_claimed,
        {{ money_times('claims.amount_paid', 'claims.booked_rate') }} as amount_paid,
        coalesce(
            {{ names_hold(policy('claim.kinds', 'claims.opened_on'), 'claims.kind') }},
            false
        ) as is_counted_kind,
        claims.gone_at is not null as is_vanished,
    from localised as claims
    left join linked
        on claims.claim_key = linked.claim_key
)

select * from final
