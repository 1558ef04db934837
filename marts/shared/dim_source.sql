with sources as (
    select
        source,
        min(kind) as kind,
    from {{ ref('int_sources_mapped') }}
    group by source
)

select
    source,
    kind,
    true as is_known,
from sources

union all

select
    'unknown' as source,
    'unknown' as kind,
    false as is_known,
