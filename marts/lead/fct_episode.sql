with episodes as (
    select * from {{ ref('int_episodes_bounded') }}
),

leads as (
    select * from {{ ref('int_leads_united') }}
),

grouped as (
    select * from {{ ref('int_leads_grouped') }}
),

deals as (
    select * from {{ ref('int_deals_linked') }}
    where episode_key is not null
),

rooftops as (
    select * from {{ ref('dim_rooftop') }}
),

-- Where no deals have landed for a rooftop the CRM's own word is all there is.
rooftops_with_deals as (
    select distinct rooftop from {{ ref('int_deals_handed_over') }}
),

sales as (
    select
        deals.episode_key,
        min(deals.delivered_on)
            filter (where deals.delivered_on >= episodes.started_on) as delivered_on,
        min(deals.recognised_on)
            filter (where deals.recognised_on >= episodes.started_on) as recognised_on,
        count(*) as deals,
    from deals
    inner join episodes
        on deals.episode_key = episodes.episode_key
    group by deals.episode_key
),

wins as (
    select
        grouped.episode_key,
        bool_or(leads.not_good_reason is null) as is_good,
        min(
            coalesce(
                {{ local_day('leads.stage_changed_at', 'rooftops.time_zone') }},
                leads.received_on
            )
        ) filter (where leads.stage = 'won') as won_on,
    from grouped
    inner join leads
        on grouped.lead_key = leads.lead_key
    inner join rooftops
        on grouped.rooftop = rooftops.rooftop
    group by grouped.episode_key
)

select
    episodes.rooftop,
    leads.lead_id,
    episodes.episode_key,
    episodes.customer_id,
    leads.file_id,
    leads.row_number,
    leads.source,
    coalesce(leads.channel, 'unknown') as channel,
    coalesce(leads.intent, 'unknown') as intent,
    coalesce(leads.owner, 'unknown') as owner,
    case
        when rooftops_with_deals.rooftop is not null then 'deal'
        else 'CRM'
    end as conversion_basis,
    case when not wins.is_good then 'no good lead' end as not_good_reason,
    episodes.started_at,
    episodes.started_on,
    episodes.last_lead_on,
    episodes.last_sign_on,
    least(sales.delivered_on, episodes.silent_on) as ended_on,
    sales.delivered_on,
    sales.recognised_on,
    wins.won_on,
    case
        when rooftops_with_deals.rooftop is not null then sales.recognised_on
        else wins.won_on
    end as converted_on,
    episodes.leads,
    coalesce(sales.deals, 0) as deals,
    wins.is_good,
from episodes
inner join leads
    on episodes.episode_key = leads.lead_key
inner join wins
    on episodes.episode_key = wins.episode_key
left join sales
    on episodes.episode_key = sales.episode_key
left join rooftops_with_deals
    on episodes.rooftop = rooftops_with_deals.rooftop
