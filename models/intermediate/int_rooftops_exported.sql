-- Per rooftop the last local day that the data speaks for: of all files, and of the hire
-- agreements. A file exported before six in the morning speaks for the day before.
with rooftops as (
    select * from {{ ref('dim_rooftop') }}
),

business_days as (
    select * from {{ ref('dim_business_day') }}
),

rentals as (
    select * from {{ ref('stg_dms__rentals') }}
),

files as (
    select
        files.file_id,
        files.exported_at,
    from {{ source('ledger', 'files') }} as files
    where files.status = 'landed'
        and files.received_at <= (select known_at from {{ source('settings', 'run') }})
),

rental_files as (
    select files.exported_at
    from files
    inner join {{ source('ledger', 'file_feeds') }} as file_feeds
        on files.file_id = file_feeds.file_id
    where file_feeds.feed = 'dms_rentals'
    union all
    select exported_at from rentals
),

newest as (
    select
        (select max(exported_at) from files) as exported_at,
        (select max(exported_at) from rental_files) as rentals_exported_at,
),

days as (
    select
        rooftops.rooftop,
        {{ data_day('newest.exported_at', 'rooftops.time_zone') }} as last_day,
        {{ data_day('newest.rentals_exported_at', 'rooftops.time_zone') }} as rentals_last_day,
    from rooftops
    cross join newest
)

select
    days.rooftop,
    days.last_day,
    last_days.end_utc as last_day_ends_at,
    days.rentals_last_day,
    rental_days.end_utc as rentals_last_day_ends_at,
from days
left join business_days as last_days
    on days.rooftop = last_days.rooftop
    and days.last_day = last_days.day
left join business_days as rental_days
    on days.rooftop = rental_days.rooftop
    and days.rentals_last_day = rental_days.day
