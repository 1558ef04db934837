with leads as (
    select
        *,
        {{ vin_key('vin') }} as vin_key,
        lower(trim(vehicle_text)) as words,
    from {{ ref('int_leads_united') }}
),

rooftops as (
    select * from {{ ref('dim_rooftop') }}
),

units as (
    select
        *,
        {{ vin_key('vin') }} as vin_key,
        lower(make) || ' ' || lower(model) as make_and_model,
        coalesce(ordered_on, acquired_on) as on_its_way_from,
    from {{ ref('fct_stock_unit') }}
),

by_stock_number as (
    select
        leads.lead_key,
        units.stock_unit_key,
        'stock number' as matched_by,
    from leads
    inner join units
        on leads.rooftop = units.rooftop
        and leads.stock_number = units.stock_number
),

-- A VIN is looked for at every rooftop: its own one's car first, of several the newest.
by_vin as (
    select
        leads.lead_key,
        units.stock_unit_key,
        'VIN' as matched_by,
    from leads
    inner join units
        on leads.vin_key = units.vin_key
    left join by_stock_number
        on leads.lead_key = by_stock_number.lead_key
    where by_stock_number.lead_key is null
    qualify row_number() over (
        partition by leads.lead_key
        order by
            (units.rooftop = leads.rooftop) desc,
            units.in_stock_on desc nulls first,
            units.stock_unit_key
    ) = 1
),

-- The words of an enquiry are every car of that make and model that was there, or on its way.
spelled as (
    select units.*, make_and_model as words from units
    union all
    select units.*, make_and_model || ' ' || model_year as words from units
    union all
    select units.*, model_year || ' ' || make_and_model as words from units
),

by_text as (
    select distinct
        leads.lead_key,
        units.stock_unit_key,
        'vehicle text' as matched_by,
    from leads
    inner join spelled as units
        on leads.rooftop = units.rooftop
        and leads.words = units.words
        and (units.left_on is null or units.left_on >= leads.received_on)
        and coalesce(units.on_its_way_from, units.arrived_on) <= leads.received_on
    where leads.lead_key not in (select lead_key from by_stock_number)
        and leads.lead_key not in (select lead_key from by_vin)
),

pairs as (
    select * from by_stock_number
    union all
    select * from by_vin
    union all
    select * from by_text
),

-- Somebody waits from the enquiry, or from the order where that came later, until the car arrives,
-- leaves, or the lead is lost; who asked for any such car also until another one is sold to him.
final as (
    select
        leads.rooftop,
        leads.lead_id,
        leads.lead_key,
        units.stock_unit_key,
        units.vehicle_key,
        units.stock_number,
        leads.file_id,
        leads.row_number,
        pairs.matched_by,
        leads.received_on,
        units.eta_on,
        units.arrived_on,
        case
            when coalesce(units.on_its_way_from, units.eta_on) is not null
                then greatest(leads.received_on, units.on_its_way_from)
        end as waiting_from,
        least(
            units.arrived_on,
            units.left_on,
            case
                when leads.stage = 'lost' or (
                    leads.stage = 'won' and pairs.matched_by = 'vehicle text'
                )
                    then coalesce(
                        {{ local_day('leads.stage_changed_at', 'rooftops.time_zone') }},
                        leads.received_on
                    )
            end
        ) as waiting_until,
    from pairs
    inner join leads
        on pairs.lead_key = leads.lead_key
    inner join units
        on pairs.stock_unit_key = units.stock_unit_key
    inner join rooftops
        on leads.rooftop = rooftops.rooftop
)

select
    rooftop,
    lead_id,
    lead_key,
    stock_unit_key,
    vehicle_key,
    stock_number,
    file_id,
    row_number,
    matched_by,
    received_on,
    eta_on,
    arrived_on,
    case when waiting_until > waiting_from or waiting_until is null then waiting_from end
        as waiting_from,
    case when waiting_until > waiting_from then waiting_until end as waiting_until,
    waiting_from is not null and waiting_until is null as is_waiting,
from final
