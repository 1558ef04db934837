with invoices as (
    {{ in_force(source('dms', 'dms_invoices')) }}
)

select
    * exclude (key),
    key as invoice_key,
from invoices
