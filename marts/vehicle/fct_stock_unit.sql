with vehicles as (
    select * from {{ ref('stg_dms__vehicles') }}
),

events as (
    select * from {{ ref('stg_dms__vehicle_events') }}
),

vehicle_costs as (
    select * from {{ ref('int_vehicle_costs_booked') }}
),

deals as (
    select * from {{ ref('int_deals_recognised') }}
),

rooftops as (
    select * from {{ ref('dim_rooftop') }}
),

exported as (
    select * from {{ ref('int_rooftops_exported') }}
),

-- Times in local days; the first ready step counts.
ready_events as (
    select
        events.rooftop,
        events.stock_number,
        min({{ local_day('events.occurred_at', 'rooftops.time_zone') }}) as ready_on,
    from events
    inner join rooftops
        on events.rooftop = rooftops.rooftop
    where events.status = 'ready'
    group by events.rooftop, events.stock_number
),

costs as (
    select
        stock_unit_key,
        sum(amount) as amount,
        bool_or(category = 'purchase') as has_purchase_line,
        bool_or(amount is null) as has_unknown_amount,
    from vehicle_costs
    where not is_pack
    group by stock_unit_key
),

-- The deal that stands: the last one that was recognised and not taken back.
sold as (
    select
        stock_unit_key,
        deal_key,
        deal_type,
        recognised_on,
        handed_over_on,
    from deals
    where recognised_on is not null
        and reversed_on is null
        and stock_unit_key is not null
    qualify row_number() over (
        partition by stock_unit_key
        order by recognised_on desc, deal_key desc
    ) = 1
),

joined as (
    select
        vehicles.*,
        rooftops.currency as rooftop_currency,
        {{ money_times(
            'vehicles.purchase_price',
            booked_rate('vehicles.currency', 'vehicles.rate', 'rooftops.currency'),
        ) }} as purchase_price_booked,
        {{ local_day('vehicles.gone_at', 'rooftops.time_zone') }} as gone_on,
        coalesce(ready_events.ready_on, vehicles.ready_on) as first_ready_on,
        sold.deal_key,
        sold.deal_type,
        sold.recognised_on as sold_on,
        sold.handed_over_on,
        costs.amount as lines,
        costs.has_purchase_line,
        costs.has_unknown_amount,
        exported.last_day,
        case {{ policy(
            'stock.in_stock_from',
            'coalesce(vehicles.arrived_on, vehicles.acquired_on)',
        ) }}
            when 'acquired_on' then coalesce(vehicles.acquired_on, vehicles.arrived_on)
            else vehicles.arrived_on
        end as in_stock_on,
    from vehicles
    left join rooftops
        on vehicles.rooftop = rooftops.rooftop
    left join exported
        on vehicles.rooftop = exported.rooftop
    left join ready_events
        on vehicles.rooftop = ready_events.rooftop
        and vehicles.stock_number = ready_events.stock_number
    left join costs
        on vehicles.stock_unit_key = costs.stock_unit_key
    left join sold
        on vehicles.stock_unit_key = sold.stock_unit_key
),

ended as (
    select
        *,
        least(removed_on, gone_on, handed_over_on) as left_on,
    from joined
),

final as (
    select
        stock_unit_key,
        vehicle_key,
        rooftop,
        stock_number,
        vin,
        deal_key,
        file_id,
        row_number,
        coalesce(nullif(trim(make), ''), 'unknown') as make,
        coalesce(nullif(trim(model), ''), 'unknown') as model,
        coalesce(condition, 'unknown') as condition,
        coalesce("use", 'unknown') as "use",
        coalesce(acquisition_channel, 'unknown') as acquisition_channel,
        coalesce(nullif(trim(supplier), ''), 'unknown') as supplier,
        coalesce(vat_scheme, 'unknown') as vat_scheme,
        deal_type,
        rooftop_currency as currency,
        ordered_on,
        eta_on,
        acquired_on,
        arrived_on,
        in_stock_on,
        first_ready_on,
        sold_on,
        left_on,
        model_year,
        cast(
            case
                when has_unknown_amount then null
                when has_purchase_line then lines
                when purchase_price_booked is not null
                    then purchase_price_booked + coalesce(lines, 0)
            end as decimal(18, 2)
        ) as cost,
        purchase_price_booked as purchase_price,
        cast(
            case
                when first_ready_on >= arrived_on
                    then {{ days_between('arrived_on', 'first_ready_on') }}
            end as bigint
        ) as days_to_line,
        cast(
            case
                when coalesce(left_on, last_day) >= in_stock_on
                    then {{ days_between('in_stock_on', 'coalesce(left_on, last_day)') }}
            end as bigint
        ) as days_in_stock,
        in_stock_on is not null and in_stock_on <= last_day and left_on is null as is_in_stock,
    from ended
)

select * from final
