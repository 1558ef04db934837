-- One row per episode with the day on which it ends for want of a sign of life: gap days after its
-- last lead or two-way contact. Contacts carry it on only while they follow each other within the
-- gap.
with leads as (
    select * from {{ ref('int_leads_grouped') }}
),

episodes as (
    select
        episode_key,
        rooftop,
        customer_id,
        min(received_at) as started_at,
        min(received_on) as started_on,
        max(received_on) as last_lead_on,
        max_by(gap_days, received_on) as gap_days,
        count(*) as leads,
    from leads
    group by episode_key, rooftop, customer_id
),

bounded as (
    select
        *,
        case
            when customer_id is not null
                then lead(started_on) over (
                    partition by rooftop, customer_id
                    order by started_on, started_at, episode_key
                )
        end as next_started_on,
    from episodes
),

contacts as (
    select distinct
        activities.rooftop,
        coalesce(activities.customer_id, leads.customer_id) as customer_id,
        activities.lead_key,
        activities.occurred_on,
    from {{ ref('int_activities_attached') }} as activities
    left join leads
        on activities.lead_key = leads.lead_key
    where activities.is_two_way
),

signs as (
    select
        episode_key,
        received_on as sign_on,
    from leads

    union

    select
        bounded.episode_key,
        contacts.occurred_on as sign_on,
    from bounded
    inner join contacts
        on bounded.rooftop = contacts.rooftop
        and bounded.customer_id = contacts.customer_id
        and contacts.occurred_on >= bounded.started_on
        and (contacts.occurred_on < bounded.next_started_on or bounded.next_started_on is null)

    union

    select
        leads.episode_key,
        contacts.occurred_on as sign_on,
    from leads
    inner join contacts
        on leads.lead_key = contacts.lead_key
    where leads.customer_id is null
        and contacts.occurred_on >= leads.received_on
),

gaps as (
    select
        signs.episode_key,
        signs.sign_on,
        bounded.gap_days,
        {{ days_between(
            'lag(signs.sign_on) over (partition by signs.episode_key order by signs.sign_on)',
            'signs.sign_on',
        ) }} as days_since,
    from signs
    inner join bounded
        on signs.episode_key = bounded.episode_key
),

alive as (
    select
        *,
        sum(case when days_since > gap_days then 1 else 0 end) over (
            partition by episode_key
            order by sign_on
        ) as silences,
    from gaps
),

last_signs as (
    select
        episode_key,
        max(sign_on) as last_sign_on,
    from alive
    where silences = 0
    group by episode_key
)

select
    bounded.*,
    last_signs.last_sign_on,
    {{ add_days('last_signs.last_sign_on', 'bounded.gap_days') }} as silent_on,
from bounded
inner join last_signs
    on bounded.episode_key = last_signs.episode_key
