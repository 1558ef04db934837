-- Product lines in the currency of their deal's rooftop, with the day each belongs to.
with deal_products as (
    select * from {{ ref('stg_dms__deal_products') }}
),

deals as (
    select * from {{ ref('int_deals_recognised') }}
),

final as (
    select
        deal_products.deal_product_key,
        deals.deal_key,
        deal_products.rooftop,
        deal_products.deal_number,
        deal_products.line,
        deal_products.file_id,
        deal_products.row_number,
        deal_products.product,
        -- No side, or one that the feed does not know, leaves the line out of gross.
        case
            when deal_products.gross_side in ('front', 'back') then deal_products.gross_side
            else 'none'
        end as gross_side,
        deals.currency,
        deal_products.booked_on,
        deal_products.cancelled_on,
        coalesce(deal_products.chargeback_on, deal_products.cancelled_on) as charged_back_on,
        deals.recognised_on,
        deals.reversed_on,
        {{ money_times('deal_products.sale', 'deals.booked_rate') }} as sale,
        {{ money_times('deal_products.cost', 'deals.booked_rate') }} as cost,
        {{ money_times('deal_products.chargeback', 'deals.booked_rate') }} as chargeback,
        coalesce(deal_products.booked_on > deals.recognised_on, false) as is_late,
        deal_products.chargeback is not null and deals.booked_rate is null as is_chargeback_unknown,
        -- What is booked after the deal was taken back is no part of it.
        coalesce(deal_products.booked_on > deals.reversed_on, false) as is_after_reversal,
        deal_products.gone_at is not null as is_vanished,
    from deal_products
    left join deals
        on deal_products.rooftop = deals.rooftop
        and deal_products.deal_number = deals.deal_number
)

select * from final
