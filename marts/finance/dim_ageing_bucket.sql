select
    schedule,
    basis as aged_by,
    position,
    label,
    low as first_day,
    high as last_day,
from {{ source('settings', 'ageing_edges') }}
