{{ config(severity = 'warn') }}
-- Says: customer records of a system were merged into each other in a circle, so none of them
-- survives.
-- Matters: each stands as a customer of its own unless a phone or e-mail joins them, and their
-- leads are not joined into one episode.
-- Resolve: undo one of the merges in the CRM or DMS.
select
    sources.system,
    sources.rooftop,
    sources.customer_id,
    records.merged_into,
from {{ ref('int_customers_matched') }} as sources
inner join (
    select 'crm|' || customer_key as record_key, merged_into from {{ ref('stg_crm__customers') }}
    union all
    select 'dms|' || customer_key as record_key, merged_into from {{ ref('stg_dms__customers') }}
) as records
    on sources.record_key = records.record_key
where records.merged_into is not null
    and not sources.is_merge_followed
