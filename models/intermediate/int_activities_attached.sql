-- Every activity with the lead it belongs to and what it counts as (METRICS section 2). A person's
-- own outbound activity is an attempt; one that reached the customer is a response. What a machine
-- or a mailing sent is neither. Both sides spoke in an inbound activity and in a connected call.
with rooftops as (
    select * from {{ ref('dim_rooftop') }}
),

merged as (
    select * from {{ ref('int_customers_merged') }}
),

activities as (
    select
        activities.* exclude (customer_id),
        coalesce(merged.survivor, activities.customer_id) as customer_id,
        {{ local_day('activities.occurred_at', 'rooftops.time_zone') }} as occurred_on,
        coalesce({{ names_hold('activities.day_only', "'occurred_at'") }}, false) as is_day_only,
        not coalesce(activities.automatic, false)
        and not coalesce(activities.bulk, false)
        and activities.channel <> 'note' as is_personal,
        -- A call counts by its length where it has one, else by its outcome.
        coalesce(activities.outcome, 'connected') = 'connected'
        and coalesce(
            activities.duration_seconds >= cast(
                {{ policy(
                    'response.min_call_seconds',
                    local_day('activities.occurred_at', 'rooftops.time_zone'),
                ) }}
                as integer
            ),
            activities.outcome = 'connected',
            false
        ) as is_conversation,
    from {{ ref('stg_crm__activities') }} as activities
    inner join rooftops
        on activities.rooftop = rooftops.rooftop
    left join merged
        on activities.rooftop = merged.rooftop
        and activities.customer_id = merged.customer_id
),

attached as (
    {{ leads_of('activities', 'activity_key', 'occurred_at') }}
)

select
    activities.*,
    attached.lead_key,
    attached.attached_by,
    activities.is_personal and activities.direction = 'out' as is_attempt,
    activities.is_personal
    and activities.direction = 'out'
    and case
        when activities.channel = 'call' then activities.is_conversation
        else coalesce(activities.outcome in ('connected', 'sent'), false)
    end as is_response,
    activities.is_personal
    and case
        when activities.channel = 'call' then activities.is_conversation
        when activities.direction = 'in'
            then coalesce(activities.outcome, 'connected')
                not in ('missed', 'bounced', 'no_answer', 'voicemail')
        else activities.channel = 'visit' and coalesce(activities.outcome = 'connected', false)
    end as is_two_way,
from activities
left join attached
    on activities.activity_key = attached.activity_key
