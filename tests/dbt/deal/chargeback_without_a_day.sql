{{ config(severity = 'warn') }}
-- Says: a chargeback was booked without its day and without a day of cancellation.
-- Matters: it belongs to no period, so it is in no gross.
-- Resolve: fill chargeback_on in the DMS.
select deal_product_key, chargeback, file_id, row_number
from {{ ref('fct_deal_product') }}
where chargeback is not null
    and charged_back_on is null
