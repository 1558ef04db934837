with leads as (
    select * from {{ ref('fct_lead') }}
),

versions as (
    select * from {{ ref('stg_crm__lead_versions') }}
),

episodes as (
    select * from {{ ref('fct_episode') }}
),

rooftops as (
    select * from {{ ref('dim_rooftop') }}
),

-- What a version says holds from the day the CRM gives for the change, else from the last day its
-- export speaks for. A stage has a day of its own.
dated as (
    select
        versions.*,
        coalesce(
            {{ local_day('versions.updated_at', 'rooftops.time_zone') }},
            {{ data_day('versions.exported_at', 'rooftops.time_zone') }}
        ) as said_on,
        {{ local_day('versions.stage_changed_at', 'rooftops.time_zone') }} as stage_changed_on,
        {{ local_day('versions.next_action_due_at', 'rooftops.time_zone') }} as next_action_due_on,
    from versions
    inner join rooftops
        on versions.rooftop = rooftops.rooftop
),

staged as (
    select
        *,
        coalesce(stage_changed_on, said_on) as stage_on,
        stage is distinct from lag(stage) over earlier
        or (
            stage_changed_on is not null
            and stage_changed_on is distinct from lag(stage_changed_on) over earlier
        ) as is_entry,
    from dated
    window earlier as (
        partition by lead_key
        order by version_number
    )
),

numbered as (
    select
        *,
        count(*) filter (where is_entry) over (
            partition by lead_key
            order by version_number
        ) as entries,
    from staged
),

entered as (
    select
        *,
        first_value(stage_on) over (
            partition by lead_key, entries
            order by version_number
        ) as stage_entered_on,
    from numbered
),

-- Whoever never fills a column has nothing in it that could be unknown or missing.
senders as (
    select
        rooftop,
        bool_or(coalesce(quality, 'good') <> 'good' or duplicate_of is not null) as marks_quality,
        bool_or(next_action_due_at is not null) as sends_next_actions,
    from versions
    group by rooftop
),

days as (
    select lead_key, received_on as day from leads
    union
    select lead_key, gone_on from leads where gone_on is not null and not is_in_crm
    union
    select lead_key, said_on from entered
    union
    select lead_key, stage_on from entered
    union
    select lead_key, next_action_due_on from entered where next_action_due_on is not null
    union
    select leads.lead_key, episodes.ended_on
    from leads
    inner join episodes
        on leads.episode_key = episodes.episode_key
),

spans as (
    select
        days.lead_key,
        days.day as valid_from,
        lead(days.day) over (partition by days.lead_key order by days.day) as valid_to,
    from days
    inner join leads
        on days.lead_key = leads.lead_key
        and leads.received_on <= days.day
),

-- A later version takes over from its first day.
newest as (
    select
        spans.lead_key,
        spans.valid_from,
        spans.valid_to,
        max(entered.version_number) filter (where entered.said_on <= spans.valid_from)
            as said_number,
        max(entered.version_number) filter (where entered.stage_on <= spans.valid_from)
            as stage_number,
    from spans
    left join entered
        on spans.lead_key = entered.lead_key
    group by spans.lead_key, spans.valid_from, spans.valid_to
),

states as (
    select
        leads.*,
        newest.valid_from,
        newest.valid_to,
        said.file_id as said_file_id,
        said.row_number as said_row_number,
        case when leads.is_in_crm then said.owner else leads.owner end as owner_then,
        said.next_action_due_on,
        case when leads.is_in_crm then staged.stage else leads.stage end as stage_then,
        case
            when staged.stage = 'new' and staged.stage_changed_on is null and staged.entries = 1
                then leads.received_on
            else staged.stage_entered_on
        end as stage_entered_on,
        -- What never was in the CRM has no other state than its own.
        case
            when not leads.is_in_crm then leads.not_good_reason
            when said.lead_key is null and senders.marks_quality then 'quality not known on the day'
            when said.quality in ('bad', 'test') then 'marked ' || said.quality
            when said.quality = 'duplicate' or said.duplicate_of is not null
                then 'marked duplicate'
        end as not_good_then,
        case
            when not leads.is_in_crm then leads.quality
            when said.lead_key is null and senders.marks_quality then 'not known'
            else coalesce(said.quality, 'good')
        end as quality_then,
        not leads.is_in_crm or said.lead_key is not null as is_known,
        not leads.is_in_crm or staged.lead_key is not null as is_stage_known,
        coalesce(said.is_gone, leads.gone_on <= newest.valid_from, false) as is_gone,
        coalesce(staged.stage in ('won', 'lost'), false) as is_closed,
        -- Without an episode nothing would ever end what the CRM cannot close.
        coalesce(episodes.ended_on <= newest.valid_from, not leads.is_in_crm)
            as is_episode_over,
        coalesce(senders.sends_next_actions, false) as sends_next_actions,
    from newest
    inner join leads
        on newest.lead_key = leads.lead_key
    left join entered as said
        on newest.lead_key = said.lead_key
        and newest.said_number = said.version_number
    left join entered as staged
        on newest.lead_key = staged.lead_key
        and newest.stage_number = staged.version_number
    left join episodes
        on leads.episode_key = episodes.episode_key
    left join senders
        on leads.rooftop = senders.rooftop
)

select
    rooftop,
    lead_id,
    lead_key || '|' || cast(valid_from as varchar) as span_key,
    lead_key,
    episode_key,
    coalesce(said_file_id, file_id) as file_id,
    coalesce(said_row_number, row_number) as row_number,
    origin,
    source,
    channel,
    intent,
    case when is_known then coalesce(owner_then, 'unknown') else 'not known' end as owner,
    case when is_stage_known then coalesce(stage_then, 'unknown') else 'not known' end as stage,
    quality_then as quality,
    not_good_then as not_good_reason,
    case
        when not is_in_crm then 'not in the CRM'
        when not is_stage_known then 'stage not known on the day'
        when not_good_then is not null then not_good_then
        when stage_then is null then 'no stage kept'
    end as stage_excluded_reason,
    case
        when not is_in_crm then 'not in the CRM'
        when not sends_next_actions then 'the rooftop sends no next actions'
        when not is_known then 'next action not known on the day'
        when not_good_then is not null then not_good_then
    end as next_action_excluded_reason,
    valid_from,
    valid_to,
    received_on,
    contacted_on,
    appointment_created_on,
    stage_entered_on,
    next_action_due_on,
    not is_gone and not is_closed and not is_episode_over as is_open,
    coalesce(next_action_due_on > valid_from, false) as has_next_action,
from states
