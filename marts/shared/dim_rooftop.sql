select
    rooftop,
    name as rooftop_name,
    legal_entity,
    time_zone,
    currency,
    vat_rate,
    is_configured,
from {{ source('settings', 'rooftops') }}
