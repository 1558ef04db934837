with documents as (
    select * from {{ ref('stg_dms__documents') }}
),

rooftops as (
    select * from {{ ref('dim_rooftop') }}
),

dated as (
    select
        documents.*,
        {{ data_day('documents.waived_at', 'rooftops.time_zone') }} as waived_on,
        {{ data_day('documents.gone_at', 'rooftops.time_zone') }} as gone_on,
        -- What is rejected on the day it came, or later, is missing again.
        documents.rejected_on is not null
            and (documents.received_on is null or documents.rejected_on >= documents.received_on)
            as is_rejected,
    from documents
    inner join rooftops
        on documents.rooftop = rooftops.rooftop
),

final as (
    select
        document_key,
        rooftop,
        entity,
        entity_id,
        document,
        case
            when entity = 'deal' then {{ readable_key(['rooftop', 'entity_id']) }}
        end as deal_key,
        file_id,
        row_number,
        waived_by,
        waived_reason,
        rejected_reason,
        required_on,
        received_on,
        submitted_on,
        rejected_on,
        waived_on,
        gone_on,
        least(
            case when not is_rejected then received_on end,
            waived_on,
            gone_on
        ) as complete_on,
        is_rejected,
    from dated
)

select * from final
