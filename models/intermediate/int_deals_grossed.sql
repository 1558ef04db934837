-- Each deal's parts of gross as of its recognition day (METRICS section 1), or the reason why a
-- gross is unknown.
with deals as (
    select * from {{ ref('int_deals_recognised') }}
),

costs as (
    select * from {{ ref('int_deals_costed') }}
),

products as (
    select
        deal_key,
        sum(sale) filter (where gross_side = 'front' and not is_late) as front_sale,
        sum(sale - cost) filter (where gross_side = 'front' and not is_late) as front_gross,
        sum(sale) filter (where gross_side = 'back' and not is_late) as back_sale,
        sum(sale - cost) filter (where gross_side = 'back' and not is_late) as back_gross,
        count(*) filter (where gross_side = 'front' and (sale is null or cost is null))
            as front_unknown,
        count(*) filter (where gross_side = 'back' and (sale is null or cost is null))
            as back_unknown,
    from {{ ref('int_deal_products_booked') }}
    where not is_after_reversal
    group by deal_key
),

priced as (
    select
        deals.*,
        costs.cost_known_on,
        costs.pack,
        costs.internal_profit,
        case when deals.is_consignment then 'consignment' else costs.cost_source end as cost_source,
        case when deals.is_consignment then 0 else costs.cost_at_sale end as cost_at_sale,
        case when deals.is_consignment then 0 else costs.vehicle_cost end as vehicle_cost,
        case
            when deals.is_consignment or deals.vat_scheme != 'margin' then 0
            when deals.sale_price is null or deals.purchase_price is null then null
            else {{ money_share(
                'greatest(deals.sale_price - deals.purchase_price, 0)',
                'cast(deals.vat_rate * 10000 as bigint)',
                'cast(10000 + deals.vat_rate * 10000 as bigint)',
            ) }}
        end as margin_vat,
        case
            when deals.trade_allowance is null and deals.trade_acv is null then 0
            else deals.trade_allowance - deals.trade_acv
        end as over_allowance,
        coalesce(products.front_sale, 0) as front_product_sale,
        coalesce(products.front_gross, 0) as front_product_gross,
        coalesce(products.back_sale, 0) as back_product_sale,
        coalesce(products.back_gross, 0) as back_product_gross,
        case
            when deals.booked_rate is null then 'exchange rate of the deal missing'
            when deals.is_consignment and deals.commission is null
                then 'commission of a consignment car missing'
            when deals.is_consignment then null
            when deals.sale_price is null then 'sale price missing'
            when deals.vat_scheme = 'margin' and deals.purchase_price is null
                then 'margin scheme without purchase price'
            when costs.has_unknown_amount then 'exchange rate of a cost line missing'
            when costs.vehicle_cost is null then 'vehicle cost unknown'
        end as vehicle_unknown,
        (deals.trade_allowance is null) != (deals.trade_acv is null) as is_trade_unknown,
        coalesce(products.front_unknown, 0) > 0 as is_front_product_unknown,
        coalesce(products.back_unknown, 0) > 0 as is_back_product_unknown,
    from deals
    inner join costs
        on deals.deal_key = costs.deal_key
    left join products
        on deals.deal_key = products.deal_key
),

reasoned as (
    select
        *,
        case
            when vehicle_unknown is not null then vehicle_unknown
            when is_trade_unknown then 'trade-in allowance or value missing'
            when is_front_product_unknown then 'sale or cost of a front product missing'
        end as excluded_front,
        case
            when booked_rate is null then 'exchange rate of the deal missing'
            when is_back_product_unknown then 'sale or cost of a back product missing'
        end as excluded_back,
        case
            when is_consignment then commission
            else sale_price - margin_vat
        end as vehicle_revenue,
    from priced
),

final as (
    select
        * exclude (
            vehicle_unknown, is_trade_unknown, is_front_product_unknown, is_back_product_unknown,
            front_product_sale, front_product_gross, back_product_sale, back_product_gross
        ),
        coalesce(excluded_front, excluded_back) as excluded,
        vehicle_revenue + front_product_sale as front_revenue_at_sale,
        back_product_sale as back_revenue_at_sale,
        case
            when excluded_front is null
                then vehicle_revenue - cost_at_sale - over_allowance + front_product_gross
        end as front_at_sale,
        case when excluded_back is null then back_product_gross end as back_at_sale,
    from reasoned
)

select * from final
