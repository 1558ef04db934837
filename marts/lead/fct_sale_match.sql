with deals as (
    select * from {{ ref('int_deals_linked') }}
    where recognised_on is not null
),

leads as (
    select * from {{ ref('int_leads_united') }}
    where origin <> 'portal_call'
),

pairs as (
    select
        lead_key,
        deal_key,
    from {{ ref('brg_lead_deal') }}
),

episodes as (
    select
        lead_key,
        episode_key,
    from {{ ref('int_leads_grouped') }}
),

-- What the CRM says of a deal: its first lead, and the first day on which one of them was won.
told as (
    select
        pairs.deal_key,
        leads.lead_key,
        leads.source,
        min(leads.won_on) over (partition by pairs.deal_key) as won_on,
    from pairs
    inner join leads
        on pairs.lead_key = leads.lead_key
    qualify row_number() over (
        partition by pairs.deal_key
        order by leads.received_on, leads.received_at, leads.lead_key
    ) = 1
),

dms_sales as (
    select
        deals.rooftop,
        'deal|' || deals.deal_key as sale_key,
        deals.deal_number,
        deals.deal_key,
        coalesce(deals.lead_key, told.lead_key) as lead_key,
        deals.file_id,
        deals.row_number,
        coalesce(deals.matched_by, deals.linked_by, 'nothing') as matched_by,
        coalesce(deals.deal_type, 'unknown') as deal_type,
        coalesce(told.source, 'unknown') as source,
        coalesce(deals.salesperson, 'unknown') as salesperson,
        case
            when deals.deal_type not in ('retail', 'lease')
                then 'deal of type ' || deals.deal_type
        end as excluded,
        deals.recognised_on as sold_on,
        told.deal_key is not null as has_lead,
        told.won_on,
    from deals
    left join told
        on deals.deal_key = told.deal_key
),

-- One sale of the CRM is one episode, however many of its leads were marked won.
crm_sales as (
    select
        leads.rooftop,
        coalesce(episodes.episode_key, leads.lead_key) as lead_key,
        min(leads.won_on) as won_on,
        min(deals.recognised_on) as deal_on,
    from leads
    left join episodes
        on leads.lead_key = episodes.lead_key
    left join pairs
        on leads.lead_key = pairs.lead_key
    left join deals
        on pairs.deal_key = deals.deal_key
    where leads.won_on is not null
    group by leads.rooftop, coalesce(episodes.episode_key, leads.lead_key)
),

spans as (
    select
        sale_key,
        case when has_lead then 'CRM unmatched' else 'DMS unmatched' end as match_status,
        sold_on as valid_from,
        won_on as valid_to,
    from dms_sales
    where won_on is null or won_on > sold_on

    union all

    select
        sale_key,
        'matched' as match_status,
        greatest(sold_on, won_on) as valid_from,
        cast(null as date) as valid_to,
    from dms_sales
    where won_on is not null
)

select
    sales.rooftop,
    sales.sale_key || '|' || spans.match_status as sale_match_key,
    sales.sale_key,
    sales.deal_number,
    sales.deal_key,
    sales.lead_key,
    sales.file_id,
    sales.row_number,
    spans.match_status,
    sales.matched_by,
    sales.deal_type,
    sales.source,
    sales.salesperson,
    sales.excluded,
    sales.sold_on,
    spans.valid_from,
    spans.valid_to,
from dms_sales as sales
inner join spans
    on sales.sale_key = spans.sale_key

union all

select
    sales.rooftop,
    'lead|' || sales.lead_key || '|sold in CRM only' as sale_match_key,
    'lead|' || sales.lead_key as sale_key,
    cast(null as varchar) as deal_number,
    cast(null as varchar) as deal_key,
    sales.lead_key,
    leads.file_id,
    leads.row_number,
    'sold in CRM only' as match_status,
    'nothing' as matched_by,
    'unknown' as deal_type,
    leads.source,
    coalesce(leads.owner, 'unknown') as salesperson,
    cast(null as varchar) as excluded,
    sales.won_on as sold_on,
    sales.won_on as valid_from,
    sales.deal_on as valid_to,
from crm_sales as sales
inner join leads
    on sales.lead_key = leads.lead_key
where sales.deal_on is null or sales.deal_on > sales.won_on
