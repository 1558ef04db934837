with episodes as (
    select * from {{ ref('fct_episode') }}
),

leads as (
    select * from {{ ref('fct_lead_span') }}
    where episode_key is not null
),

-- Whoever never names an owner has no episode without one.
senders as (
    select
        rooftop,
        bool_or(owner not in ('unknown', 'not known')) as sends_owners,
    from leads
    group by rooftop
),

days as (
    select episode_key, started_on as day from episodes
    union
    select episode_key, ended_on from episodes
    union
    select episode_key, valid_from from leads
),

spans as (
    select
        episode_key,
        day as valid_from,
        lead(day) over (partition by episode_key order by day) as valid_to,
    from days
),

-- Who owns an episode is said by its open leads, and by all of them once none is open.
states as (
    select
        spans.episode_key,
        spans.valid_from,
        spans.valid_to,
        count(distinct leads.owner) filter (
            where leads.owner <> 'unknown' and leads.is_open and leads.not_good_reason is null
        ) as open_owners,
        count(distinct leads.owner) filter (where leads.owner <> 'unknown') as all_owners,
        bool_or(leads.is_open and leads.not_good_reason is null) as has_open_lead,
        bool_or(
            leads.owner = 'not known' and leads.is_open and leads.not_good_reason is null
        ) as is_open_owner_unknown,
        bool_or(leads.owner = 'not known') as is_any_owner_unknown,
        bool_or(leads.not_good_reason is null) as is_good,
        bool_or(leads.quality = 'not known') as is_quality_unknown,
        max(leads.owner) filter (where leads.lead_key = spans.episode_key) as first_owner,
    from spans
    inner join leads
        on spans.episode_key = leads.episode_key
        and leads.valid_from <= spans.valid_from
        and (spans.valid_from < leads.valid_to or leads.valid_to is null)
    group by spans.episode_key, spans.valid_from, spans.valid_to
),

judged as (
    select
        episodes.*,
        states.valid_from,
        states.valid_to,
        states.first_owner,
        case when states.has_open_lead then states.open_owners else states.all_owners end
            as owners,
        case
            when states.has_open_lead then states.is_open_owner_unknown
            else states.is_any_owner_unknown
        end as is_owner_unknown,
        senders.sends_owners,
        case
            when states.is_good then null
            when states.is_quality_unknown then 'quality not known on the day'
            else 'no good lead'
        end as not_good_then,
    from states
    inner join episodes
        on states.episode_key = episodes.episode_key
    inner join senders
        on episodes.rooftop = senders.rooftop
)

select
    rooftop,
    lead_id,
    episode_key || '|' || cast(valid_from as varchar) as span_key,
    episode_key,
    file_id,
    row_number,
    source,
    channel,
    intent,
    first_owner as owner,
    conversion_basis,
    not_good_then as not_good_reason,
    case
        when not sends_owners then 'the rooftop sends no owners'
        when is_owner_unknown then 'owner not known on the day'
        else not_good_then
    end as owned_excluded_reason,
    valid_from,
    valid_to,
    started_on,
    converted_on,
    owners,
    valid_from < ended_on as is_open,
from judged
