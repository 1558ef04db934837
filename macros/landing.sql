{#-
    The row versions of a feed that were known at the run's instant, oldest first by
    `version_number`.
-#}
{% macro versions_known(relation) -%}
    select
        versions.*,
        row_number() over (
            partition by versions.key
            order by
                versions.exported_at,
                versions.updated_at nulls first,
                files.name,
                files.content_hash,
                versions.row_number
        ) as version_number,
    from {{ relation }} as versions
    inner join {{ source('ledger', 'files') }} as files
        on versions.file_id = files.file_id
    where versions.landed_at <= (select known_at from {{ source('settings', 'run') }})
{%- endmacro %}

{#-
    The state of every key of a feed as known at the run's instant: per column the last version
    whose file carries the column; a cleared cell is a value. `gone_at` is when a full file first no
    longer held the key.

    Where all versions carry the same columns the last whole row is the same state, and far cheaper.
-#}
{% macro in_force(relation) -%}
    {%- set technical = [
        'key', 'op', 'carried', 'day_only', 'exported_at', 'landed_at', 'file_id', 'row_number',
        'row_hash', 'rest', 'bad',
    ] -%}
    {%- set columns = [] -%}
    {%- set carried_sets = 1 -%}
    {%- if execute -%}
        {%- for column in adapter.get_columns_in_relation(relation) -%}
            {%- do columns.append(column.name) if column.name not in technical -%}
        {%- endfor -%}
        {%- set counted = run_query(
            "select count(distinct coalesce(carried, '')) from " ~ relation ~ " where op = 'row'"
        ) -%}
        {%- set carried_sets = counted.columns[0].values()[0] -%}
    {%- endif -%}
    with versions as (
        {{ versions_known(relation) | indent(8) }}
    ),

    ends as (
        select
            key,
            max(version_number) as last_version,
            max(version_number) filter (where op = 'row') as last_row,
            min(exported_at) filter (where op = 'row') as first_exported_at,
        from versions
        group by key
    )
    {% if carried_sets > 1 %},

    folded as (
        select
            key,
            {% for column in columns -%}
            {{ last_value_of(column, 'version_number') }}
                filter (where op = 'row' and (
                    carried is null or {{ names_hold('carried', "'" ~ column ~ "'") }}
                )) as "{{ column }}",
            {% endfor -%}
        from versions
        group by key
    )
    {% endif %}

    select
        {% for column in columns -%}
        {{ 'folded' if carried_sets > 1 else 'versions' }}."{{ column }}",
        {% endfor -%}
        versions.key,
        versions.day_only,
        versions.exported_at,
        ends.first_exported_at,
        versions.landed_at,
        versions.file_id,
        versions.row_number,
        case when ends.last_version > ends.last_row then removals.exported_at end as gone_at,
    from ends
    inner join versions
        on ends.key = versions.key
        and ends.last_row = versions.version_number
    {% if carried_sets > 1 -%}
    inner join folded
        on ends.key = folded.key
    {% endif -%}
    left join versions as removals
        on ends.key = removals.key
        and ends.last_version = removals.version_number
        and removals.op = 'removed'
{%- endmacro %}

{#-
    The optional values of a feed that failed their type and are in force: one row per key and
    column, with the text that stood there. A later version that carries the column mends it; a
    record that is gone has none.
-#}
{% macro failed_values(relation) -%}
    {%- set touched -%}
        (
            select * from {{ relation }}
            where key in (select key from {{ relation }} where bad is not null)
        )
    {%- endset -%}
    with versions as (
        {{ versions_known(touched) | indent(8) }}
    ),

    failed as (
        select
            key,
            version_number,
            {{ each_name('bad') }} as column_name,
            bad,
            file_id,
            row_number,
        from versions
        where op = 'row'
            and bad is not null
    )

    select
        failed.key,
        failed.column_name,
        {{ text_under('failed.bad', 'failed.column_name') }} as value,
        failed.file_id,
        failed.row_number,
    from failed
    where not exists (
        select 1
        from versions as later
        where later.key = failed.key
            and later.version_number > failed.version_number
            and (
                later.op = 'removed'
                or later.carried is null
                or {{ names_hold('later.carried', 'failed.column_name') }}
            )
    )
{%- endmacro %}
