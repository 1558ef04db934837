-- Every deal that a lead became, with that lead and the rung of the ladder that found it (METRICS
-- section 6): the lead id that the deal names; else the deal number that the CRM names in a survey
-- of the sale, for the newest lead of that customer; else the VIN and a sale in the CRM within
-- seven days of the deal; else the telephone or e-mail of the buyer and a sale on the same day. The
-- CRM's sale is the day on which the lead was won.
with deals as (
    select
        *,
        {{ vin_key('vin') }} as vin_key,
        least(contract_on, finalised_on, delivered_on) as first_step_on,
        greatest(contract_on, finalised_on, delivered_on) as last_step_on,
        status = 'cancelled' and reversed_on is null as is_called_off,
    from {{ ref('stg_dms__deals') }}
),

leads as (
    select
        *,
        {{ vin_key('vin') }} as vin_key,
    from {{ ref('int_leads_united') }}
    where origin <> 'portal_call'
),

by_id as (
    select
        deals.deal_key,
        leads.lead_key,
        'lead' as matched_by,
    from deals
    inner join leads
        on deals.rooftop = leads.rooftop
        and deals.lead_id = leads.lead_id
    qualify row_number() over (partition by deals.deal_key order by leads.is_in_crm desc) = 1
),

by_number as (
    select
        deals.deal_key,
        leads.lead_key,
        'deal number' as matched_by,
    from deals
    inner join {{ ref('stg_crm__surveys') }} as surveys
        on deals.rooftop = surveys.rooftop
        and deals.deal_number = surveys.reference
        and surveys.about = 'sale'
    left join {{ ref('int_customers_merged') }} as merged
        on surveys.rooftop = merged.rooftop
        and surveys.customer_id = merged.customer_id
    inner join leads
        on deals.rooftop = leads.rooftop
        and coalesce(merged.survivor, surveys.customer_id) = leads.customer_id
        and leads.is_sales
        and leads.received_on <= deals.last_step_on
    left join by_id
        on deals.deal_key = by_id.deal_key
    where by_id.deal_key is null
    qualify row_number() over (
        partition by deals.deal_key
        order by leads.received_on desc, leads.received_at desc, leads.lead_key
    ) = 1
),

-- What the rungs so far have left: deals that stand, and sales of the CRM.
deals_left as (
    select deals.*
    from deals
    where not deals.is_called_off
        and deals.first_step_on is not null
        and deals.deal_key not in (select deal_key from by_id)
        and deals.deal_key not in (select deal_key from by_number)
),

sales_left as (
    select leads.*
    from leads
    where leads.won_on is not null
        and leads.lead_key not in (select lead_key from by_id)
        and leads.lead_key not in (select lead_key from by_number)
),

vins as (
    select
        deals.deal_key,
        sales.lead_key,
        least(
            coalesce(abs({{ days_between('sales.won_on', 'deals.contract_on') }}), 8),
            coalesce(abs({{ days_between('sales.won_on', 'deals.finalised_on') }}), 8),
            coalesce(abs({{ days_between('sales.won_on', 'deals.delivered_on') }}), 8)
        ) as days_apart,
    from deals_left as deals
    inner join sales_left as sales
        on deals.rooftop = sales.rooftop
        and deals.vin_key = sales.vin_key
),

-- Each side's nearest, so that no sale of the CRM stands for two deals.
by_vin as (
    select
        deal_key,
        lead_key,
        'VIN' as matched_by,
    from vins
    where days_apart <= 7
    qualify row_number() over (partition by deal_key order by days_apart, lead_key) = 1
        and row_number() over (partition by lead_key order by days_apart, deal_key) = 1
),

contacts as (
    select rooftop, kind, raw, contact from {{ source('settings', 'contacts') }}
    where contact is not null
),

buyers as (
    select
        customers.rooftop,
        customers.customer_id,
        contacts.kind,
        contacts.contact,
    from {{ ref('stg_dms__customers') }} as customers
    inner join contacts
        on customers.rooftop = contacts.rooftop
        and contacts.raw = case contacts.kind
            when 'email' then customers.email else customers.phone
        end
),

lead_contacts as (
    select
        leads.lead_key,
        contacts.kind,
        contacts.contact,
    from (
        select rooftop, lead_key, email, phone from {{ ref('stg_crm__leads') }}
        union all
        select rooftop, lead_key, email, phone from {{ ref('stg_portal__leads') }}
    ) as leads
    inner join contacts
        on leads.rooftop = contacts.rooftop
        and contacts.raw = case contacts.kind when 'email' then leads.email else leads.phone end

    union

    select
        leads.lead_key,
        contacts.kind,
        contacts.contact,
    from {{ ref('int_leads_united') }} as leads
    inner join {{ ref('stg_crm__customers') }} as customers
        on leads.customer_id = customers.customer_id
        and leads.rooftop = coalesce(customers.rooftop, leads.rooftop)
    inner join contacts
        on coalesce(customers.rooftop, '') = contacts.rooftop
        and contacts.raw = case contacts.kind
            when 'email' then customers.email else customers.phone
        end
),

by_contact as (
    select
        deals.deal_key,
        sales.lead_key,
        case buyers.kind when 'email' then 'e-mail' else 'phone' end as matched_by,
    from deals_left as deals
    inner join buyers
        on deals.rooftop = buyers.rooftop
        and deals.customer_id = buyers.customer_id
    inner join lead_contacts
        on buyers.kind = lead_contacts.kind
        and buyers.contact = lead_contacts.contact
    inner join sales_left as sales
        on deals.rooftop = sales.rooftop
        and lead_contacts.lead_key = sales.lead_key
        and sales.won_on in (deals.contract_on, deals.finalised_on, deals.delivered_on)
    where deals.deal_key not in (select deal_key from by_vin)
        and sales.lead_key not in (select lead_key from by_vin)
    qualify row_number() over (
            partition by deals.deal_key
            order by buyers.kind desc, sales.lead_key
        ) = 1
        and row_number() over (
            partition by sales.lead_key
            order by deals.deal_key, buyers.kind desc
        ) = 1
),

matched as (
    select deal_key, lead_key, matched_by from by_id
    union all
    select deal_key, lead_key, matched_by from by_number
    union all
    select deal_key, lead_key, matched_by from by_vin
    union all
    select deal_key, lead_key, matched_by from by_contact
)

select
    matched.deal_key,
    matched.lead_key,
    matched.matched_by,
    leads.customer_id,
    leads.party,
from matched
inner join leads
    on matched.lead_key = leads.lead_key
