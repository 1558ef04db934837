{#- A readable key: parts joined by a bar, as the landing writes them (a bar or backslash inside a part is escaped). -#}
{% macro readable_key(parts) -%}
    {%- for part in parts -%}
    replace(replace(cast({{ part }} as varchar), '\', '\\'), '|', '\|'){{ " || '|' || " if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
