with vehicles as (
    select * from {{ ref('stg_dms__vehicles') }}
),

statuses as (
    select * from {{ ref('int_stock_statuses_dated') }}
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

-- The first ready step counts.
ready_steps as (
    select
        stock_unit_key,
        min(valid_from) as ready_on,
    from statuses
    where status = 'ready'
    group by stock_unit_key
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
        {{ data_day('vehicles.gone_at', 'rooftops.time_zone') }} as gone_on,
        ready_steps.ready_on as first_ready_on,
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
    left join ready_steps
        on vehicles.stock_unit_key = ready_steps.stock_unit_key
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

-- Days ready or reserved, while the car was here.
ready_days as (
    select
        ended.stock_unit_key,
        sum(greatest(0, {{ days_between(
            'greatest(statuses.valid_from, ended.arrived_on)',
            'least(coalesce(statuses.valid_to, ended.left_on), ended.left_on)',
        ) }})) as days_ready,
    from ended
    inner join statuses
        on ended.stock_unit_key = statuses.stock_unit_key
    where statuses.status in ('ready', 'reserved')
        and ended.left_on >= ended.arrived_on
    group by ended.stock_unit_key
),

final as (
    select
        ended.stock_unit_key,
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
        purchase_invoice,
        coalesce(vat_scheme, 'unknown') as vat_scheme,
        deal_type,
        case
            when left_on is null then null
            when arrived_on is null then 'arrival not known'
            when left_on < arrived_on then 'left before it came'
        end as excluded_ready,
        case when left_on < in_stock_on then 'left before it came' end as excluded_stock,
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
        cast(
            case
                when arrived_on >= acquired_on
                    then {{ days_between('acquired_on', 'arrived_on') }}
            end as bigint
        ) as transit_days,
        cast(
            case
                when left_on >= arrived_on then {{ days_between('arrived_on', 'left_on') }}
            end as bigint
        ) as days_present,
        cast(
            case when left_on >= arrived_on then coalesce(ready_days.days_ready, 0) end as bigint
        ) as days_ready,
        in_stock_on is not null and in_stock_on <= last_day and left_on is null as is_in_stock,
    from ended
    left join ready_days
        on ended.stock_unit_key = ready_days.stock_unit_key
)

select * from final
