-- Deals with their stock unit, their amounts in the rooftop's currency, and the days on which they
-- count.
with deals as (
    select * from {{ ref('stg_dms__deals') }}
),

vehicles as (
    select * from {{ ref('stg_dms__vehicles') }}
),

rooftops as (
    select * from {{ ref('dim_rooftop') }}
),

joined as (
    select
        deals.*,
        rooftops.currency as rooftop_currency,
        rooftops.vat_rate,
        vehicles.stock_unit_key,
        vehicles.vehicle_key as unit_vehicle_key,
        vehicles.vin as unit_vin,
        vehicles.make,
        vehicles.model,
        vehicles.condition,
        vehicles."use",
        {{ booked_rate('deals.currency', 'deals.rate', 'rooftops.currency') }} as booked_rate,
        {{ money_times(
            'vehicles.purchase_price',
            booked_rate('vehicles.currency', 'vehicles.rate', 'rooftops.currency'),
        ) }} as purchase_price_booked,
        nullif(lower(trim(deals.vat_scheme)), '') as deal_vat_scheme,
        nullif(lower(trim(vehicles.vat_scheme)), '') as unit_vat_scheme,
        {{ deal_recognised_on('deals') }} as step_on,
        case
            when deals.status in ('finalised', 'delivered', 'unwound')
                or (deals.status = 'cancelled' and deals.reversed_on is not null)
                then deals.delivered_on
        end as handed_over_on,
    from deals
    left join vehicles
        on deals.rooftop = vehicles.rooftop
        and deals.stock_number = vehicles.stock_number
    left join rooftops
        on deals.rooftop = rooftops.rooftop
),

final as (
    select
        deal_key,
        rooftop,
        deal_number,
        stock_number,
        stock_unit_key,
        coalesce(unit_vehicle_key, {{ vin_key('vin') }}) as vehicle_key,
        case when {{ vin_key('vin') }} is null then coalesce(unit_vin, vin) else vin end as vin,
        customer_id,
        lead_id,
        file_id,
        row_number,
        deal_type,
        status,
        coalesce(nullif(trim(make), ''), 'unknown') as make,
        coalesce(nullif(trim(model), ''), 'unknown') as model,
        coalesce(condition, 'unknown') as condition,
        coalesce(deal_vat_scheme, unit_vat_scheme, 'standard') as vat_scheme,
        coalesce(nullif(trim(finance_company), ''), 'none') as finance_company,
        coalesce(
            nullif(trim(salesperson), ''),
            nullif(trim(second_salesperson), ''),
            'unknown'
        ) as salesperson,
        case
            when nullif(trim(salesperson), '') is not null
                and trim(salesperson) != trim(second_salesperson)
                then nullif(trim(second_salesperson), '')
        end as second_salesperson,
        finance_manager,
        coalesce(nullif(upper(trim(currency)), ''), rooftop_currency) as source_currency,
        rooftop_currency as currency,
        contract_on,
        finalised_on,
        delivered_on,
        handed_over_on,
        reversed_on,
        -- A deal taken back before it counted never counted.
        case when reversed_on < step_on then null else step_on end as recognised_on,
        booked_rate,
        vat_rate,
        {{ money_times('sale_price', 'booked_rate') }} as sale_price,
        {{ money_times('vehicle_cost', 'booked_rate') }} as stated_vehicle_cost,
        {{ money_times('commission', 'booked_rate') }} as commission,
        purchase_price_booked as purchase_price,
        {{ money_times('trade_allowance', 'booked_rate') }} as trade_allowance,
        {{ money_times('trade_acv', 'booked_rate') }} as trade_acv,
        {{ money_times('reported_front_gross', 'booked_rate') }} as reported_front_gross,
        {{ money_times('reported_back_gross', 'booked_rate') }} as reported_back_gross,
        deal_vat_scheme is null and unit_vat_scheme is null as is_vat_scheme_assumed,
        coalesce("use" = 'consignment', false) as is_consignment,
        gone_at is not null as is_vanished,
    from joined
)

select * from final
