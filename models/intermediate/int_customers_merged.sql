-- A customer number of the CRM that is another customer (merged by the CRM, or matched), and the
-- number that the customer goes by, for every rooftop. A record kept group-wide stands for every
-- rooftop; the rooftop's own record goes before it.
with matched as (
    select * from {{ ref('int_customers_matched') }}
    where system = 'crm' and customer_id <> survivor
),

own as (
    select rooftop, customer_id from {{ ref('int_customers_matched') }}
    where system = 'crm' and rooftop <> ''
),

rooftops as (
    select rooftop from {{ ref('dim_rooftop') }}
)

select
    rooftops.rooftop,
    matched.customer_id,
    matched.survivor,
from matched
inner join rooftops
    on matched.rooftop in ('', rooftops.rooftop)
left join own
    on rooftops.rooftop = own.rooftop
    and matched.customer_id = own.customer_id
where matched.rooftop <> '' or own.rooftop is null
