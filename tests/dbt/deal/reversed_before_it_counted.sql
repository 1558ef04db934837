{{ config(severity = 'warn') }}
-- Says: these deals were taken back before the day from which they would count.
-- Matters: they are in no number; if one of the two days is a typing error, a sale is missing.
-- Resolve: check reversed_on against the delivery day in the DMS.
select deal_key, delivered_on, reversed_on, file_id, row_number
from {{ ref('fct_deal') }}
where reversed_on < delivered_on
