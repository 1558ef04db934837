-- One row per exception that people opened in the DMS, its events folded in their order: the value
-- before the first and after the last change, the last decision, and the closing that stands.
with events as (
    select * from {{ ref('stg_dms__exceptions') }}
),

folded as (
    select
        rooftop,
        exception_id,
        arg_min(kind, event) as kind,
        arg_min(entity, event) filter (where entity is not null) as entity,
        arg_min(entity_id, event) filter (where entity_id is not null) as entity_id,
        arg_min(field, event) filter (where field is not null) as field,
        arg_min(file_id, event) as file_id,
        arg_min(row_number, event) as row_number,
        arg_min(previous_value, event) filter (where previous_value is not null) as previous_value,
        arg_max(new_value, event) filter (where new_value is not null) as new_value,
        arg_max(reason, event) filter (where reason is not null) as reason,
        arg_max(role, event) filter (where role is not null) as role,
        arg_max(employee, event) filter (where employee is not null) as employee,
        arg_max(approver, event) filter (where approver is not null) as approver,
        arg_max(approval_status, event) filter (where approval_status is not null)
            as approval_status,
        arg_max(closure_condition, event) filter (where closure_condition is not null)
            as closure_condition,
        string_agg(evidence, ', ' order by event) as evidence,
        min(occurred_at) as opened_at,
        arg_max(due_at, event) filter (where due_at is not null) as due_at,
        max(event) filter (where event_kind = 'closed') as last_closing,
        max(event) filter (where event_kind in ('opened', 'reopened')) as last_opening,
        arg_max(occurred_at, event) filter (where event_kind = 'closed') as last_closed_at,
        arg_max(closure_met, event) filter (where event_kind = 'closed') as last_closure_met,
        sum(gross_impact) as gross_impact,
        max(currency) as currency,
        count(*) as events,
    from events
    group by rooftop, exception_id
),

final as (
    select
        * exclude (last_closing, last_opening, last_closed_at, last_closure_met),
        case when last_closing > coalesce(last_opening, 0) then last_closed_at end as closed_at,
        case when last_closing > coalesce(last_opening, 0) then last_closure_met end
            as is_closure_met,
    from folded
)

select * from final
