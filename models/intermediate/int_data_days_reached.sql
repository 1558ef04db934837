-- One row: the newest day that any landed file speaks for. A file exported before six in the
-- morning speaks for the day before.
with files as (
    select max(exported_at) as exported_at
    from {{ source('ledger', 'files') }}
    where status = 'landed'
        and received_at <= (select known_at from {{ source('settings', 'run') }})
),

final as (
    select max({{ business_day_of('files.exported_at', 'rooftops.time_zone') }}) as newest_on
    from files
    cross join {{ ref('dim_rooftop') }} as rooftops
)

select * from final
