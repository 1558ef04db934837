with spend as (
    select * from {{ ref('stg_crm__spend') }}
),

rooftops as (
    select * from {{ ref('dim_rooftop') }}
),

sources as (
    select * from {{ ref('int_sources_mapped') }}
)

select
    spend.rooftop,
    spend.month,
    spend.source as source_raw,
    spend.spend_key,
    spend.file_id,
    spend.row_number,
    coalesce(sources.source, 'unknown') as source,
    spend.amount,
    coalesce(spend.currency, rooftops.currency) as currency,
from spend
inner join rooftops
    on spend.rooftop = rooftops.rooftop
left join sources
    on lower(trim(spend.source)) = sources.spelling
