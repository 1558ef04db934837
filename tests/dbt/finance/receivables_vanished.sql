-- A document that a later full file of its source no longer has. Its money still counts: a
-- receivable ends by a payment, a credit note or a write-off, not by silence. It matters when the
-- source deleted it. Ask why, and have it reversed.
{{ config(severity='warn') }}

select
    rooftop,
    document_kind,
    document,
    posted_on,
    currency,
    amount,
from {{ ref('int_receivables_unioned') }}
where is_vanished
