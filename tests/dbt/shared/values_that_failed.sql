{{ config(severity='warn') }}
-- Says: optional values that are no day, number or amount, by feed and column, with how many and
-- one of them as it was written. Their rows count; the value is taken as unknown.
-- Matters: what needs the value, such as the day of a sale, leaves the row out of its figures.
-- Resolve: correct the values, or the date order or decimal sign of the source; the next delivery
-- mends the numbers.
{%- set ns = namespace(feeds=[]) -%}
{%- if execute -%}
    {%- for source in graph.sources.values() if source.source_name in ['crm', 'dms', 'portal'] -%}
        {%- do ns.feeds.append((source.source_name, source.name)) -%}
    {%- endfor -%}
{%- endif %}

with failed as (
    {% for system, feed in ns.feeds | sort -%}
    select '{{ feed }}' as feed, *
    from (
        {{ failed_values(source(system, feed)) | indent(8) }}
    ) as found
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    feed,
    column_name,
    count(*) over (partition by feed, column_name) as failed_values,
    value as example,
    key as example_key,
    file_id,
    row_number,
from failed
qualify row_number() over (partition by feed, column_name order by key desc) = 1
