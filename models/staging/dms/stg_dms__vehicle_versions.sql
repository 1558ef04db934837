-- Every version, not only the one in force: what a car was used for on a past day comes from them.
with versions as (
    {{ versions_told(source('dms', 'dms_vehicles')) }}
)

select
    key as stock_unit_key,
    rooftop,
    stock_number,
    "use",
    updated_at,
    exported_at,
    version_number,
    file_id,
    row_number,
from versions
where op = 'row'
    and (carried is null or {{ names_hold('carried', "'use'") }})
