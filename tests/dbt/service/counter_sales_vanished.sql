-- A counter line that a later full file of its source no longer has. Its money still counts: a sale
-- ends by a return, not by silence. Ask why, and have it returned.
{{ config(severity='warn') }}

select
    rooftop,
    ticket,
    line,
    sold_on,
    revenue,
from {{ ref('int_counter_sales_booked') }}
where is_vanished
