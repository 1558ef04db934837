with units as (
    select * from {{ ref('fct_claim_exposure') }}
    where row_kind = 'unit'
),

claims as (
    select * from {{ ref('fct_claim') }}
    where excluded is null
        and is_counted_kind
),

data_days as (
    select * from {{ ref('int_data_days_reached') }}
),

-- The months 1 to 36; a car is seldom a matter of ours for longer.
months as (
    select cast(row_number() over (order by date_day) as integer) as month_in_service,
    from {{ ref('dim_date') }}
    qualify month_in_service <= 36
),

reached as (
    select
        units.*,
        months.month_in_service,
        {{ add_months('units.started_on', 'months.month_in_service - 1') }} as month_from,
        {{ add_months('units.started_on', 'months.month_in_service') }} as reached_on,
    from units
    cross join months
),

-- Only whole months: a month that is not over has had less time to bring a claim.
served as (
    select reached.*
    from reached
    cross join data_days
    where reached.reached_on <= data_days.newest_on
),

claimed as (
    select
        served.deal_key,
        served.month_in_service,
        count(*) as claims,
    from served
    inner join claims
        on served.deal_key = claims.deal_key
        and claims.opened_on >= served.month_from
        and claims.opened_on < served.reached_on
    group by served.deal_key, served.month_in_service
)

select
    served.deal_key || '|' || cast(served.month_in_service as varchar) as service_month_key,
    served.deal_key,
    served.rooftop,
    served.file_id,
    served.row_number,
    case when served.month_in_service < 10 then '0' else '' end
        || cast(served.month_in_service as varchar) as month_in_service,
    served.make,
    served.model,
    served.condition,
    served.deal_type,
    served.started_on,
    served.reached_on,
    cast(coalesce(claimed.claims, 0) as bigint) as claims,
from served
left join claimed
    on served.deal_key = claimed.deal_key
    and served.month_in_service = claimed.month_in_service
