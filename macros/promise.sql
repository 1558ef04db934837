{#-
    What a rule says of its records, in the columns and the order that all rules share.

    ``of`` is the relation whose row leads: rooftop, file and row are its own, and so are
    ``<entity>_id`` and ``<entity>_key`` where no others are given. What has no other due day is due
    when it is opened, and broken at the end of the day it is due. ``worth`` is an amount, its label
    and its currency.
-#}
{% macro promise(
    rule,
    entity,
    of,
    opened_on,
    evidence,
    due_on=none,
    broken_on=none,
    closed_on='cast(null as date)',
    is_kept='false',
    owner="'unknown'",
    lead_key='cast(null as varchar)',
    deal_key='cast(null as varchar)',
    worth=['null', none, 'null'],
    rooftop=none,
    entity_as=none,
    entity_id=none,
    entity_key=none
) -%}
    '{{ rule }}' as rule,
    {{ rooftop or of ~ '.rooftop' }} as rooftop,
    {{ entity_as or "'" ~ entity ~ "'" }} as entity,
    {{ entity_id or of ~ '.' ~ entity ~ '_id' }} as entity_id,
    {{ entity_key or of ~ '.' ~ entity ~ '_key' }} as entity_key,
    {{ lead_key }} as lead_key,
    {{ deal_key }} as deal_key,
    coalesce({{ owner }}, 'unknown') as owner,
    {{ opened_on }} as opened_on,
    {{ due_on or opened_on }} as due_on,
    {{ broken_on or due_on or opened_on }} as broken_on,
    {{ closed_on }} as closed_on,
    coalesce({{ is_kept }}, false) as is_kept,
    cast({{ worth[0] }} as decimal(18, 2)) as amount,
    cast({{ "'" ~ worth[1] ~ "'" if worth[1] else 'null' }} as varchar) as amount_label,
    cast({{ worth[2] }} as varchar) as currency,
    {{ evidence }} as evidence,
    {{ of }}.file_id,
    {{ of }}.row_number
{%- endmacro %}
