{{ config(severity = 'warn') }}
-- Says: two customers that [[identity.apart]] keeps apart are one all the same, or one of the two
-- keys is no customer.
-- Matters: the setting changes nothing; their leads and deals stand together.
-- Resolve: look up in brg_customer_source by what third record the two are joined and keep that one
-- apart too; or correct the key.
select
    apart.a,
    apart.b,
    firsts.customer_key as customer_of_a,
    seconds.customer_key as customer_of_b,
from {{ source('settings', 'apart') }} as apart
left join {{ ref('brg_customer_source') }} as firsts
    on apart.a = firsts.customer_source_key
left join {{ ref('brg_customer_source') }} as seconds
    on apart.b = seconds.customer_source_key
where firsts.customer_key is null
    or seconds.customer_key is null
    or firsts.customer_key = seconds.customer_key
