select
    system,
    rooftop,
    customer_id,
    record_key as customer_source_key,
    customer_key,
    file_id,
    row_number,
    matched_by,
    matched_with,
    matched_value,
    matched_file_id,
    matched_row_number,
from {{ ref('int_customers_matched') }}
where system <> 'lead'
