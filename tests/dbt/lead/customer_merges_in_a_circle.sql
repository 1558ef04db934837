{{ config(severity = 'warn') }}
-- Says: customer records of the CRM were merged into each other in a circle, so none of them
-- survives.
-- Matters: each stands as a customer of its own, and their leads are not joined into one episode.
-- Resolve: undo one of the merges in the CRM.
select
    coalesce(customers.rooftop, '') as rooftop,
    customers.customer_id,
    customers.merged_into,
from {{ ref('stg_crm__customers') }} as customers
left join {{ ref('int_customers_merged') }} as merged
    on customers.customer_id = merged.customer_id
    and (customers.rooftop = merged.rooftop or customers.rooftop is null)
where customers.merged_into is not null
    and merged.customer_id is null
