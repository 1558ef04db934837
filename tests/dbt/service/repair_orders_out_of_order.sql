-- A repair order that was closed before it was opened, or after more than 365 days: its duration is
-- excluded and counted. It matters when a clock or a date format is wrong. Correct it in the DMS.
{{ config(severity='warn') }}

select
    rooftop,
    ro_number,
    opened_at,
    closed_at,
    excluded,
from {{ ref('fct_repair_order') }}
where excluded != 'voided'
