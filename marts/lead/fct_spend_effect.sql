with spend as (
    select * from {{ ref('fct_spend') }}
),

leads as (
    select * from {{ ref('fct_lead_span') }}
),

episodes as (
    select * from {{ ref('fct_episode') }}
    where converted_on is not null
),

rooftops as (
    select * from {{ ref('dim_rooftop') }}
),

months as (
    select
        spend.rooftop,
        spend.spend_key,
        spend.file_id,
        spend.row_number,
        spend.source,
        spend.amount,
        spend.currency,
        rooftops.currency as rooftop_currency,
        cast(date_trunc('month', spend.month) as date) as month,
        {{ days_between(
            "date_trunc('month', spend.month)",
            add_months("date_trunc('month', spend.month)", 1),
        ) }} as days,
    from spend
    inner join rooftops
        on spend.rooftop = rooftops.rooftop
),

-- Whole numbers of cents: what is spent up to a day minus what was spent up to the day before.
days as (
    select
        months.*,
        {{ each_day('month', add_days('month', 'days - 1')) }} as day,
    from months
),

spread as (
    select
        days.*,
        {{ money_share(
            'days.amount', days_between('days.month', 'days.day') ~ ' + 1', 'days.days'
        ) }} - {{ money_share(
            'days.amount', days_between('days.month', 'days.day'), 'days.days'
        ) }} as share,
    from days
),

-- Without any spend of its rooftop and month a lead or sale would only make the others look cheap.
known_months as (
    select distinct
        rooftop,
        month,
    from months
),

effects as (
    select
        'spend' as row_kind,
        spread.rooftop,
        spread.spend_key as record_key,
        spread.file_id,
        spread.row_number,
        spread.source,
        spread.rooftop_currency as currency,
        case
            when spread.currency <> spread.rooftop_currency
                then 'not in the currency of the rooftop'
        end as excluded,
        spread.day as effect_on,
        spread.day as valid_from,
        cast(null as date) as valid_to,
        case
            when spread.currency = spread.rooftop_currency
                then cast(spread.share as decimal(18, 2))
        end as amount,
        0 as leads,
        0 as sales,
    from spread

    union all

    select
        'lead' as row_kind,
        leads.rooftop,
        leads.lead_key as record_key,
        leads.file_id,
        leads.row_number,
        leads.source,
        rooftops.currency,
        coalesce(
            leads.not_good_reason,
            case when known_months.rooftop is null then 'no spend of its month' end
        ) as excluded,
        leads.received_on as effect_on,
        leads.valid_from,
        leads.valid_to,
        cast(null as decimal(18, 2)) as amount,
        1 as leads,
        0 as sales,
    from leads
    inner join rooftops
        on leads.rooftop = rooftops.rooftop
    left join known_months
        on leads.rooftop = known_months.rooftop
        and cast(date_trunc('month', leads.received_on) as date) = known_months.month

    union all

    select
        'sale' as row_kind,
        episodes.rooftop,
        episodes.episode_key as record_key,
        episodes.file_id,
        episodes.row_number,
        episodes.source,
        rooftops.currency,
        case when known_months.rooftop is null then 'no spend of its month' end as excluded,
        episodes.converted_on as effect_on,
        episodes.converted_on as valid_from,
        cast(null as date) as valid_to,
        cast(null as decimal(18, 2)) as amount,
        0 as leads,
        1 as sales,
    from episodes
    inner join rooftops
        on episodes.rooftop = rooftops.rooftop
    left join known_months
        on episodes.rooftop = known_months.rooftop
        and cast(date_trunc('month', episodes.converted_on) as date) = known_months.month
)

select
    rooftop,
    record_key,
    row_kind || '|' || record_key || '|' || cast(valid_from as varchar) as effect_key,
    file_id,
    row_number,
    row_kind,
    source,
    excluded,
    effect_on,
    valid_from,
    valid_to,
    amount,
    currency,
    cast(leads as bigint) as leads,
    cast(sales as bigint) as sales,
from effects
