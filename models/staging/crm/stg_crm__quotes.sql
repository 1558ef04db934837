with quotes as (
    {{ in_force(source('crm', 'crm_quotes')) }}
)

select
    * exclude (key),
    key as quote_key,
from quotes
