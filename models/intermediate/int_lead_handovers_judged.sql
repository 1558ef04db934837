-- Leads that were handed from one owner to another without what the next one needs (METRICS
-- section 7). A field is empty by what the CRM says now: one that was filled in later is no breach
-- any more.
with handovers as (
    select record_key as lead_key, max(changed_on) as handed_over_on,
    from {{ ref('fct_change') }}
    where feed = 'crm_leads'
        and field = 'owner'
        and previous_value is not null
        and new_value is not null
    group by record_key
),

rooftops as (
    select * from {{ ref('dim_rooftop') }}
),

episodes as (
    select * from {{ ref('fct_episode') }}
),

appraised as (
    select distinct lead_key from {{ ref('fct_appraisal') }}
),

-- Whoever never sends a column has not left it empty.
senders as (
    select
        rooftop,
        bool_or(budget is not null) as sends_budgets,
        bool_or(next_action is not null) as sends_next_actions,
        bool_or(coalesce({{ vin_key('vin') }}, stock_number, vehicle_text) is not null)
            as sends_vehicles,
    from {{ ref('fct_lead') }}
    group by rooftop
),

judged as (
    select
        leads.*,
        handovers.handed_over_on,
        least(
            case
                when leads.stage in ('won', 'lost')
                    then coalesce(
                        {{ local_day('leads.stage_changed_at', 'rooftops.time_zone') }},
                        leads.received_on
                    )
            end,
            leads.gone_on,
            episodes.ended_on
        ) as ended_on,
        case
            when senders.sends_vehicles
                and coalesce({{ vin_key('leads.vin') }}, leads.stock_number, leads.vehicle_text)
                    is null
                then ' vehicle'
            else ''
        end
        || case
            when leads.intent = 'trade_in' and appraised.lead_key is null then ' trade'
            else ''
        end
        || case when senders.sends_budgets and leads.budget is null then ' budget' else '' end
        || case
            -- A CRM clears the next action of a lead that is over.
            when senders.sends_next_actions
                and leads.next_action is null
                and leads.stage not in ('won', 'lost')
                then ' next action'
            else ''
        end as empty_fields,
    from {{ ref('fct_lead') }} as leads
    inner join handovers
        on leads.lead_key = handovers.lead_key
    inner join rooftops
        on leads.rooftop = rooftops.rooftop
    inner join senders
        on leads.rooftop = senders.rooftop
    left join episodes
        on leads.episode_key = episodes.episode_key
    left join appraised
        on leads.lead_key = appraised.lead_key
    where leads.is_good
)

select {{ promise(
    'handover_incomplete', 'lead', of='judged', lead_key='judged.lead_key', owner='judged.owner',
    opened_on='judged.handed_over_on', closed_on='judged.ended_on',
    evidence="'empty:' || judged.empty_fields",
) }}
from judged
where empty_fields <> ''
    and coalesce(ended_on >= handed_over_on, true)
