-- A punch that has no end, ends before it starts, or lasts longer than a day. The first two are no
-- working time, the third counts as it stands. It matters for the hours worked. Correct the punch.
{{ config(severity='warn') }}

select
    rooftop,
    punch_id,
    technician,
    started_at,
    stopped_at,
from {{ ref('stg_dms__labour_punches') }}
where stopped_at is null
    or stopped_at <= started_at
    or {{ seconds_between('started_at', 'stopped_at') }} > 86400
