{#-
    Everything that is spelled differently on another engine, in this one file. Each macro is
    dispatched, so a second engine adds `<engine>__name` here and no model changes.
-#}

{#- The day in a rooftop's time zone of a UTC instant. -#}
{% macro local_day(instant, time_zone) -%}
    {{ return(adapter.dispatch('local_day')(instant, time_zone)) }}
{%- endmacro %}
{% macro default__local_day(instant, time_zone) -%}
    cast(timezone({{ time_zone }}, timezone('UTC', {{ instant }})) as date)
{%- endmacro %}

{#- Whole days from one date to another. -#}
{% macro days_between(first, last) -%}
    {{ return(adapter.dispatch('days_between')(first, last)) }}
{%- endmacro %}
{% macro default__days_between(first, last) -%}
    date_diff('day', {{ first }}, {{ last }})
{%- endmacro %}

{#- Whole seconds from one instant to another. -#}
{% macro seconds_between(first, last) -%}
    {{ return(adapter.dispatch('seconds_between')(first, last)) }}
{%- endmacro %}
{% macro default__seconds_between(first, last) -%}
    date_diff('second', {{ first }}, {{ last }})
{%- endmacro %}

{#- A day moved by a whole number of days (a column or a number). -#}
{% macro add_days(day, days) -%}
    {{ return(adapter.dispatch('add_days')(day, days)) }}
{%- endmacro %}
{% macro default__add_days(day, days) -%}
    cast({{ day }} + cast({{ days }} as integer) as date)
{%- endmacro %}

{#- A day moved by a whole number of months; the last of a month where it has no such day. -#}
{% macro add_months(day, months) -%}
    {{ return(adapter.dispatch('add_months')(day, months)) }}
{%- endmacro %}
{% macro default__add_months(day, months) -%}
    cast({{ day }} + to_months(cast({{ months }} as integer)) as date)
{%- endmacro %}

{#- The weekday of a day, 1 = Monday to 7 = Sunday. -#}
{% macro iso_weekday(day) -%}
    {{ return(adapter.dispatch('iso_weekday')(day)) }}
{%- endmacro %}
{% macro default__iso_weekday(day) -%}
    cast(isodow({{ day }}) as integer)
{%- endmacro %}

{#- The value of a column in the version with the highest number, null included. -#}
{% macro last_value_of(column, version_number) -%}
    {{ return(adapter.dispatch('last_value_of')(column, version_number)) }}
{%- endmacro %}
{% macro default__last_value_of(column, version_number) -%}
    arg_max_null({{ column }}, {{ version_number }})
{%- endmacro %}

{#- True when a comma-joined list of names holds a name; both are SQL. -#}
{% macro names_hold(names, name) -%}
    {{ return(adapter.dispatch('names_hold')(names, name)) }}
{%- endmacro %}
{% macro default__names_hold(names, name) -%}
    contains(',' || {{ names }} || ',', ',' || {{ name }} || ',')
{%- endmacro %}

{#- One row per name of a JSON object: the name; it stands in a select list. -#}
{% macro each_name(document) -%}
    {{ return(adapter.dispatch('each_name')(document)) }}
{%- endmacro %}
{% macro default__each_name(document) -%}
    unnest(json_keys({{ document }}))
{%- endmacro %}

{#- The text under a name of a JSON object; the name is SQL. -#}
{% macro text_under(document, name) -%}
    {{ return(adapter.dispatch('text_under')(document, name)) }}
{%- endmacro %}
{% macro default__text_under(document, name) -%}
    json_extract_string({{ document }}, '$."' || {{ name }} || '"')
{%- endmacro %}

{#-
    Money times a rate, rounded half away from zero to the cent. Both are widened first: a product
    of two DECIMAL(18) overflows.
-#}
{% macro money_times(money, rate) -%}
    {{ return(adapter.dispatch('money_times')(money, rate)) }}
{%- endmacro %}
{% macro default__money_times(money, rate) -%}
    cast(
        round(cast({{ money }} as decimal(20, 2)) * cast({{ rate }} as decimal(18, 6)), 2)
        as decimal(18, 2)
    )
{%- endmacro %}

{#- An instant moved by a whole number of seconds (a column or a number). -#}
{% macro add_seconds(instant, seconds) -%}
    {{ return(adapter.dispatch('add_seconds')(instant, seconds)) }}
{%- endmacro %}
{% macro default__add_seconds(instant, seconds) -%}
    ({{ instant }} + to_seconds({{ seconds }}))
{%- endmacro %}

{#-
    The share part/whole of an amount of money, rounded half away from zero to the cent in whole
    numbers: a division of decimals would go through a double. `part` and `whole` are integers,
    `whole` above zero; `part` may be negative.
-#}
{% macro money_share(money, part, whole) -%}
    {{ return(adapter.dispatch('money_share')(money, part, whole)) }}
{%- endmacro %}
{% macro default__money_share(money, part, whole) -%}
    cast(
        sign({{ money }}) * sign({{ part }}) * cast(
            (
                2 * cast(abs(cast({{ money }} as decimal(20, 2))) * 100 as hugeint)
                * abs(cast({{ part }} as hugeint))
                + cast({{ whole }} as hugeint)
            ) // (2 * cast({{ whole }} as hugeint))
            as decimal(20, 0)
        ) * cast(0.01 as decimal(3, 2))
        as decimal(18, 2)
    )
{%- endmacro %}

{#- Stops the query with a sentence; as a value it has the type of the other branches. -#}
{% macro stop_with(sentence) -%}
    {{ return(adapter.dispatch('stop_with')(sentence)) }}
{%- endmacro %}
{% macro default__stop_with(sentence) -%}
    error({{ sentence }})
{%- endmacro %}

{#-
    One row per day from one date to another, both included; none where the last lies before the
    first.
-#}
{% macro each_day(first, last) -%}
    {{ return(adapter.dispatch('each_day')(first, last)) }}
{%- endmacro %}
{% macro default__each_day(first, last) -%}
    cast(unnest(generate_series(
        cast({{ first }} as timestamp), cast({{ last }} as timestamp), interval 1 day
    )) as date)
{%- endmacro %}

{#-
    The last local day that an export made at a UTC instant speaks for: one made before six in the
    morning, by the clock on the wall, speaks for the day before.
-#}
{% macro data_day(exported_at, time_zone) -%}
    {{ return(adapter.dispatch('data_day')(exported_at, time_zone)) }}
{%- endmacro %}
{% macro default__data_day(exported_at, time_zone) -%}
    cast(timezone({{ time_zone }}, timezone('UTC', {{ exported_at }})) - interval 6 hour as date)
{%- endmacro %}

{#- The date and clock time in a rooftop's time zone of a UTC instant, without offset. -#}
{% macro local_clock(instant, time_zone) -%}
    {{ return(adapter.dispatch('local_clock')(instant, time_zone)) }}
{%- endmacro %}
{% macro default__local_clock(instant, time_zone) -%}
    cast(timezone({{ time_zone }}, timezone('UTC', {{ instant }})) as varchar)
{%- endmacro %}

{#-
    The nodes of a graph with a label that is the same for all that are connected and for no other:
    the smallest of their names. `links` is a relation with the columns node and other, both text.
-#}
{% macro connected_nodes(links) -%}
    {{ return(adapter.dispatch('connected_nodes')(links)) }}
{%- endmacro %}
{% macro default__connected_nodes(links) -%}
    with recursive pairs as (
        select node, other from {{ links }}
        union all
        select other as node, node as other from {{ links }}
    ),

    labelled(node, label) using key (node) as (
        select node, least(node, min(other)) as label
        from pairs
        group by node

        union

        select
            pairs.other as node,
            min(labelled.label) as label,
        from labelled
        inner join pairs
            on labelled.node = pairs.node
        inner join recurring.labelled as known
            on pairs.other = known.node
        group by pairs.other, known.label
        having min(labelled.label) < known.label
    )

    select node, label from labelled
{%- endmacro %}

{#- A text without spaces and dashes of any kind. -#}
{% macro without_spaces_and_dashes(text) -%}
    {{ return(adapter.dispatch('without_spaces_and_dashes')(text)) }}
{%- endmacro %}
{% macro default__without_spaces_and_dashes(text) -%}
    regexp_replace({{ text }}, '[\s\p{Z}\p{Pd}]', '', 'g')
{%- endmacro %}

{#- The letters and digits of a text, of any script, and nothing else. -#}
{% macro letters_and_digits(text) -%}
    {{ return(adapter.dispatch('letters_and_digits')(text)) }}
{%- endmacro %}
{% macro default__letters_and_digits(text) -%}
    regexp_replace({{ text }}, '[^\p{L}\p{N}]', '', 'g')
{%- endmacro %}
