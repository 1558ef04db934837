with deals as (
    select * from {{ ref('int_deals_grossed') }}
),

moved as (
    select
        deal_key,
        sum(front) filter (where kind != 'reversal') as front,
        sum(back) filter (where kind != 'reversal') as back,
        sum(revenue) filter (where kind != 'reversal') as revenue,
        sum(total) filter (where kind = 'sale') as gross_first_reported,
        sum(total) as gross_now,
        count(*) filter (where kind = 'reversal') as reversals,
    from {{ ref('fct_deal_movement') }}
    group by deal_key
),

products as (
    select
        deal_key,
        sum(sale - cost) filter (where gross_side = 'front') as front_product_gross,
        sum(sale - cost) filter (where gross_side = 'back') as back_product_gross,
        sum(chargeback) filter (
            where gross_side != 'none'
                and charged_back_on is not null
                and (reversed_on is null or charged_back_on <= reversed_on)
        ) as chargebacks,
    from {{ ref('int_deal_products_booked') }}
    where not is_after_reversal
    group by deal_key
),

final as (
    select
        deals.deal_key,
        deals.rooftop,
        deals.deal_number,
        deals.stock_number,
        deals.stock_unit_key,
        deals.vehicle_key,
        deals.vin,
        deals.customer_id,
        deals.lead_id,
        deals.file_id,
        deals.row_number,
        deals.deal_type,
        deals.status,
        deals.salesperson,
        deals.second_salesperson,
        deals.finance_manager,
        deals.finance_company,
        deals.make,
        deals.model,
        deals.condition,
        deals.vat_scheme,
        deals.cost_source,
        deals.source_currency,
        deals.currency,
        deals.excluded,
        deals.excluded_front,
        deals.excluded_back,
        deals.contract_on,
        deals.finalised_on,
        deals.delivered_on,
        deals.recognised_on,
        deals.cost_known_on,
        deals.reversed_on,
        cast(deals.booked_rate as decimal(18, 6)) as booked_rate,
        deals.sale_price,
        cast(deals.margin_vat as decimal(18, 2)) as margin_vat,
        cast(deals.vehicle_cost as decimal(18, 2)) as vehicle_cost,
        cast(deals.over_allowance as decimal(18, 2)) as over_allowance,
        deals.commission,
        cast(coalesce(products.front_product_gross, 0) as decimal(18, 2)) as front_product_gross,
        cast(coalesce(products.back_product_gross, 0) as decimal(18, 2)) as back_product_gross,
        cast(coalesce(products.chargebacks, 0) as decimal(18, 2)) as chargebacks,
        cast(
            coalesce(moved.revenue, deals.front_revenue_at_sale + deals.back_revenue_at_sale) as decimal(18, 2)
        ) as revenue,
        cast(coalesce(moved.front, deals.front_at_sale) as decimal(18, 2)) as front_gross,
        cast(coalesce(moved.back, deals.back_at_sale) as decimal(18, 2)) as back_gross,
        case
            when deals.excluded is null
                then cast(
                    coalesce(moved.front, deals.front_at_sale) + coalesce(moved.back, deals.back_at_sale)
                    as decimal(18, 2)
                )
        end as total_gross,
        cast(moved.gross_first_reported as decimal(18, 2)) as gross_first_reported,
        cast(moved.gross_now as decimal(18, 2)) as gross_now,
        deals.pack,
        deals.internal_profit,
        deals.reported_front_gross,
        deals.reported_back_gross,
        deals.recognised_on is not null as is_recognised,
        coalesce(moved.reversals, 0) > 0 as is_reversed,
        deals.second_salesperson is not null as is_split,
        deals.is_consignment,
        deals.is_vat_scheme_assumed,
        deals.is_vanished,
    from deals
    left join moved
        on deals.deal_key = moved.deal_key
    left join products
        on deals.deal_key = products.deal_key
)

select * from final
