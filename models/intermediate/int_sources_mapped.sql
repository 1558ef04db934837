-- Every known spelling of a lead source with the canonical source: those of the settings, and those
-- of the seed where the settings say nothing.
with seed as (
    select * from {{ ref('source_map') }}
),

overlay as (
    select
        spelling,
        source,
    from {{ source('settings', 'sources') }}
),

kinds as (
    select
        source,
        min(kind) as kind,
    from seed
    group by source
)

select
    overlay.spelling,
    overlay.source,
    coalesce(kinds.kind, 'other') as kind,
from overlay
left join kinds
    on overlay.source = kinds.source

union all

select
    seed.spelling,
    seed.source,
    seed.kind,
from seed
left join overlay
    on seed.spelling = overlay.spelling
where overlay.spelling is null
