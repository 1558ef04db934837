with deals as (
    select * from {{ ref('int_deals_grossed') }}
    where recognised_on is not null
),

cost_lines as (
    select * from {{ ref('int_deal_cost_lines_summed') }}
),

products as (
    select * from {{ ref('int_deal_products_booked') }}
    where gross_side != 'none' and not is_after_reversal
),

closed_months as (
    select * from {{ source('settings', 'closed_months') }}
),

files as (
    select * from {{ source('ledger', 'files') }}
),

sales as (
    select
        deal_key,
        'sale' as kind,
        '' as reference,
        file_id,
        row_number,
        recognised_on as moved_on,
        recognised_on as dated_on,
        1 as unit,
        front_revenue_at_sale as front_revenue,
        back_revenue_at_sale as back_revenue,
        front_at_sale as front,
        back_at_sale as back,
    from deals
),

-- A late cost belongs to the day its deal was recognised while that month is open, and to its own
-- day once somebody closed it.
late_costs as (
    select
        deals.deal_key,
        'late_cost' as kind,
        cost_lines.cost_id as reference,
        cost_lines.file_id,
        cost_lines.row_number,
        case
            when closed_months.first_on is not null then cost_lines.posted_on
            else deals.recognised_on
        end as moved_on,
        cost_lines.posted_on as dated_on,
        0 as unit,
        0 as front_revenue,
        0 as back_revenue,
        cost_lines.cost_before - cost_lines.cost_so_far as front,
        0 as back,
    from deals
    inner join cost_lines
        on deals.deal_key = cost_lines.deal_key
    left join closed_months
        on deals.recognised_on between closed_months.first_on and closed_months.last_on
    where cost_lines.is_late
        and not deals.is_consignment
        and cost_lines.cost_before is not null
        and cost_lines.cost_so_far is not null
),

-- Likewise a product that was booked after the deal counted.
late_products as (
    select
        deals.deal_key,
        'late_product' as kind,
        cast(products.line as varchar) as reference,
        products.file_id,
        products.row_number,
        case
            when closed_months.first_on is not null then products.booked_on
            else deals.recognised_on
        end as moved_on,
        products.booked_on as dated_on,
        0 as unit,
        {% for side in ['front', 'back'] -%}
        case
            when products.gross_side = '{{ side }}' then products.sale
            else 0
        end as {{ side }}_revenue,
        {% endfor -%}
        {% for side in ['front', 'back'] -%}
        case
            when products.gross_side = '{{ side }}' then products.sale - products.cost
            else 0
        end as {{ side }},
        {% endfor %}
    from deals
    inner join products
        on deals.deal_key = products.deal_key
    left join closed_months
        on deals.recognised_on between closed_months.first_on and closed_months.last_on
    where products.is_late
),

-- A chargeback from before the deal counted takes effect when it does; after a reversal nothing is
-- left to charge back.
cancelled_products as (
    select
        deals.deal_key,
        'product_cancelled' as kind,
        cast(products.line as varchar) as reference,
        products.file_id,
        products.row_number,
        greatest(products.charged_back_on, deals.recognised_on) as moved_on,
        greatest(products.charged_back_on, deals.recognised_on) as dated_on,
        0 as unit,
        0 as front_revenue,
        0 as back_revenue,
        0 as front,
        -products.chargeback as back,
    from deals
    inner join products
        on deals.deal_key = products.deal_key
    where (products.chargeback is not null or products.is_chargeback_unknown)
        and products.charged_back_on is not null
        and (deals.reversed_on is null or products.charged_back_on <= deals.reversed_on)
),

moved as (
    select * from sales
    union all
    select * from late_costs
    union all
    select * from late_products
    union all
    select * from cancelled_products
),

reversals as (
    select
        deals.deal_key,
        'reversal' as kind,
        '' as reference,
        deals.file_id,
        deals.row_number,
        deals.reversed_on as moved_on,
        deals.reversed_on as dated_on,
        -1 as unit,
        -sum(moved.front_revenue) as front_revenue,
        -sum(moved.back_revenue) as back_revenue,
        -sum(moved.front) as front,
        -sum(moved.back) as back,
    from deals
    inner join moved
        on deals.deal_key = moved.deal_key
    where deals.reversed_on is not null
    group by deals.deal_key, deals.file_id, deals.row_number, deals.reversed_on
),

all_moved as (
    select * from moved
    union all
    select * from reversals
),

-- A deal with an unknown part is in no sum of money, neither above nor below the line; it stays a
-- unit.
known as (
    select
        all_moved.deal_key,
        all_moved.kind,
        all_moved.reference,
        all_moved.file_id,
        all_moved.row_number,
        all_moved.moved_on,
        all_moved.dated_on,
        all_moved.unit,
        {% for part in ['front_revenue', 'back_revenue', 'front', 'back'] -%}
        case
            when deals.excluded is null then cast(all_moved.{{ part }} as decimal(18, 2))
        end as {{ part }},
        {% endfor -%}
    from all_moved
    inner join deals
        on all_moved.deal_key = deals.deal_key
),

final as (
    select
        known.deal_key
            || '|' || known.kind
            || case when known.reference = '' then '' else '|' || known.reference end
            as movement_key,
        known.deal_key,
        deals.rooftop,
        deals.deal_number,
        known.kind,
        known.reference,
        known.file_id,
        known.row_number,
        deals.deal_type,
        deals.salesperson,
        deals.second_salesperson,
        deals.make,
        deals.model,
        deals.condition,
        deals.finance_company,
        deals.currency,
        deals.excluded,
        case {{ policy('deal.view', 'deals.recognised_on') }}
            when 'cohort' then deals.recognised_on
            else known.moved_on
        end as moved_on,
        known.dated_on,
        -- What became known after its month was closed adjusts the month it became known in.
        case
            when {{ policy('deal.view', 'deals.recognised_on') }} = 'cohort'
                then deals.recognised_on
            when deals.cost_known_on > closed_under_it.last_on then deals.cost_known_on
            else known.moved_on
        end as gross_moved_on,
        greatest(known.dated_on, deals.cost_known_on) as gross_dated_on,
        deals.recognised_on,
        known.unit,
        cast(known.front_revenue + known.back_revenue as decimal(18, 2)) as revenue,
        known.front_revenue,
        known.back_revenue,
        known.front,
        known.back,
        cast(known.front + known.back as decimal(18, 2)) as total,
        coalesce(deals.cost_known_on > closed_under_it.last_on, false)
            or (
                known.kind in ('late_cost', 'late_product')
                and closed_months.first_on is not null
                and (
                    known.dated_on > closed_months.last_on
                    or coalesce(files.received_at > closed_months.closed_at, false)
                )
            ) as is_prior_period_adjustment,
    from known
    inner join deals
        on known.deal_key = deals.deal_key
    left join closed_months
        on deals.recognised_on between closed_months.first_on and closed_months.last_on
    left join closed_months as closed_under_it
        on known.moved_on between closed_under_it.first_on and closed_under_it.last_on
    left join files
        on known.file_id = files.file_id
)

select * from final
