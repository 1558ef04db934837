{#-
    The watched fields of every feed (seed watched_fields), one row per version that carries the
    field, for records with more than one version: what never changed has no history. A removed row
    says nothing about its fields. `value` is text: money and numbers with their decimals, instants
    in UTC; `comparable` is the value as a person writes it down: instants by the rooftop's clock.
-#}
{% macro watched_versions() -%}
    {%- set watched = {} -%}
    {%- set fields = ref('watched_fields') -%}
    {%- if execute -%}
        {%- set listed = run_query(
            'select feed, entity, field, dated_by from ' ~ fields ~ ' order by all'
        ) -%}
        {%- for row in listed.rows -%}
            {%- do watched.setdefault((row['feed'], row['entity']), []).append(row) -%}
        {%- endfor -%}
    {%- endif -%}
    with rooftops as (
        select * from {{ ref('dim_rooftop') }}
    )
    {%- for (feed, entity), fields in watched.items() %},

    {{ feed }} as (
        select
            versions.*,
            rooftops.time_zone,
        from (
            {{ versions_known(source(feed.split('_')[0], feed)) | indent(12) }}
        ) as versions
        left join rooftops
            on versions.rooftop = rooftops.rooftop
        where versions.op = 'row'
        qualify count(*) over (partition by versions.key) > 1
    )
    {%- endfor %}

    {% for (feed, entity), fields in watched.items() -%}
    {%- set types = {} -%}
    {%- for column in adapter.get_columns_in_relation(source(feed.split('_')[0], feed)) -%}
        {%- do types.update({column.name: column.data_type}) -%}
    {%- endfor %}
    {%- for row in fields -%}
    select
        '{{ feed }}' as feed,
        '{{ entity }}' as entity,
        key as record_key,
        rooftop,
        '{{ row['field'] }}' as field,
        version_number,
        cast("{{ row['field'] }}" as varchar) as value,
        {%- if types[row['field']] | lower == 'timestamp' %}
        replace({{ local_clock('"' ~ row['field'] ~ '"', 'time_zone') }}, ' ', 'T') as comparable,
        {%- else %}
        cast("{{ row['field'] }}" as varchar) as comparable,
        {%- endif %}
        updated_at,
        {{ row['dated_by'] or 'cast(null as timestamp)' }} as dated_at,
        exported_at,
        landed_at,
        file_id,
        row_number,
    from {{ feed }}
    where carried is null or {{ names_hold('carried', "'" ~ row['field'] ~ "'") }}
    {{ 'union all' if not loop.last }}
    {% endfor -%}
    {{ 'union all' if not loop.last }}
    {% endfor -%}
{%- endmacro %}
