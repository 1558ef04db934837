-- A customer record of the CRM that was merged away, and the record that survives it. Merges are
-- followed to their end; a chain that runs in a circle has no survivor and stays as it is.
with recursive customers as (
    select
        coalesce(rooftop, '') as scope,
        customer_id,
        merged_into,
    from {{ ref('stg_crm__customers') }}
),

steps as (
    select
        scope,
        customer_id,
        merged_into as reached,
        1 as length,
    from customers
    where merged_into is not null

    union all

    select
        steps.scope,
        steps.customer_id,
        customers.merged_into as reached,
        steps.length + 1 as length,
    from steps
    inner join customers
        on steps.scope = customers.scope
        and steps.reached = customers.customer_id
    where customers.merged_into is not null
        and steps.length < 20
),

ends as (
    select
        steps.scope,
        steps.customer_id,
        steps.reached as survivor,
    from steps
    left join customers
        on steps.scope = customers.scope
        and steps.reached = customers.customer_id
    where customers.merged_into is null
),

rooftops as (
    select rooftop from {{ ref('dim_rooftop') }}
)

-- A record kept group-wide stands for every rooftop; the rooftop's own record goes before it.
select
    rooftops.rooftop,
    ends.customer_id,
    ends.survivor,
from ends
inner join rooftops
    on ends.scope in ('', rooftops.rooftop)
qualify row_number() over (
    partition by rooftops.rooftop, ends.customer_id
    order by ends.scope desc
) = 1
