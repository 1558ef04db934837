with rules as (
    select * from {{ ref('exception_rules') }}
),

judged as (
    select * from {{ ref('int_lead_promises_judged') }}
    union all
    select * from {{ ref('int_deal_promises_judged') }}
    union all
    select * from {{ ref('int_service_promises_judged') }}
    union all
    select * from {{ ref('int_call_promises_judged') }}
    union all
    select * from {{ ref('int_lead_handovers_judged') }}
),

final as (
    select
        judged.rule || '|' || judged.entity_key as promise_key,
        judged.rooftop,
        judged.rule,
        judged.entity,
        judged.entity_id,
        judged.entity_key,
        judged.lead_key,
        judged.deal_key,
        judged.file_id,
        judged.row_number,
        rules.label,
        rules.stage,
        rules.role,
        coalesce(judged.owner, 'unknown') as owner,
        judged.evidence,
        case when judged.amount is not null then judged.amount_label end as amount_label,
        case when judged.amount is not null then judged.currency end as currency,
        judged.opened_on,
        judged.due_on,
        case when not judged.is_kept then judged.broken_on end as broken_on,
        -- What was done before it was asked for is done on the day it is asked for.
        case
            when judged.closed_on < judged.opened_on then judged.opened_on
            else judged.closed_on
        end as closed_on,
        cast(judged.amount as decimal(18, 2)) as amount,
        rules.has_due,
        judged.is_kept,
    from judged
    inner join rules
        on judged.rule = rules.rule
)

select * from final
