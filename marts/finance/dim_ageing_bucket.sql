with buckets as (
    select * from {{ source('settings', 'ageing_buckets') }}
)

select
    schedule,
    basis as aged_by,
    position,
    label,
    valid_from,
    valid_to,
    low as first_day,
    high as last_day,
    cast(provision_percent as decimal(9, 4)) as provision_percent,
    is_headline,
from buckets
