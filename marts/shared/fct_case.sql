with episodes as (
    select * from {{ ref('fct_episode') }}
),

handovers as (
    select * from {{ ref('fct_handover') }}
),

deals as (
    select * from {{ ref('fct_deal') }}
),

reached as (
    select newest_on from {{ ref('int_data_days_reached') }}
),

-- A deal is a case with the episode it came from; an episode without a deal is one of its own.
cases as (
    select
        'deal|' || deals.deal_key as case_key,
        deals.rooftop,
        deals.deal_key,
        deals.deal_number,
        handovers.episode_key,
        coalesce(episodes.customer_id, deals.customer_id) as customer_id,
        deals.stock_number,
        deals.file_id,
        deals.row_number,
        coalesce(deals.salesperson, episodes.owner, 'unknown') as owner,
        episodes.started_on as enquiry_on,
        deals.contract_on as preparation_on,
        coalesce(deals.finalised_on, deals.recognised_on) as sale_on,
        deals.delivered_on as handover_on,
        deals.reversed_on as ended_on,
        deals.status = 'cancelled' as is_called_off,
    from deals
    left join handovers
        on deals.deal_key = handovers.deal_key
    left join episodes
        on handovers.episode_key = episodes.episode_key

    union all

    select
        'episode|' || episodes.episode_key as case_key,
        episodes.rooftop,
        cast(null as varchar) as deal_key,
        cast(null as varchar) as deal_number,
        episodes.episode_key,
        episodes.customer_id,
        cast(null as varchar) as stock_number,
        episodes.file_id,
        episodes.row_number,
        episodes.owner,
        episodes.started_on as enquiry_on,
        cast(null as date) as preparation_on,
        cast(null as date) as sale_on,
        cast(null as date) as handover_on,
        episodes.ended_on,
        false as is_called_off,
    from episodes
    where not exists (
        select 1 from handovers where handovers.episode_key = episodes.episode_key
    )
),

leads as (
    select lead_key, episode_key
    from {{ ref('fct_lead') }}
    where episode_key is not null
),

steps as (
    select
        lead_key, requested_on as inspection_on, cast(null as date) as quotation_on,
        cast(null as date) as approval_on,
    from {{ ref('fct_appraisal') }}

    union all

    select lead_key, shown_on, null, null,
    from {{ ref('fct_appointment') }}
    where kind in ('sales_visit', 'test_drive', 'appraisal')

    union all

    select
        lead_key,
        null,
        requested_on,
        case approval_status when 'approved' then approved_on when 'not_required' then sent_on end,
    from {{ ref('fct_quote') }}
),

steps_of_episodes as (
    select
        leads.episode_key,
        min(steps.inspection_on) as inspection_on,
        min(steps.quotation_on) as quotation_on,
        min(steps.approval_on) as approval_on,
    from steps
    inner join leads
        on steps.lead_key = leads.lead_key
    group by leads.episode_key
),

contacts as (
    select lead_key, occurred_on as contact_on
    from {{ ref('fct_lead_activity') }}
    where is_response

    union all

    select lead_key, completed_on as contact_on
    from {{ ref('fct_task') }}
    where completed_on is not null
),

follow_ups as (
    select cases.case_key, min(contacts.contact_on) as follow_up_on,
    from cases
    inner join leads
        on cases.episode_key = leads.episode_key
    inner join contacts
        on leads.lead_key = contacts.lead_key
        and cases.handover_on < contacts.contact_on
    group by cases.case_key
),

