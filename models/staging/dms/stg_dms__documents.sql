with documents as (
    {{ in_force(source('dms', 'dms_documents')) }}
),

-- A waiver has no day of its own: it counts from the first version that carries it.
waivers as (
    select key, min(coalesce(updated_at, exported_at)) as waived_at,
    from (
        {{ versions_known(source('dms', 'dms_documents')) | indent(8) }}
    )
    where op = 'row'
        and waived_by is not null
    group by key
)

select
    documents.* exclude (key),
    documents.key as document_key,
    case when documents.waived_by is not null then waivers.waived_at end as waived_at,
from documents
left join waivers
    on documents.key = waivers.key
