{{ config(
    materialized='table_function',
    parameters=['as_of', 'basis'],
    contract={'enforced': false},
    persist_docs={'relation': false, 'columns': false},
) }}

{#-
    Tables are named in two parts: a published file is opened under another name than it was built
    under. The basis is checked where the day is read, so that a wrong one is refused also where
    nothing is open.
-#}
{{ receivable_ageing_at(
    ref('fct_receivable').include(database=false),
    ref('fct_receivable_movement').include(database=false),
    ref('dim_ageing_bucket').include(database=false),
    ref('dim_fx_rate').include(database=false),
    ref('fct_document').include(database=false),
    "cast(case when basis in ('due', 'invoice') then as_of else "
        ~ stop_with("'The basis of an ageing is due or invoice, not ' || basis") ~ " end as date)",
    'basis',
) }}
