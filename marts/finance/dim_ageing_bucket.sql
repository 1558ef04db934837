with edges as (
    select * from {{ source('settings', 'ageing_edges') }}
),

policies as (
    select * from {{ source('settings', 'policies') }}
    where valid_to is null
)

select
    edges.schedule,
    edges.basis as aged_by,
    edges.position,
    edges.label,
    edges.low as first_day,
    edges.high as last_day,
    cast(coalesce(own.value, defaults.value, '0') as decimal(9, 4)) as provision_percent,
from edges
left join policies as own
    on own.key = 'ageing.provision.' || edges.label
left join policies as defaults
    on defaults.key = 'ageing.provision.default'
