{{ config(severity='warn') }}
-- Says: these deals have reached the step from which a deal counts (policy deal.recognition), and
-- the day of the step is missing or could not be read.
-- Matters: they belong to no period, so they are in no unit, gross or rate, nor among the excluded.
-- Resolve: fill or correct the day in the DMS; the next delivery mends the numbers.
with unread as (
    {{ failed_values(source('dms', 'dms_deals')) | indent(4) }}
),

steps as (
    select
        *,
        coalesce(
            {{ policy('deal.recognition', 'coalesce(contract_on, finalised_on, delivered_on)') }},
            {{ policy('deal.recognition') }}
        ) as step,
        {{ deal_recognised_on('deals') }} as counts_on,
    from {{ ref('stg_dms__deals') }} as deals
),

named as (
    select
        *,
        case step
            when 'contract' then 'contract_on'
            when 'finalised' then 'finalised_on'
            else 'delivered_on'
        end as day_column,
    from steps
    where counts_on is null
)

select
    named.deal_key,
    named.status,
    named.day_column as missing_day,
    unread.value as unreadable_day,
    named.sale_price,
    named.file_id,
    named.row_number,
from named
left join unread
    on named.deal_key = unread.key
    and named.day_column = unread.column_name
where named.status in ('delivered', 'unwound')
    or (named.step in ('contract', 'finalised') and named.status = 'finalised')
    or (named.step = 'contract' and named.status = 'booked')
    -- Finalised counts with its day of delivery, cancelled with its reversal: only a day that was
    -- given says that it was delivered.
    or (unread.value is not null and (
        named.status = 'finalised'
        or (named.status = 'cancelled' and named.reversed_on is not null)
    ))
