with deals as (
    select * from {{ ref('int_deals_linked') }}
),

episodes as (
    select * from {{ ref('int_episodes_bounded') }}
),

leads as (
    select * from {{ ref('int_leads_united') }}
),

vehicles as (
    select * from {{ ref('stg_dms__vehicles') }}
),

timed as (
    select
        deals.*,
        episodes.started_on,
        greatest(episodes.started_on, deals.contract_on) as opened_on,
        {{ days_between('episodes.started_on', 'deals.delivered_on') }} as handover_days,
    from deals
    left join episodes
        on deals.episode_key = episodes.episode_key
)

select
    timed.rooftop,
    timed.deal_number,
    timed.deal_key,
    timed.episode_key,
    timed.stock_number,
    timed.file_id,
    timed.row_number,
    timed.deal_type,
    timed.status,
    coalesce(timed.salesperson, 'unknown') as salesperson,
    coalesce(leads.source, 'unknown') as source,
    coalesce(leads.channel, 'unknown') as channel,
    coalesce(vehicles.make, 'unknown') as make,
    coalesce(vehicles.model, 'unknown') as model,
    coalesce(vehicles.condition, 'unknown') as condition,
    timed.linked_by,
    case
        when timed.episode_key is null then 'no lead'
        when timed.status in ('delivered', 'unwound') and timed.delivered_on is null
            then 'handed over on a day that is not given'
        when timed.handover_days < 0 then 'handed over before its enquiry'
        when timed.handover_days > 365 then 'handed over after more than 365 days'
    end as excluded_reason,
    timed.started_on,
    timed.opened_on,
    timed.delivered_on,
    timed.handover_days * cast(86400 as bigint) as handover_seconds,
    timed.deal_type in ('retail', 'lease') and not timed.is_called_off as is_counted,
from timed
left join leads
    on timed.episode_key = leads.lead_key
left join vehicles
    on timed.rooftop = vehicles.rooftop
    and timed.stock_number = vehicles.stock_number
