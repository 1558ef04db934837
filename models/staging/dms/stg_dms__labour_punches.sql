with labour_punches as (
    {{ in_force(source('dms', 'dms_labour_punches')) }}
)

select
    * exclude (key),
    key as punch_key,
from labour_punches
