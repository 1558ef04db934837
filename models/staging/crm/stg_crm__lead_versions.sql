-- Every version, not only the one in force: who owned a lead, and what stood of its stage, quality
-- and next action, on a past day comes from them. Per column the last version so far that carries
-- it.
{%- set columns = [
    'owner', 'stage', 'stage_changed_at', 'quality', 'duplicate_of', 'next_action_due_at',
] %}
with versions as (
    {{ versions_told(source('crm', 'crm_leads')) }}
)

select
    key as lead_key,
    rooftop,
    {% for column in columns -%}
    {{ last_value_of(column, 'version_number') }}
        filter (where op = 'row' and (
            carried is null or {{ names_hold('carried', "'" ~ column ~ "'") }}
        )) over so_far as {{ column }},
    {% endfor -%}
    updated_at,
    exported_at,
    version_number,
    file_id,
    row_number,
    op = 'removed' as is_gone,
from versions
window so_far as (
    partition by key
    order by version_number
)
