with slots as (
    select
        slots.*,
        chains.chain_key,
        chains.position,
    from {{ ref('stg_crm__appointments') }} as slots
    inner join {{ ref('int_appointments_chained') }} as chains
        on slots.appointment_key = chains.appointment_key
),

rooftops as (
    select * from {{ ref('dim_rooftop') }}
),

merged as (
    select * from {{ ref('int_customers_merged') }}
),

leads as (
    select * from {{ ref('int_leads_united') }}
),

last_slots as (
    select
        *,
        count(*) over (partition by chain_key) as slots,
    from slots
    qualify row_number() over (
        partition by chain_key
        order by position desc, created_at desc, appointment_key desc
    ) = 1
),

-- The first slot names the appointment and was when it was made; the last one is when it is due and
-- what became of it.
appointments as (
    select
        first_slots.rooftop,
        first_slots.appointment_id,
        first_slots.appointment_key,
        last_slots.appointment_id as last_appointment_id,
        coalesce(first_slots.lead_id, last_slots.lead_id) as lead_id,
        coalesce(merged.survivor, first_slots.customer_id, last_slots.customer_id) as customer_id,
        coalesce(last_slots.vin, first_slots.vin) as vin,
        first_slots.file_id,
        first_slots.row_number,
        last_slots.kind,
        coalesce(last_slots.employee, first_slots.employee, 'unknown') as employee,
        last_slots.status,
        first_slots.created_at,
        {{ local_day('first_slots.created_at', 'rooftops.time_zone') }} as created_on,
        last_slots.starts_at,
        {{ local_day('last_slots.starts_at', 'rooftops.time_zone') }} as due_on,
        last_slots.confirmed_at,
        last_slots.shown_at,
        {{ local_day('last_slots.shown_at', 'rooftops.time_zone') }} as stamped_on,
        last_slots.cancelled_at,
        last_slots.slots,
        first_slots.rescheduled_from,
        last_slots.status = 'shown'
        or (
            last_slots.status in ('booked', 'confirmed')
            and last_slots.shown_at is not null
        ) as is_shown,
        last_slots.status = 'no_show' as is_no_show,
        last_slots.status = 'cancelled'
        or (
            last_slots.status in ('booked', 'confirmed')
            and last_slots.shown_at is null
            and last_slots.cancelled_at is not null
        ) as is_cancelled,
    from last_slots
    inner join slots as first_slots
        on last_slots.chain_key = first_slots.appointment_key
    inner join rooftops
        on first_slots.rooftop = rooftops.rooftop
    left join merged
        on first_slots.rooftop = merged.rooftop
        and coalesce(first_slots.customer_id, last_slots.customer_id) = merged.customer_id
),

-- A missed appointment is saved when the same customer, or the same lead, has a new one made before
-- the day is over; a visit to the workshop takes the place of one to the workshop.
saved as (
    select
        missed.appointment_key,
        min(again.created_on) as rebooked_on,
    from appointments as missed
    inner join (
        select *, 'id' as named_by, rescheduled_from as name
        from appointments
        union all
        select *, 'lead' as named_by, lead_id as name
        from appointments
        union all
        select *, 'customer' as named_by, customer_id as name
        from appointments
    ) as again
        on missed.rooftop = again.rooftop
        and missed.appointment_key <> again.appointment_key
        and missed.due_on = again.created_on
        and missed.starts_at <= again.created_at
        and (
            case again.named_by
                when 'id' then missed.last_appointment_id
                when 'lead' then missed.lead_id
                else missed.customer_id
            end
        ) = again.name
        and (
            again.named_by = 'id'
            or (missed.kind = 'service') is not distinct from (again.kind = 'service')
        )
    where missed.is_no_show
    group by missed.appointment_key
),

attached as (
    {{ leads_of('appointments', 'appointment_key', 'created_at') }}
)

select
    appointments.rooftop,
    appointments.appointment_id,
    appointments.appointment_key,
    appointments.last_appointment_id,
    attached.lead_key,
    appointments.lead_id,
    coalesce(appointments.customer_id, leads.customer_id) as customer_id,
    appointments.vin,
    appointments.file_id,
    appointments.row_number,
    coalesce(appointments.kind, 'unknown') as kind,
    appointments.employee,
    coalesce(appointments.status, 'unknown') as status,
    coalesce(leads.source, 'unknown') as source,
    coalesce(leads.channel, 'unknown') as channel,
    case
        when appointments.is_cancelled then 'cancelled'
        when appointments.status = 'rescheduled' then 'moved to a slot that is not in the data'
    end as excluded_reason,
    appointments.created_at,
    appointments.created_on,
    appointments.starts_at,
    appointments.due_on,
    appointments.confirmed_at,
    appointments.shown_at,
    case
        when appointments.is_shown then coalesce(appointments.stamped_on, appointments.due_on)
    end as shown_on,
    appointments.cancelled_at,
    saved.rebooked_on,
    appointments.slots,
    coalesce(appointments.is_shown, false) as is_shown,
    coalesce(appointments.is_no_show, false) as is_no_show,
    coalesce(appointments.is_shown or appointments.is_no_show, false) as is_marked,
from appointments
left join attached
    on appointments.appointment_key = attached.appointment_key
left join leads
    on attached.lead_key = leads.lead_key
left join saved
    on appointments.appointment_key = saved.appointment_key
