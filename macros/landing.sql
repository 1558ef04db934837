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
    The known versions of a feed with `is_news`: false for one that only repeats what stood before.
    Such a one is stored when its file came before the one it repeats; it says when, not what, and
    must not count, or the marts would depend on the order in which files came.
-#}
{% macro versions_compared(relation) -%}
    {%- set columns = columns_of_feed(relation) %}
    select
        *,
        lag(op) over versions_before is distinct from op
            or op = 'row' and (
                {% if carried_sets(relation) > 1 -%}
                {% for column in columns -%}
                {%- set carried -%}
                    (carried is null or {{ names_hold('carried', "'" ~ column ~ "'") }})
                {%- endset -%}
                {%- set text = "coalesce(cast(\"" ~ column ~ "\" as varchar), '')" -%}
                {{ carried }} and {{ text }} <> coalesce(last_value(
                    case when op = 'row' and {{ carried }} then {{ text }} end ignore nulls
                ) over versions_before, ''){{ ' or' if not loop.last }}
                {% endfor -%}
                {%- else -%}
                row_hash is distinct from lag(row_hash) over versions_before
                {%- endif %}
            ) as is_news,
    from (
        {{ versions_known(relation) | indent(8) }}
    )
    window versions_before as (
        partition by key
        order by version_number
        rows between unbounded preceding and 1 preceding
    )
{%- endmacro %}

{#- The known versions of a feed that say something new. -#}
{% macro versions_told(relation) -%}
    select *
    from (
        {{ versions_compared(relation) | indent(8) }}
    )
    where is_news
{%- endmacro %}

{#- The columns of a feed without those of the landing. -#}
{% macro columns_of_feed(relation) -%}
    {%- set technical = [
        'key', 'op', 'carried', 'day_only', 'exported_at', 'landed_at', 'file_id', 'row_number',
        'row_hash', 'rest', 'bad',
    ] -%}
    {%- set columns = [] -%}
    {%- if execute -%}
        {%- for column in adapter.get_columns_in_relation(relation) -%}
            {%- do columns.append(column.name) if column.name not in technical -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(columns) }}
{%- endmacro %}

{#- How many sets of columns the files of a feed carry. -#}
{% macro carried_sets(relation) -%}
    {%- if not execute -%}
        {{ return(1) }}
    {%- endif -%}
    {%- set counted = run_query(
        "select count(distinct coalesce(carried, '')) from " ~ relation ~ " where op = 'row'"
    ) -%}
    {{ return(counted.columns[0].values()[0]) }}
{%- endmacro %}

{#-
    The state of every key of a feed as known at the run's instant: per column the last version
    whose file carries the column; a cleared cell is a value. `gone_at` is when a full file first no
    longer held the key.

    Where all versions carry the same columns the last whole row is the same state, and far cheaper.
    The leading record is the first that says what is in force.
-#}
{% macro in_force(relation) -%}
    {%- set columns = columns_of_feed(relation) -%}
    {%- set is_folded = carried_sets(relation) > 1 %}
    with versions as (
        {{ versions_compared(relation) | indent(8) }}
    ),

    ends as (
        select
            key,
            max(version_number) filter (where is_news) as last_version,
            max(version_number) filter (where op = 'row' and is_news) as last_row,
            min(exported_at) filter (where op = 'row') as first_exported_at,
        from versions
        group by key
    )
    {% if is_folded %},

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
        {{ 'folded' if is_folded else 'versions' }}."{{ column }}",
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
    {% if is_folded -%}
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
