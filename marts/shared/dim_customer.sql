with matched as (
    select * from {{ ref('int_customers_matched') }}
    where system <> 'lead'
),

records as (
    select
        'crm|' || customer_key as record_key,
        name,
        kind,
        employee,
        cast(null as integer) as terms_days,
        cast(null as decimal(18, 2)) as credit_limit,
        active,
    from {{ ref('stg_crm__customers') }}

    union all

    select
        'dms|' || customer_key as record_key,
        name,
        kind,
        employee,
        cast(terms_days as integer) as terms_days,
        credit_limit,
        cast(null as boolean) as active,
    from {{ ref('stg_dms__customers') }}
),

-- The record that a customer goes by comes first, then the others of the CRM, then of the DMS.
ranked as (
    select
        matched.system,
        matched.rooftop,
        matched.customer_id,
        matched.customer_key,
        matched.file_id,
        matched.row_number,
        records.active,
        row_number() over (
            partition by matched.customer_key
            order by
                matched.record_key <> matched.customer_key,
                matched.system,
                matched.rooftop,
                matched.customer_id
        ) as place,
        max(records.credit_limit) over (partition by matched.customer_key) as highest_limit,
        max(records.terms_days) over (partition by matched.customer_key) as longest_terms,
        count(*) over (partition by matched.customer_key) as numbers,
        first_value(records.name ignore nulls) over customer as first_name,
        first_value(records.kind ignore nulls) over customer as first_kind,
        first_value(records.employee ignore nulls) over customer as first_employee,
    from matched
    left join records
        on matched.record_key = records.record_key
    window customer as (
        partition by matched.customer_key
        order by
            matched.record_key <> matched.customer_key,
            matched.system,
            matched.rooftop,
            matched.customer_id
        rows between unbounded preceding and unbounded following
    )
)

select
    system,
    rooftop,
    customer_id,
    customer_key,
    file_id,
    row_number,
    first_name as customer_name,
    coalesce(first_kind, 'unknown') as kind,
    first_employee as employee,
    numbers,
    longest_terms as terms_days,
    highest_limit as credit_limit,
    active as is_active,
from ranked
where place = 1
