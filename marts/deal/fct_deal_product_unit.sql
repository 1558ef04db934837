with credits as (
    select * from {{ ref('fct_deal_credit') }}
    where kind in ('sale', 'reversal')
),

deals as (
    select * from {{ ref('int_deals_recognised') }}
),

products as (
    select * from {{ ref('int_deal_products_booked') }}
    where product in ('finance_reserve', 'warranty', 'gap', 'insurance', 'accessory')
        and recognised_on is not null
        and not is_after_reversal
),

closed_months as (
    select * from {{ source('settings', 'closed_months') }}
),

-- A line is on its deal from its booking, at the earliest once the deal counts, until it is
-- cancelled or the deal taken back, whichever comes first.
lines as (
    select
        deal_key,
        product,
        greatest(coalesce(booked_on, recognised_on), recognised_on) as held_from,
        least(
            coalesce(cancelled_on, reversed_on),
            coalesce(reversed_on, cancelled_on)
        ) as held_to,
    from products
),

steps as (
    select deal_key, product, held_from as dated_on, 1 as step from lines
    where held_to is null or held_from < held_to
    union all
    select deal_key, product, held_to as dated_on, -1 as step from lines
    where held_from < held_to
),

by_day as (
    select
        deal_key,
        product,
        dated_on,
        sum(step) as step,
    from steps
    group by deal_key, product, dated_on
),

counted as (
    select
        deal_key,
        product,
        dated_on,
        step,
        sum(step) over (partition by deal_key, product order by dated_on) as lines_held,
    from by_day
),

-- However many lines of a product a deal has, it is one unit with it.
changes as (
    select
        deal_key,
        product,
        dated_on,
        case
            when lines_held > 0 and lines_held - step = 0 then 1
            when lines_held = 0 and lines_held - step > 0 then -1
            else 0
        end as change,
    from counted
),

units as (
    select
        movement_key,
        kind,
        'none' as product,
        share_number,
        deal_key,
        rooftop,
        deal_number,
        file_id,
        row_number,
        salesperson,
        deal_type,
        make,
        model,
        condition,
        finance_company,
        moved_on,
        dated_on,
        unit,
        cast(0 as decimal(18, 2)) as product_unit,
    from credits
),

-- What was booked after the sale belongs to the day of the sale while that month is open, like a
-- late product; what was taken back belongs to its own day.
product_units as (
    select
        credits.deal_key || '|' || changes.product || '|' || cast(changes.dated_on as varchar)
            as movement_key,
        case when changes.change > 0 then 'product_added' else 'product_removed' end as kind,
        changes.product,
        credits.share_number,
        credits.deal_key,
        credits.rooftop,
        credits.deal_number,
        credits.file_id,
        credits.row_number,
        credits.salesperson,
        credits.deal_type,
        credits.make,
        credits.model,
        credits.condition,
        credits.finance_company,
        case
            when {{ policy('deal.view', 'credits.recognised_on') }} = 'cohort'
                then credits.recognised_on
            when changes.change > 0 and closed_months.first_on is null then credits.recognised_on
            else changes.dated_on
        end as moved_on,
        changes.dated_on,
        cast(0 as decimal(18, 2)) as unit,
        cast(changes.change * credits.unit as decimal(18, 2)) as product_unit,
    from changes
    inner join credits
        on changes.deal_key = credits.deal_key
        and credits.kind = 'sale'
    left join closed_months
        on credits.recognised_on between closed_months.first_on and closed_months.last_on
    where changes.change != 0
),

moved as (
    select * from units
    union all
    select * from product_units
)

select
    moved.movement_key || '|' || cast(moved.share_number as varchar) as product_unit_key,
    moved.deal_key,
    moved.rooftop,
    moved.deal_number,
    moved.kind,
    moved.product,
    moved.share_number,
    moved.file_id,
    moved.row_number,
    moved.salesperson,
    coalesce(nullif(trim(deals.finance_manager), ''), 'unknown') as finance_manager,
    moved.deal_type,
    moved.make,
    moved.model,
    moved.condition,
    moved.finance_company,
    moved.moved_on,
    moved.dated_on,
    moved.unit,
    moved.product_unit,
from moved
left join deals
    on moved.deal_key = deals.deal_key
