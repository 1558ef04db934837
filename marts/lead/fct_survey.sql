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
    coalesce(surveys.about, 'unknown') as about,
    case
        when surveys.responded_at is null then null
        when surveys.score is null then 'answered without a score'
        when surveys.scale_min is null or surveys.scale_max is null then 'scale not given'
        when surveys.scale_max <= surveys.scale_min then 'scale without a length'
        when surveys.score < surveys.scale_min or surveys.score > surveys.scale_max
            then 'score outside its scale'
    end as excluded,
    surveys.sent_at,
    {{ local_day('surveys.sent_at', 'rooftops.time_zone') }} as sent_on,
    surveys.responded_at,
    {{ local_day('surveys.responded_at', 'rooftops.time_zone') }} as responded_on,
    surveys.score,
    surveys.scale_min,
    surveys.scale_max,
    cast(
        case
            when surveys.score between surveys.scale_min and surveys.scale_max
                then round(
                    (surveys.score - surveys.scale_min) * 100
                        / nullif(surveys.scale_max - surveys.scale_min, 0),
                    6
                )
        end as decimal(18, 6)
    ) as points,
from surveys
inner join rooftops
    on surveys.rooftop = rooftops.rooftop
