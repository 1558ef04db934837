select
    fx_rate_key,
    currency,
    to_currency,
    kind,
    file_id,
    row_number,
    quoted_on,
    rate,
from {{ ref('stg_dms__fx_rates') }}
