with movements as (
    select * from {{ ref('fct_deal_movement') }}
),

halved as (
    select
        *,
        second_salesperson is not null as is_split,
        {{ money_share('revenue', 1, 2) }} as half_revenue,
        {{ money_share('front', 1, 2) }} as half_front,
        {{ money_share('total', 1, 2) }} as half_total,
    from movements
),

first_people as (
    select
        1 as share_number,
        salesperson as credited_to,
        cast(case when is_split then 0.5 * unit else unit end as decimal(18, 2)) as credited_unit,
        case when is_split then half_revenue else revenue end as credited_revenue,
        case when is_split then half_front else front end as credited_front,
        -- The half of the back is what the halves of front and total leave, so that the parts add
        -- up for each person.
        case when is_split then half_total - half_front else back end as credited_back,
        case when is_split then half_total else total end as credited_total,
        *,
    from halved
),

second_people as (
    select
        2 as share_number,
        second_salesperson as credited_to,
        cast(unit - 0.5 * unit as decimal(18, 2)) as credited_unit,
        revenue - half_revenue as credited_revenue,
        front - half_front as credited_front,
        back - (half_total - half_front) as credited_back,
        total - half_total as credited_total,
        *,
    from halved
    where is_split
),

credited as (
    select * from first_people
    union all
    select * from second_people
),

final as (
    select
        movement_key || '|' || cast(share_number as varchar) as credit_key,
        movement_key,
        deal_key,
        rooftop,
        deal_number,
        kind,
        reference,
        share_number,
        file_id,
        row_number,
        credited_to as salesperson,
        deal_type,
        make,
        model,
        condition,
        finance_company,
        currency,
        excluded,
        moved_on,
        gross_moved_on,
        dated_on,
        gross_dated_on,
        recognised_on,
        credited_unit as unit,
        cast(credited_revenue as decimal(18, 2)) as revenue,
        cast(credited_front as decimal(18, 2)) as front,
        cast(credited_back as decimal(18, 2)) as back,
        cast(credited_total as decimal(18, 2)) as total,
    from credited
)

select * from final
