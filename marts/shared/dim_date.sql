-- Reaches over every day that a rooftop's calendar reaches, so each fact's day is here.
with days as (
    select distinct day from {{ source('settings', 'business_days') }}
),

final as (
    select
        day as date_day,
        cast(date_trunc('month', day) as date) as month,
        cast(date_trunc('quarter', day) as date) as quarter,
        cast(date_trunc('year', day) as date) as year,
        substring(cast(day as varchar), 1, 7) as month_name,
        {{ iso_weekday('day') }} as weekday,
        {{ iso_weekday('day') }} >= 6 as is_weekend,
    from days
)

select * from final
