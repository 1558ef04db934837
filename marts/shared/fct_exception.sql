with promises as (
    select * from {{ ref('fct_promise') }}
    where not is_kept
),

chains as (
    select * from {{ ref('int_exceptions_chained') }}
),

rules as (
    select * from {{ ref('exception_rules') }}
),

rooftops as (
    select * from {{ ref('dim_rooftop') }}
),

-- The deal that a car was sold with last.
sales as (
    select rooftop, stock_number, deal_key
    from {{ ref('fct_deal') }}
    where stock_number is not null
    qualify row_number() over (
        partition by rooftop, stock_number
        order by contract_on desc nulls last, deal_number desc
    ) = 1
),

broken as (
    select
        promise_key as exception_key,
        rooftop,
        rule,
        entity,
        entity_id,
        entity_key,
        lead_key,
        deal_key,
        cast(null as varchar) as exception_id,
        file_id,
        row_number,
        label,
        stage,
        role,
        owner,
        evidence,
        amount_label,
        currency,
        cast(null as varchar) as field,
        cast(null as varchar) as previous_value,
        cast(null as varchar) as new_value,
        cast(null as varchar) as reason,
        cast(null as varchar) as approver,
        cast(null as varchar) as approval_status,
        cast(null as varchar) as closure_condition,
        cast(null as timestamp) as opened_at,
        cast(null as timestamp) as closed_at,
        opened_on,
        due_on,
        broken_on,
        closed_on,
        amount,
        cast(null as bigint) as events,
        cast(null as boolean) as is_closure_met,
    from promises
),

opened as (
    select
        chains.kind || '|' || {{ readable_key(['chains.rooftop', 'chains.exception_id']) }}
            as exception_key,
        chains.rooftop,
        chains.kind as rule,
        coalesce(chains.entity, 'unknown') as entity,
        coalesce(chains.entity_id, 'unknown') as entity_id,
        {{ readable_key(['chains.rooftop', "coalesce(chains.entity_id, 'unknown')"]) }}
            as entity_key,
        cast(null as varchar) as lead_key,
        case
            when chains.entity = 'deal'
                then {{ readable_key(['chains.rooftop', 'chains.entity_id']) }}
            when chains.entity = 'vehicle' then sales.deal_key
        end as deal_key,
        chains.exception_id,
        chains.file_id,
        chains.row_number,
        coalesce(rules.label, chains.kind) as label,
        coalesce(rules.stage, 'unknown') as stage,
        coalesce(chains.role, rules.role, 'unknown') as role,
        coalesce(chains.employee, 'unknown') as owner,
        chains.evidence,
        case when chains.gross_impact is not null then 'gross impact' end as amount_label,
        case when chains.gross_impact is not null
            then coalesce(chains.currency, rooftops.currency)
        end as currency,
        chains.field,
        chains.previous_value,
        chains.new_value,
        chains.reason,
        chains.approver,
        chains.approval_status,
        chains.closure_condition,
        chains.opened_at,
        chains.closed_at,
        {{ local_day('chains.opened_at', 'rooftops.time_zone') }} as opened_on,
        coalesce(
            {{ local_day('chains.due_at', 'rooftops.time_zone') }},
            {{ local_day('chains.opened_at', 'rooftops.time_zone') }}
        ) as due_on,
        {{ local_day('chains.opened_at', 'rooftops.time_zone') }} as broken_on,
        {{ local_day('chains.closed_at', 'rooftops.time_zone') }} as closed_on,
        cast(chains.gross_impact as decimal(18, 2)) as amount,
        chains.events,
        chains.is_closure_met,
    from chains
    inner join rooftops
        on chains.rooftop = rooftops.rooftop
    left join rules
        on chains.kind = rules.rule
    left join sales
        on chains.rooftop = sales.rooftop
        and chains.entity_id = sales.stock_number
),

united as (
    select * from broken
    union all
    select * from opened
),

final as (
    select
        *,
        {{ seconds_between('opened_at', 'closed_at') }} as exception_seconds,
        case
            when closed_at < opened_at then 'closed before it opened'
            when {{ seconds_between('opened_at', 'closed_at') }} > 365 * 86400
                then 'took more than 365 days'
        end as excluded,
    from united
)

select
    exception_key,
    rooftop,
    rule,
    entity,
    entity_id,
    entity_key,
    lead_key,
    deal_key,
    exception_id,
    file_id,
    row_number,
    label,
    stage,
    role,
    owner,
    evidence,
    amount_label,
    currency,
    field,
    previous_value,
    new_value,
    reason,
    approver,
    approval_status,
    closure_condition,
    excluded,
    opened_at,
    closed_at,
    opened_on,
    due_on,
    broken_on,
    closed_on,
    exception_seconds,
    amount,
    events,
    is_closure_met,
from final
