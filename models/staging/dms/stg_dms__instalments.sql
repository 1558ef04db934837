with instalments as (
    {{ in_force(source('dms', 'dms_instalments')) }}
)

select
    * exclude (key),
    key as instalment_key,
from instalments
