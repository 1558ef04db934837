with merged as (
    select
        customer_id,
        survivor,
        rooftop,
    from {{ ref('int_customers_merged') }}
),

crm as (
    select
        'crm' as system,
        coalesce(customers.rooftop, '') as rooftop,
        customers.customer_id,
        'crm|' || customers.customer_key as customer_key,
        coalesce(merged.survivor, customers.merged_into, customers.customer_id)
            as current_customer_id,
        customers.file_id,
        customers.row_number,
        customers.name as customer_name,
        coalesce(customers.kind, 'unknown') as kind,
        customers.employee,
        cast(null as integer) as terms_days,
        cast(null as decimal(18, 2)) as credit_limit,
        customers.active as is_active,
    from {{ ref('stg_crm__customers') }} as customers
    left join merged
        on customers.rooftop = merged.rooftop
        and customers.customer_id = merged.customer_id
),

dms as (
    select
        'dms' as system,
        rooftop,
        customer_id,
        'dms|' || customer_key as customer_key,
        coalesce(merged_into, customer_id) as current_customer_id,
        file_id,
        row_number,
        name as customer_name,
        coalesce(kind, 'unknown') as kind,
        employee,
        cast(terms_days as integer) as terms_days,
        credit_limit,
        cast(null as boolean) as is_active,
    from {{ ref('stg_dms__customers') }}
)

select * from crm
union all
select * from dms