staged as (
    select
        cases.*,
        steps_of_episodes.inspection_on,
        steps_of_episodes.quotation_on,
        steps_of_episodes.approval_on,
        follow_ups.follow_up_on,
        reached.newest_on,
        case
            when follow_ups.follow_up_on <= reached.newest_on then 'follow-up'
            when cases.handover_on <= reached.newest_on then 'handover'
            when cases.sale_on <= reached.newest_on then 'sale'
            when cases.preparation_on <= reached.newest_on then 'preparation'
            when steps_of_episodes.approval_on <= reached.newest_on then 'approval'
            when steps_of_episodes.quotation_on <= reached.newest_on then 'quotation'
            when steps_of_episodes.inspection_on <= reached.newest_on then 'inspection'
            else 'enquiry'
        end as stage,
        -- A case is over when it was followed up, called off, taken back, or the interest ended.
        not cases.is_called_off
            and coalesce(cases.ended_on > reached.newest_on, true)
            and coalesce(follow_ups.follow_up_on > reached.newest_on, true) as is_open,
    from cases
    cross join reached
    left join steps_of_episodes
        on cases.episode_key = steps_of_episodes.episode_key
    left join follow_ups
        on cases.case_key = follow_ups.case_key
),

troubles as (
    select
        exceptions.deal_key,
        leads.episode_key,
        exceptions.rule,
        exceptions.label || coalesce(' (' || exceptions.evidence || ')', '') as blocker,
        exceptions.role,
        exceptions.broken_on as blocked_on,
        exceptions.exception_key as trouble_key,
    from {{ ref('fct_exception') }} as exceptions
    inner join reached
        on exceptions.broken_on <= reached.newest_on
        and coalesce(exceptions.closed_on > reached.newest_on, true)
    left join leads
        on exceptions.lead_key = leads.lead_key

    union all

    select
        cast(null as varchar) as deal_key,
        leads.episode_key,
        'pending_approval' as rule,
        'Approval of a quotation pending (' || quotes.quote_id || ')' as blocker,
        'manager' as role,
        quotes.requested_on as blocked_on,
        quotes.quote_key as trouble_key,
    from {{ ref('fct_quote') }} as quotes
    inner join reached
        on quotes.requested_on <= reached.newest_on
    inner join leads
        on quotes.lead_key = leads.lead_key
    where quotes.approval_status = 'pending'
),

troubles_of_cases as (
    select cases.case_key, troubles.*
    from cases
    inner join troubles
        on cases.deal_key = troubles.deal_key

    union all

    select cases.case_key, troubles.*
    from cases
    inner join troubles
        on cases.episode_key = troubles.episode_key
    where troubles.deal_key is null
),

-- The blocker is what has stood in the way longest.
blockers as (
    select * from troubles_of_cases
    qualify row_number() over (
        partition by case_key
        order by blocked_on, trouble_key
    ) = 1
),

final as (
    select
        staged.case_key,
        staged.rooftop,
        staged.deal_key,
        staged.deal_number,
        staged.episode_key,
        staged.customer_id,
        staged.stock_number,
        staged.file_id,
        staged.row_number,
        staged.owner,
        staged.stage,
        case when staged.is_open then blockers.rule end as blocker_rule,
        case when staged.is_open then blockers.blocker end as blocker,
        coalesce(
            case when staged.is_open then blockers.role end,
            case staged.stage
                when 'enquiry' then 'bdc'
                when 'inspection' then 'buyer'
                when 'approval' then 'manager'
                when 'preparation' then 'technician'
                when 'sale' then 'controller'
                else 'sales'
            end
        ) as role,
        staged.enquiry_on,
        staged.inspection_on,
        staged.quotation_on,
        staged.approval_on,
        staged.preparation_on,
        staged.sale_on,
        staged.handover_on,
        staged.follow_up_on,
        staged.ended_on,
        case staged.stage
            when 'follow-up' then staged.follow_up_on
            when 'handover' then staged.handover_on
            when 'sale' then staged.sale_on
            when 'preparation' then staged.preparation_on
            when 'approval' then staged.approval_on
            when 'quotation' then staged.quotation_on
            when 'inspection' then staged.inspection_on
            else staged.enquiry_on
        end as stage_entered_on,
        case when staged.is_open then blockers.blocked_on end as blocked_on,
        staged.is_open,
        staged.is_called_off,
    from staged
    left join blockers
        on staged.case_key = blockers.case_key
)

select * from final
