{{ config(
    materialized='table_function',
    parameters=['as_of'],
    contract={'enforced': false},
    persist_docs={'relation': false, 'columns': false},
) }}

{#- The table is named in two parts: a published file is opened under another name. -#}
select
    rooftop,
    legal_entity,
    schedule,
    customer_id,
    document_key,
    movement_key as key,
    currency,
    base_currency,
    effective_on,
    amount_base as outstanding_base,
    case
        when movement = 'posted'
            and kind = 'invoice'
            and effective_on > {{ add_days('cast(as_of as date)', -90) }}
            then amount_base
        else 0
    end as invoiced_base,
    case when amount_base is null then 'no rate for ' || currency end as excluded,
from {{ ref('fct_receivable_movement').include(database=false) }}
where effective_on <= cast(as_of as date)
