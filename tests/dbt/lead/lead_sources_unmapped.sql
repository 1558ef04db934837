{{ config(severity = 'warn') }}
-- Says: a spelling of a lead source that neither the settings nor seeds/source_map.csv know.
-- Matters: its leads stand under the source unknown, so no source gets the credit or the cost.
-- Resolve: add a line under [sources] in forecourt.toml; an empty spelling is to be filled in the
-- CRM.
select
    coalesce(source_raw, '') as spelling,
    count(*) as leads,
from {{ ref('fct_lead') }}
where source = 'unknown'
group by coalesce(source_raw, '')
