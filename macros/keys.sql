{#-
    A readable key as the landing writes them: parts joined by a bar, a bar or backslash inside one
    escaped.
-#}
{% macro readable_key(parts) -%}
    {%- for part in parts -%}
    replace(replace(cast({{ part }} as varchar), '\', '\\'), '|', '\|')
    {{- " || '|' || " if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
