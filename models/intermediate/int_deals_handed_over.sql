-- Every deal as the leads see it: its customer, the days of its steps and the day its car was
-- handed over. delivered_on is a plan until the deal is finalised, so it counts from there on (the
-- rule of deal.recognition).
with merged as (
    select * from {{ ref('int_customers_merged') }}
),

leads as (
    select * from {{ ref('int_leads_united') }}
    where origin <> 'portal_call'
    qualify row_number() over (partition by rooftop, lead_id order by is_in_crm desc) = 1
)

select
    deals.rooftop,
    deals.deal_number,
    deals.deal_key,
    deals.deal_type,
    deals.status,
    deals.lead_id,
    leads.lead_key,
    -- The customer of the lead it names; the DMS may know the same person by another number.
    coalesce(leads.customer_id, merged.survivor, deals.customer_id) as customer_id,
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
left join leads
    on deals.rooftop = leads.rooftop
    and deals.lead_id = leads.lead_id
left join merged
    on deals.rooftop = merged.rooftop
    and deals.customer_id = merged.customer_id
