-- Every deal with the episode it came from: that of its lead, else the newest episode of its
-- customer (where settings join the customers of CRM and DMS) that was alive on one of the deal's
-- days and had not ended with another delivery before.
with deals as (
    select * from {{ ref('int_deals_handed_over') }}
),

episodes as (
    select * from {{ ref('int_episodes_bounded') }}
),

named as (
    select
        deals.deal_key,
        leads.episode_key,
        deals.matched_by as linked_by,
        deals.delivered_on,
    from deals
    inner join {{ ref('int_leads_grouped') }} as leads
        on deals.lead_key = leads.lead_key
),

by_customer as (
    select
        deals.deal_key,
        episodes.episode_key,
        'customer' as linked_by,
        deals.delivered_on,
        deals.first_step_on,
    from deals
    inner join episodes
        on deals.rooftop = episodes.rooftop
        and deals.customer_id = episodes.customer_id
        and (
            deals.first_step_on between episodes.started_on and episodes.silent_on
            or deals.delivered_on between episodes.started_on and episodes.silent_on
        )
    where not exists (select 1 from named where named.deal_key = deals.deal_key)
    qualify row_number() over (
        partition by deals.deal_key
        order by episodes.started_on desc, episodes.started_at desc, episodes.episode_key
    ) = 1
),

deliveries as (
    select episode_key, deal_key, delivered_on from named
    union all
    select episode_key, deal_key, delivered_on from by_customer
),

-- A deal begun after the episode's first delivery belongs to no enquiry of that episode.
after_the_end as (
    select distinct by_customer.deal_key
    from by_customer
    inner join episodes
        on by_customer.episode_key = episodes.episode_key
    inner join deliveries
        on by_customer.episode_key = deliveries.episode_key
        and by_customer.deal_key <> deliveries.deal_key
        and deliveries.delivered_on >= episodes.started_on
        and deliveries.delivered_on < by_customer.first_step_on
),

links as (
    select deal_key, episode_key, linked_by from named
    union all
    select deal_key, episode_key, linked_by from by_customer
    where deal_key not in (select deal_key from after_the_end)
)

select
    deals.*,
    links.episode_key,
    links.linked_by,
from deals
left join links
    on deals.deal_key = links.deal_key
