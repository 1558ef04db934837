-- Every deal as the leads see it: its customer, the days of its steps and the day its car was
-- handed over. delivered_on is a plan until the deal is finalised, so it counts from there on (the
-- rule of deal.recognition).
with joined as (
    -- Where settings join them, the customer of the CRM that the DMS's is.
    select
        rooftop,
        customer_id,
        survivor,
    from {{ ref('int_customers_matched') }}
    where system = 'dms' and survivor_system = 'crm'
),

matched as (
    select * from {{ ref('int_deals_matched') }}
)

select
    deals.rooftop,
    deals.deal_number,
    deals.deal_key,
    deals.deal_type,
    deals.status,
    deals.lead_id,
    matched.lead_key,
    matched.matched_by,
    -- The customer of its lead. The number in the DMS says nothing about the CRM's unless settings
    -- join the two.
    coalesce(matched.customer_id, joined.survivor) as customer_id,
    coalesce(matched.party, 'customer ' || joined.survivor) as party,
    deals.stock_number,
    deals.vin,
    deals.salesperson,
    deals.contract_on,
    case
        when deals.status in ('finalised', 'delivered', 'unwound')
            or (deals.status = 'cancelled' and deals.reversed_on is not null)
            then deals.delivered_on
    end as delivered_on,
    least(deals.contract_on, deals.finalised_on, deals.delivered_on) as first_step_on,
    {{ deal_recognised_on('deals') }} as recognised_on,
    deals.status = 'cancelled' and deals.reversed_on is null as is_called_off,
    deals.file_id,
    deals.row_number,
from {{ ref('stg_dms__deals') }} as deals
left join matched
    on deals.deal_key = matched.deal_key
left join joined
    on deals.rooftop = joined.rooftop
    and deals.customer_id = joined.customer_id
