with surveys as (
    select * from {{ ref('stg_crm__surveys') }}
),

rooftops as (
    select * from {{ ref('dim_rooftop') }}
)

select
    surveys.rooftop,
    surveys.survey_id,
    surveys.survey_key,
    surveys.customer_id,
    surveys.reference,
    surveys.file_id,
    surveys.row_number,
    surveys.about,
    surveys.sent_at,
    {{ local_day('surveys.sent_at', 'rooftops.time_zone') }} as sent_on,
    surveys.responded_at,
    {{ local_day('surveys.responded_at', 'rooftops.time_zone') }} as responded_on,
    surveys.score,
    surveys.scale_min,
    surveys.scale_max,
from surveys
inner join rooftops
    on surveys.rooftop = rooftops.rooftop
