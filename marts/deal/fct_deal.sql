with deals as (
    select * from {{ ref('int_deals_grossed') }}
),

moved as (
    select
        deal_key,
        sum(total) filter (where kind = 'sale') as gross_first_reported,
        sum(total) as gross_now,
    from {{ ref('fct_deal_movement') }}
    group by deal_key
),

products as (
    select
        deal_key,
        sum(sale) filter (where gross_side != 'none') as product_revenue,
        sum(sale - cost) filter (where gross_side = 'front') as front_gross,
        sum(sale - cost) filter (where gross_side = 'back') as back_gross,
        sum(chargeback) filter (
            where gross_side != 'none'
                and charged_back_on is not null
                and (reversed_on is null or charged_back_on <= reversed_on)
        ) as chargebacks,
    from {{ ref('int_deal_products_booked') }}
    where not is_after_reversal
    group by deal_key
),

-- The parts of today, as the formula has them; that the movements add up to the same is tested.
parts as (
    select
        deals.*,
        moved.gross_first_reported,
        moved.gross_now,
        coalesce(products.front_gross, 0) as front_product_gross,
        coalesce(products.back_gross, 0) as back_product_gross,
        coalesce(products.chargebacks, 0) as chargebacks,
        deals.vehicle_revenue + coalesce(products.product_revenue, 0) as revenue,
        case
            when deals.excluded_front is null
                then deals.vehicle_revenue - deals.vehicle_cost - deals.over_allowance
                    + coalesce(products.front_gross, 0)
        end as front_gross,
        case
            when deals.excluded_back is null
                then coalesce(products.back_gross, 0) - coalesce(products.chargebacks, 0)
        end as back_gross,
    from deals
    left join moved
        on deals.deal_key = moved.deal_key
    left join products
        on deals.deal_key = products.deal_key
),

final as (
    select
        deal_key,
        rooftop,
        deal_number,
        stock_number,
        stock_unit_key,
        vehicle_key,
        vin,
        customer_id,
        lead_id,
        file_id,
        row_number,
        deal_type,
        status,
        salesperson,
        second_salesperson,
        finance_manager,
        finance_company,
        make,
        model,
        condition,
        vat_scheme,
        cost_source,
        source_currency,
        currency,
        excluded,
        contract_on,
        finalised_on,
        delivered_on,
        recognised_on,
        cost_known_on,
        reversed_on,
        cast(booked_rate as decimal(18, 6)) as booked_rate,
        sale_price,
        cast(margin_vat as decimal(18, 2)) as margin_vat,
        cast(vehicle_cost as decimal(18, 2)) as vehicle_cost,
        cast(over_allowance as decimal(18, 2)) as over_allowance,
        commission,
        cast(front_product_gross as decimal(18, 2)) as front_product_gross,
        cast(back_product_gross as decimal(18, 2)) as back_product_gross,
        cast(chargebacks as decimal(18, 2)) as chargebacks,
        cast(revenue as decimal(18, 2)) as revenue,
        cast(front_gross as decimal(18, 2)) as front_gross,
        cast(back_gross as decimal(18, 2)) as back_gross,
        cast(front_gross + back_gross as decimal(18, 2)) as total_gross,
        cast(gross_first_reported as decimal(18, 2)) as gross_first_reported,
        cast(gross_now as decimal(18, 2)) as gross_now,
        pack,
        internal_profit,
        reported_front_gross,
        reported_back_gross,
        recognised_on is not null as is_recognised,
        recognised_on is not null and reversed_on is not null as is_reversed,
        second_salesperson is not null as is_split,
        is_consignment,
        is_vat_scheme_assumed,
        is_vanished,
    from parts
)

select * from final
