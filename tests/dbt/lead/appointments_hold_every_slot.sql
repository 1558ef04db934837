-- Says: the slots of all appointments are the slots that the CRM sent.
-- Matters: a chain that loses or doubles a slot changes the show rate.
-- Resolve: look at int_appointments_chained; two slots that name the same forerunner belong to one
-- chain.
with sent as (
    select rooftop, count(*) as slots
    from {{ ref('stg_crm__appointments') }}
    group by rooftop
),

held as (
    select rooftop, sum(slots) as slots
    from {{ ref('fct_appointment') }}
    group by rooftop
)

select
    coalesce(sent.rooftop, held.rooftop) as rooftop,
    sent.slots as slots_sent,
    held.slots as slots_held,
from sent
full join held
    on sent.rooftop = held.rooftop
where sent.slots is distinct from held.slots
