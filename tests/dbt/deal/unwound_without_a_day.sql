{{ config(severity = 'warn') }}
-- Says: these deals are unwound and carry no day on which they were taken back.
-- Matters: without the day they stay in units and gross as if they stood.
-- Resolve: fill reversed_on in the DMS; the next delivery mends the numbers.
select deal_key, file_id, row_number
from {{ ref('fct_deal') }}
where status = 'unwound'
    and reversed_on is null
