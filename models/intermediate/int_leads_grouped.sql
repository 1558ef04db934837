-- Every sales lead with the episode it belongs to (METRICS section 6). A lead starts an episode
-- when its customer sent the rooftop none in the gap days before, or took delivery since.
with leads as (
    select * from {{ ref('int_leads_united') }}
    where is_sales
),

deliveries as (
    select
        rooftop,
        party,
        delivered_on,
    from {{ ref('int_deals_handed_over') }}
    where party is not null and delivered_on is not null
),

-- A lead that no number, telephone or e-mail joins to others is a party of its own.
ordered as (
    select
        lead_key,
        rooftop,
        party,
        customer_id,
        received_at,
        received_on,
        gap_days,
        lag(received_on) over (
            partition by rooftop, party
            order by received_on, received_at, lead_key
        ) as previous_on,
    from leads
),

delivered_between as (
    select distinct ordered.lead_key
    from ordered
    inner join deliveries
        on ordered.rooftop = deliveries.rooftop
        and ordered.party = deliveries.party
        and deliveries.delivered_on >= ordered.previous_on
        and deliveries.delivered_on < ordered.received_on
),

starts as (
    select
        ordered.*,
        ordered.previous_on is null
        or {{ days_between('ordered.previous_on', 'ordered.received_on') }} > ordered.gap_days
        or delivered_between.lead_key is not null as is_first,
    from ordered
    left join delivered_between
        on ordered.lead_key = delivered_between.lead_key
),

numbered as (
    select
        *,
        sum(case when is_first then 1 else 0 end) over (
            partition by rooftop, party
            order by received_on, received_at, lead_key
        ) as episode_number,
    from starts
)

select
    lead_key,
    rooftop,
    customer_id,
    received_at,
    received_on,
    gap_days,
    is_first,
    first_value(lead_key) over (
        partition by rooftop, party, episode_number
        order by received_on, received_at, lead_key
    ) as episode_key,
from numbered
