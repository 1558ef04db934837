with tasks as (
    select * from {{ ref('stg_crm__tasks') }}
),

rooftops as (
    select * from {{ ref('dim_rooftop') }}
),

leads as (
    select rooftop, lead_id, lead_key from {{ ref('int_leads_united') }}
    where is_in_crm
)

select
    tasks.rooftop,
    tasks.task_id,
    tasks.task_key,
    leads.lead_key,
    tasks.lead_id,
    tasks.file_id,
    tasks.row_number,
    coalesce(tasks.kind, 'unknown') as kind,
    coalesce(tasks.employee, 'unknown') as employee,
    tasks.created_at,
    tasks.due_at,
    {{ local_day('tasks.due_at', 'rooftops.time_zone') }} as due_on,
    tasks.completed_at,
    {{ local_day('tasks.completed_at', 'rooftops.time_zone') }} as completed_on,
    {{ data_day('tasks.gone_at', 'rooftops.time_zone') }} as gone_on,
    -- A due day without a time is kept until the day is over.
    coalesce(
        case
            when {{ names_hold('tasks.day_only', "'due_at'") }}
                then {{ local_day('tasks.completed_at', 'rooftops.time_zone') }}
                    <= {{ local_day('tasks.due_at', 'rooftops.time_zone') }}
            else tasks.completed_at <= tasks.due_at
        end,
        false
    ) as is_done_on_time,
from tasks
inner join rooftops
    on tasks.rooftop = rooftops.rooftop
left join leads
    on tasks.rooftop = leads.rooftop
    and tasks.lead_id = leads.lead_id
