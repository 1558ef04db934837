-- A document in a currency other than its rooftop's without a booked rate. It is shown in its own
-- currency and counted as excluded from every figure in the rooftop's. It matters while it is open.
-- Have the source export the rate.
{{ config(severity='warn') }}

select
    rooftop,
    document_kind,
    document,
    posted_on,
    currency,
    amount,
from {{ ref('int_receivables_unioned') }}
where rate is null
