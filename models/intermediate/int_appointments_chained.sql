-- Every appointment slot with the chain it belongs to: a slot that was moved and those that took
-- its place are one appointment. A slot that was kept or missed took place: what follows it is a
-- new appointment.
with recursive slots as (
    select
        appointment_key,
        rooftop,
        appointment_id,
        status,
        rescheduled_from,
        created_at,
        starts_at,
    from {{ ref('stg_crm__appointments') }}
),

moves as (
    select
        slots.appointment_key,
        earlier.appointment_key as moved_from,
    from slots
    inner join slots as earlier
        on slots.rooftop = earlier.rooftop
        and slots.rescheduled_from = earlier.appointment_id
    where earlier.status not in ('shown', 'no_show')
        and earlier.appointment_key <> slots.appointment_key
),

chains as (
    select
        slots.appointment_key,
        slots.appointment_key as chain_key,
        1 as position,
    from slots
    where not exists (select 1 from moves where moves.appointment_key = slots.appointment_key)

    union all

    select
        moves.appointment_key,
        chains.chain_key,
        chains.position + 1 as position,
    from chains
    inner join moves
        on chains.appointment_key = moves.moved_from
)

-- Slots that name each other in a circle have no first one; each stands alone.
select
    slots.appointment_key,
    coalesce(chains.chain_key, slots.appointment_key) as chain_key,
    coalesce(chains.position, 1) as position,
from slots
left join chains
    on slots.appointment_key = chains.appointment_key
