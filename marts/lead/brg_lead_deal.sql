with deals as (
    select * from {{ ref('int_deals_linked') }}
),

leads as (
    select * from {{ ref('int_leads_united') }}
),

grouped as (
    select * from {{ ref('int_leads_grouped') }}
),

-- Every lead of the episode that the deal came from, and the lead that the deal names where it is
-- no sales lead.
pairs as (
    select
        grouped.lead_key,
        deals.deal_key,
    from deals
    inner join grouped
        on deals.episode_key = grouped.episode_key

    union

    select
        lead_key,
        deal_key,
    from deals
    where lead_key is not null
)

select
    leads.rooftop,
    leads.lead_id,
    leads.lead_key,
    deals.deal_number,
    deals.deal_key,
    deals.episode_key,
    deals.file_id,
    deals.row_number,
    case
        when deals.lead_key = leads.lead_key then deals.matched_by
        when deals.linked_by = 'customer' then 'customer'
        else 'episode'
    end as matched_by,
    leads.received_on,
    coalesce(leads.lead_key = deals.episode_key, false) as is_first_lead,
from pairs
inner join leads
    on pairs.lead_key = leads.lead_key
inner join deals
    on pairs.deal_key = deals.deal_key
