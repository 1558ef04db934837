{#-
    The value of a policy (METRICS section 9) in force on a day, as text; cast it where it is used.
    Without a day the newest value.
-#}
{% macro policy(key, day=none) -%}
    (
        select value
        from {{ source('settings', 'policies') }}
        where key = '{{ key }}'
            {% if day is none -%}
            and valid_to is null
            {%- else -%}
            and {{ day }} >= valid_from
            and ({{ day }} < valid_to or valid_to is null)
            {%- endif %}
    )
{%- endmacro %}
